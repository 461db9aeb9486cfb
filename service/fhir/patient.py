"""Who the patient is: age and sex. Names, addresses and identifiers are never looked at."""

import re
from datetime import date

from service.fhir.elements import entries, present, text
from service.fhir.work import Candidate, Source, Work

_BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
_BIRTH = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z")


def read_patient(source: Source, work: Work) -> None:
    deceased = source.get("deceasedBoolean")
    if deceased is True or present(source.get("deceasedDateTime")):
        work.refuse(source.name, "deceased")
    for item in work.codebook.items("Patient.birthDate"):
        _birth(item, source, work)
    _sex_at_birth(source, work)
    gender = text(source.get("gender"))
    if gender is not None:
        named = work.codebook.find("Patient.gender", [("gender", gender)])
        for item, word in named:
            work.state(item, Candidate(source.name, word, lasting=True))
        if not named:
            work.refuse(source.name, "value")


def _sex_at_birth(source: Source, work: Work) -> None:
    """The extension for it, where it is used: when it differs from the gender, neither is taken."""
    for extension in entries(source.get("extension")):
        code = text(extension.get("valueCode"))
        if extension.get("url") == _BIRTH_SEX and code is not None:
            for item, word in work.codebook.find("Patient.gender", [("gender", code.casefold())]):
                work.state(item, Candidate(source.name, word, lasting=True))


def _birth(item: str, source: Source, work: Work) -> None:
    said = text(source.get("birthDate"))
    if said is None:
        return
    ages = _ages(said, work.at.date())
    limits = work.codebook.vocabulary[item]
    if ages is None:
        work.refuse(source.name, "value")
    elif ages[0] != ages[1]:
        work.refuse(source.name, "imprecise")
    elif not limits.low <= ages[0] <= limits.high:
        work.refuse(source.name, "range")
    else:
        work.state(item, Candidate(source.name, ages[0], limits.unit, float(ages[0]), lasting=True))


def _ages(said: str, today: date) -> tuple[int, int] | None:
    """The lowest and the highest age that a date of birth, of whatever precision, allows."""
    found = _BIRTH.match(said)
    if not found:
        return None
    year, month, day = (int(number) if number else None for number in found.groups())
    try:
        date(int(found[1]), month or 1, day or 1)
    except ValueError:
        return None
    assert year is not None
    earliest, latest = (month or 1, day or 1), (month or 12, day or 31)
    return _completed(year, latest, today), _completed(year, earliest, today)


def _completed(year: int, month_and_day: tuple[int, int], today: date) -> int:
    return today.year - year - ((today.month, today.day) < month_and_day)
