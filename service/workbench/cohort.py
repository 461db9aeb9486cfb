"""Referrals to compare two rulebooks on: the fixtures, a cohort from files, or variations of the fixtures."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from service.language.vocabulary import Item
from service.referral.complaints import ReferralError
from service.referral.schema import parse_day
from service.referral.strict_json import parse
from service.rulebook.model import Rulebook
from service.rulebook.source import read
from service.workbench.impact import Subject

#: referrals in one cohort, and bytes in one line: far above any real one
MAX_SUBJECTS = 200_000
MAX_LINE = 1_000_000
#: values changed in one variation
MOST_CHANGES = 4
#: the seed of variations when none is asked for
SEED = 20_261_123

_TIME = "a date and time is needed, as in 2026-11-23T09:00:00+01:00"


class CohortError(Exception):
    """A cohort cannot be read. Its text says what, where and how to mend it; it quotes no value of a patient."""


def fixtures(folder: Path, zone: str) -> list[Subject]:
    """The referrals of a folder of fixtures (`fixtures/referrals`). Raises CohortError."""
    if not folder.is_dir():
        raise CohortError(f"{folder}: no such folder; fixtures stand in fixtures/referrals")
    return _bounded(subject for path in sorted(folder.glob("*.y*ml")) for subject in _file(path, ZoneInfo(zone)))


def cohort(path: Path, zone: str) -> list[Subject]:
    """Referrals from an NDJSON file (one on each line), or from the .ndjson, .json and .yaml files of a folder.

    Each is a referral, or `{"referral": …, "at": …}`. Without `at` it is decided at the end of the day on which it was
    recorded, in the zone of the rulebook: what was fresh then counts as fresh. Raises CohortError.
    """
    where = ZoneInfo(zone)
    if not path.exists():
        raise CohortError(f"{path}: no such file or folder; a cohort is a file with one referral in JSON on each line")
    paths = [path]
    if path.is_dir():
        paths = sorted(each for each in path.rglob("*") if each.suffix in (".ndjson", ".json", ".yaml", ".yml"))
        if not paths:
            raise CohortError(f"{path}: holds no .ndjson, .json or .yaml file")
    found = _bounded(subject for each in paths for subject in _file(each, where))
    if not found:
        raise CohortError(f"{path}: holds no referral")
    return found


def _bounded(subjects: Iterator[Subject]) -> list[Subject]:
    found = []
    for subject in subjects:
        found.append(subject)
        if len(found) > MAX_SUBJECTS:
            raise CohortError(f"more than {MAX_SUBJECTS} referrals; split the cohort")
    return found


def _file(path: Path, zone: ZoneInfo) -> Iterator[Subject]:
    try:
        if path.suffix in (".yaml", ".yml"):
            document, mistakes = read(path, str(path))
            if mistakes:
                raise CohortError("\n".join(map(str, mistakes)))
            yield _subject(path.stem, document.data, zone, str(path))
        elif path.suffix == ".json":
            yield _subject(path.stem, _json(path.read_bytes(), str(path)), zone, str(path))
        else:
            with path.open("rb") as lines:
                for number, line in enumerate(iter(lambda: lines.readline(MAX_LINE + 1), b""), start=1):
                    place = f"{path}:{number}"
                    if len(line) > MAX_LINE:
                        raise CohortError(
                            f"{place}: a line of more than {MAX_LINE} bytes; one referral stands on each line"
                        )
                    if line.strip():
                        yield _subject(f"{path.stem}-{number}", _json(line, place), zone, place)
    except OSError as error:
        raise CohortError(f"{path}: cannot be read: {error.strerror}") from None


def _json(body: bytes, place: str) -> Any:
    try:
        return parse(body)
    except ReferralError as error:
        raise CohortError("\n".join(f"{place}: {each.text.en}" for each in error.complaints)) from None


def _subject(name: str, data: Any, zone: ZoneInfo, place: str) -> Subject:
    if not isinstance(data, dict):
        raise CohortError(f"{place}: a referral is an object in JSON, as in docs/seed-patient.json")
    referral = data.get("referral", data)
    if "referral" in data and "at" in data:
        at = _moment(data["at"])
        if not isinstance(at, datetime):
            raise CohortError(f"{place}: at: {_TIME}")
        return Subject(name, referral, at)
    recorded = _moment(referral.get("recorded_at") if isinstance(referral, dict) else None)
    if recorded is None:
        raise CohortError(f"{place}: no `at`, and no date in `recorded_at` to decide it on; {_TIME}")
    if not isinstance(recorded, datetime):
        recorded = datetime.combine(recorded, time(23, 59), zone)
    return Subject(name, referral, recorded)


def _moment(text: Any) -> date | datetime | None:
    try:
        return parse_day(text)
    except ValidationError:
        return None


# ---- variations ----


def varied(bases: Sequence[Subject], books: Sequence[Rulebook], count: int, seed: int = SEED) -> list[Subject]:
    """`count` referrals, each one of `bases` with a few values changed; the same for the same seed.

    What may stand in a changed value comes from the vocabulary: numbers near the figures that either rulebook compares
    with, other words, lists one word longer or shorter, older dates, and nothing at all. They are no patients: the share
    of them that a change touches is no share of patients.
    """
    drawn = Random(seed)  # noqa: S311 - the same referrals every time is what is wanted
    items = _common(books)
    # A referral that is refused as it stands shows nothing.
    whole = [
        base for base in bases if isinstance(base.referral, dict) and isinstance(base.referral.get("lesions"), list)
    ]
    made = []
    for number in range(count if whole else 0):
        base = drawn.choice(whole)
        referral = _changed(base.referral, base.at, items, books, drawn)
        made.append(Subject(f"generated-{number + 1}-{base.name}", referral, base.at, synthetic=True))
    return made


def _common(books: Sequence[Rulebook]) -> list[Item]:
    """Items that every rulebook knows in the same form."""
    first, *others = books
    return [
        item
        for item in first.vocabulary
        if all(
            item.id in book.vocabulary
            and (book.vocabulary[item.id].type, book.vocabulary[item.id].scope) == (item.type, item.scope)
            for book in others
        )
    ]


def _changed(
    referral: dict[str, Any], at: datetime, items: Sequence[Item], books: Sequence[Rulebook], drawn: Random
) -> dict[str, Any]:
    patient = dict(referral.get("patient") or {})
    lesions = [dict(lesion) for lesion in referral["lesions"]]
    for _ in range(drawn.randint(1, MOST_CHANGES)):
        item = drawn.choice(items)
        holder = patient if item.scope == "patient" or not lesions else drawn.choice(lesions)
        if drawn.random() < _SHARE_UNKNOWN:
            holder.pop(item.id, None)
        else:
            limits = sorted({limit for book in books for limit in book.limits.get(item.id, ())})
            holder[item.id] = _value(item, holder.get(item.id), limits, at, drawn)
    return {**referral, "patient": patient, "lesions": lesions}


_SHARE_UNKNOWN = 0.15
#: hours within which a moment is drawn
_RECENT = 24 * 14


def _value(item: Item, present: Any, limits: Sequence[float], at: datetime, drawn: Random) -> Any:
    match item.type:
        case "flag":
            return drawn.random() < 0.5
        case "choice":
            return drawn.choice(list(item.choices))
        case "set":
            return _list(item, present, drawn)
        case "moment":
            return (at - timedelta(hours=drawn.uniform(1, _RECENT))).replace(microsecond=0).isoformat()
        case "number":
            near = drawn.choice(limits) + drawn.choice((-2, -1, 0, 1, 2)) * item.step if limits else None
            drawn_value = near if near is not None and drawn.random() < 0.7 else drawn.uniform(item.low, item.high)
            steps = round(drawn_value / item.step)
            value = round(min(max(steps * item.step, item.low), item.high), 6)
            dated = {"date": (at.date() - timedelta(days=drawn.randint(0, 10))).isoformat()} if item.fresh_for else {}
            return {"value": value, **dated}


def _list(item: Item, present: Any, drawn: Random) -> dict[str, Any]:
    known = present if isinstance(present, dict) else {}
    words = {word for word in known.get("items", ()) if word in item.choices}
    word = drawn.choice(list(item.choices))
    words ^= {word}
    absent = [each for each in known.get("absent", ()) if each in item.choices and each not in words]
    return {"items": sorted(words), "absent": absent, "complete": bool(known.get("complete", False))}
