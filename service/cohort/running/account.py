"""The short account at the end of a run, in words."""

from collections.abc import Iterator
from typing import Final

from service.cohort.running.record import Record
from service.cohort.running.start import Wanted
from service.cohort.settle.problems import MEANINGS
from service.language.vocabulary import Text
from service.rulebook.model import Rulebook

_DONE: Final = Text(
    "{source} : {patients} patients, {lesions} lésions jugées, {options} options, au {as_of}",
    "{source}: {patients} patients, {lesions} lesions judged, {options} options, as of {as_of}",
)
_SYNTHETIC: Final = Text(
    "cohorte synthétique : aucun de ces patients n’existe", "a synthetic cohort: none of these patients lives"
)
_REFUSED: Final = Text("patients sans recommandation : {number}", "patients without a recommendation: {number}")
_PROBLEMS: Final = Text(
    "valeurs et lignes inutilisables : {number} ; lesquelles et pourquoi : {where}",
    "values and rows that could not be used: {number}; which and why: {where}",
)
_MISSING: Final = Text(
    "items qu’aucune colonne ne donne, donc inconnus pour tous : {number} ; lesquels : «missing» dans {where}",
    "items that no column gives, and so unknown for everybody: {number}; which: «missing» in {where}",
)
_SPEED: Final = Text("{seconds} s, {speed} patients par seconde", "{seconds} s, {speed} patients per second")
_RESULT: Final = Text("résultat : {where}", "result: {where}")
_NEXT: Final = Text("ensuite : flask cohort summary {out}", "next: flask cohort summary {out}")


def account(record: Record, rulebook: Rulebook, wanted: Wanted, language: str) -> Iterator[str]:
    """What came out, who is missing from it and why, where it is, and what to do next."""
    identity = record.identity
    in_folder = wanted.out is not None

    def line(text: Text, **values: object) -> str:
        return text.in_(language).format(
            **{name: _number(value, language) if isinstance(value, int) else value for name, value in values.items()}
        )

    def of(name: str) -> str:
        """Where a table of the result is."""
        return f"{wanted.out}/{name}.{wanted.form}" if in_folder else f"{wanted.table}_{name}"

    yield line(
        _DONE,
        source=identity.source,
        patients=record.total("patients"),
        lesions=record.total("lesions"),
        options=record.total("options"),
        as_of=identity.as_of,
    )
    if identity.synthetic:
        yield f"  {line(_SYNTHETIC)}"
    refused = record.refused()
    yield f"  {line(_REFUSED, number=sum(refused.values()))}"
    for reason, many in refused.items():
        yield f"    {_number(many, language)}: {_reason(reason, rulebook).in_(language)}"
    yield f"  {line(_PROBLEMS, number=record.total('problems'), where=of('problems'))}"
    where = f"{wanted.out}/run.json" if in_folder else f"{wanted.table}_run"
    yield f"  {line(_MISSING, number=len(record.missing), where=where)}"
    if record.seconds > 0:
        speed = round(record.total("patients") / record.seconds)
        yield f"  {line(_SPEED, seconds=round(record.seconds), speed=speed)}"
    result = (
        f"{wanted.out}/recommendations/, {wanted.out}/lesions/" if in_folder else f"{wanted.table}, {of('lesions')}"
    )
    yield f"  {line(_RESULT, where=result)}"
    if in_folder:
        yield f"  {line(_NEXT, out=wanted.out)}"
    yield rulebook.info.notice.in_(language)


def _reason(reason: str, rulebook: Rulebook) -> Text:
    """Why a patient is refused: a contradiction of the rulebook, or something of the tables."""
    for entry in rulebook.impossible:
        if entry.id == reason:
            return entry.because
    return MEANINGS.get(reason, Text(reason, reason))


def _number(value: int, language: str) -> str:
    """Thousands apart, as each language has it."""
    return f"{value:,}" if language == "en" else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
