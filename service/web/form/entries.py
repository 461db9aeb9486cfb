"""What was typed in the form, as a referral, and a referral as it would have been typed.

One control is named `owner:item:part`: the owner is `patient` or `lesion0`, `lesion1` …; the parts are

- `value`: yes, no (flag), a word (choice), a number with or without its unit; `?` says that it is not known
- `unit`: of a number, when none was typed beside it
- `present`, `absent`, `complete`: of a list
- `day`, `time`: of a moment
- `unknown`: ticked when a number, a list or a moment is not known
- `on`, `on_time`: when the value was true, if not when the rest was
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from service.language.vocabulary import Item, Text, Vocabulary
from service.referral.schema import MAX_LESIONS, parse_day

Typed: TypeAlias = Mapping[str, tuple[str, ...]]
Plain: TypeAlias = dict[str, Any]

PATIENT = "patient"
NOT_KNOWN = "?"
#: far longer than any value of ours
_LONGEST = 200
_LESION = re.compile(r"lesion(\d{1,2}):")
#: 1 234,5 — groups of three digits are parted by spaces only: a comma or a point there could mean two numbers
_NUMBER = re.compile(r"([+−-]?)([0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+|[0-9]+)(?:([.,])([0-9]+))?\s*(.*)\Z", re.DOTALL)
#: a unit has a letter or a sign of its own: «10^9/L», «%», «°»
_WORDED = re.compile(r"[^\W\d_]|[%°]")


@dataclass(frozen=True, slots=True)
class Filled:
    """What the form says: the referral as the API takes it, and what could not be read, by control."""

    referral: Plain
    #: owners of the lesions, in the order of `referral["lesions"]`
    owners: tuple[str, ...]
    #: `owner:item` -> what is wrong
    faults: Mapping[str, Text] = field(default_factory=dict)


class Unreadable(Exception):
    """A value that cannot be read without guessing."""

    def __init__(self, fr: str, en: str) -> None:
        self.text = Text(fr, en)
        super().__init__(en)


def name(owner: str, item: str, part: str = "") -> str:
    return f"{owner}:{item}:{part}" if part else f"{owner}:{item}"


def lesion_owners(typed: Typed) -> tuple[str, ...]:
    """The lesions that the form holds, in their order."""
    numbers = {int(found[1]) for key in typed if (found := _LESION.match(key))}
    return tuple(f"lesion{number}" for number in sorted(numbers)[:MAX_LESIONS])


def said(typed: Typed, owner: str, item: str, part: str) -> str:
    """The last thing typed under a name, without blanks around it; "" for nothing."""
    given = typed.get(name(owner, item, part), ())
    return given[-1].strip()[:_LONGEST] if given else ""


# ---- from the form to a referral ----


def filled(typed: Typed, vocabulary: Vocabulary, zone: ZoneInfo) -> Filled:
    """The referral that the form says. What cannot be read is told beside its control and left out: it stays unknown."""
    faults: dict[str, Text] = {}

    def part(owner: str, items: Mapping[str, Item]) -> Plain:
        values: Plain = {}
        for item in items.values():
            try:
                given = _given(typed, owner, item, zone)
            except Unreadable as error:
                faults[name(owner, item.id)] = error.text
                continue
            if given is not _NOTHING:
                values[item.id] = given
        return values

    owners = lesion_owners(typed)
    referral: Plain = {
        "recorded_at": _recorded_at(typed, zone, faults),
        "patient": part(PATIENT, vocabulary.of("patient")),
        "lesions": [
            {"id": said(typed, owner, "id", "value"), **part(owner, vocabulary.of("lesion"))} for owner in owners
        ],
    }
    return Filled(referral, owners, faults)


_NOTHING = object()
#: parts that hold a value
_VALUES = ("value", "present", "absent", "complete", "day", "time")


def _given(typed: Typed, owner: str, item: Item, zone: ZoneInfo) -> Any:
    """The value of one item as the API takes it, None when it is said to be unknown, _NOTHING when nothing is said."""
    unknown = bool(said(typed, owner, item.id, "unknown"))
    if said(typed, owner, item.id, "value") == NOT_KNOWN:
        return None
    if unknown and any(any(typed.get(name(owner, item.id, part), ())) for part in _VALUES):
        # Either could be the slip: choosing one of them would be a guess.
        raise Unreadable(
            "à la fois « non connu » et une valeur : garder l’un des deux",
            "both “not known” and a value: keep one of them",
        )
    if unknown:
        return None
    match item.type:
        case "set":
            value = _listing(typed, owner, item)
        case "moment":
            value = _moment(typed, owner, item.id, ("day", "time"), zone)
        case _:
            value = _plain(typed, owner, item)
    if value is _NOTHING:
        return value
    on = _moment(typed, owner, item.id, ("on", "on_time"), zone)
    if on is not _NOTHING:
        value = {**value, "date": on} if isinstance(value, dict) else {"value": value, "date": on}
    return value


def _plain(typed: Typed, owner: str, item: Item) -> Any:
    text = said(typed, owner, item.id, "value")
    if not text:
        return _NOTHING
    if item.type == "flag":
        return {"yes": True, "no": False}.get(text, text)
    if item.type == "choice":
        return text
    number, unit = read_number(text)
    unit = unit or said(typed, owner, item.id, "unit")
    return {"value": number, "unit": unit} if unit else number


def _listing(typed: Typed, owner: str, item: Item) -> Any:
    words = {part: list(typed.get(name(owner, item.id, part), ())) for part in ("present", "absent")}
    complete = said(typed, owner, item.id, "complete") == "yes"
    if not complete and not any(words.values()):
        return _NOTHING
    listing: Plain = {"items": words["present"], "complete": complete}
    return {**listing, "absent": words["absent"]} if words["absent"] else listing


def _moment(typed: Typed, owner: str, item: str, parts: tuple[str, str], zone: ZoneInfo) -> Any:
    """A date, or a date and time in the site's time zone."""
    day, hour = (said(typed, owner, item, part) for part in parts)
    if not day:
        if hour:
            raise Unreadable("il manque la date de cette heure", "the date of this time is missing")
        return _NOTHING
    return moment(day, hour, zone)


def moment(day: str, hour: str, zone: ZoneInfo) -> str:
    """ISO 8601 of a day, or of a day and an hour of the site. Raises Unreadable."""
    try:
        if not hour:
            return date.fromisoformat(day).isoformat()
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), zone).isoformat()
    except ValueError:
        raise Unreadable(
            "il faut une date comme 2026-11-23, et une heure comme 08:30",
            "a date like 2026-11-23 is needed, and a time like 08:30",
        ) from None


def _recorded_at(typed: Typed, zone: ZoneInfo, faults: dict[str, Text]) -> str | None:
    try:
        given = _moment(typed, PATIENT, "recorded_at", ("day", "time"), zone)
    except Unreadable as error:
        faults[name(PATIENT, "recorded_at")] = error.text
        return None
    return None if given is _NOTHING else given


def read_number(text: str) -> tuple[float | int, str]:
    """`"1 234,5 mg/L"` -> (1234.5, "mg/L"). Raises Unreadable on what could mean two numbers, or none."""
    found = _NUMBER.match(text.strip())
    if found is None:
        raise Unreadable("il faut un nombre, comme 12 ou 12,5", "a number is needed, such as 12 or 12.5")
    sign, whole, mark, fraction, unit = found.groups()
    whole = re.sub(r"\D", "", whole)
    if unit[:1] in (",", ".") or (unit and not _WORDED.search(unit)):
        raise Unreadable("un seul nombre est attendu, comme 12 ou 12,5", "one number is needed, such as 12 or 12.5")
    if mark and len(fraction) == 3 and whole.strip("0"):
        raise Unreadable(
            f"« {whole}{mark}{fraction} » peut se lire de deux façons : écrire {whole}{fraction}, "
            f"ou {whole},{fraction}0 avec une décimale de plus",
            f"“{whole}{mark}{fraction}” can be read in two ways: write {whole}{fraction}, or {whole}.{fraction}0 with one more decimal",
        )
    minus = "-" if sign in ("-", "−") else ""
    return (float(f"{minus}{whole}.{fraction}") if fraction else int(minus + whole)), unit.strip()


# ---- from a referral to the form ----


def typed_from(referral: Any, vocabulary: Vocabulary, zone: ZoneInfo) -> dict[str, tuple[str, ...]]:
    """How a referral would have been typed. What no control can hold is left out: `left_out` names it."""
    typed: dict[str, tuple[str, ...]] = {}
    if not isinstance(referral, dict):
        return typed
    _put_moment(typed, PATIENT, "recorded_at", ("day", "time"), referral.get("recorded_at"), zone)
    patient, lesions = referral.get("patient"), referral.get("lesions")
    _put_all(typed, PATIENT, patient, vocabulary.of("patient"), zone)
    for number, lesion in enumerate(lesions[:MAX_LESIONS] if isinstance(lesions, list) else ()):
        owner = f"lesion{number}"
        if isinstance(lesion, dict):
            typed[name(owner, "id", "value")] = (str(lesion.get("id", ""))[:_LONGEST],)
            _put_all(typed, owner, lesion, vocabulary.of("lesion"), zone)
    return typed


def left_out(referral: Mapping[str, Any], typed: Typed, vocabulary: Vocabulary) -> list[str]:
    """What a referral says and `typed_from` could not type: names that are not known, dates that cannot be read, lesions
    beyond the most that a referral may have."""
    lesions = referral.get("lesions")
    listed = lesions if isinstance(lesions, list) else []
    parts = [(PATIENT, referral.get("patient")), *((f"lesion{at}", lesion) for at, lesion in enumerate(listed))]
    names = {str(key) for key in referral.keys() - {"recorded_at", "patient", "lesions"}}
    for owner, values in parts:
        for key in values if isinstance(values, dict) else ():
            said_of_it = any(name_.startswith(f"{owner}:{key}:") for name_ in typed)
            if key not in vocabulary and key != "id":
                names.add(str(key))
            elif values[key] not in (None, [], {}) and not said_of_it:
                names.add(f"{key} ({listed[int(owner[6:])].get('id', owner)})" if owner != PATIENT else key)
    return sorted(names)


def _put_all(
    typed: dict[str, tuple[str, ...]], owner: str, values: Any, items: Mapping[str, Item], zone: ZoneInfo
) -> None:
    if not isinstance(values, dict):
        return
    for item in items.values():
        if item.id in values and _dates_readable(values[item.id], item):
            for part, given in _typed_value(values[item.id], item, zone):
                typed[name(owner, item.id, part)] = given


def _dates_readable(value: Any, item: Item) -> bool:
    """A date that cannot be read would vanish from its control, and the value would pass for one of today."""
    whole = value if isinstance(value, dict) else {"value": value}
    dates = [whole.get("date"), whole.get("value") if item.type == "moment" else None]
    return all(given is None or _day(given) for given in dates)


def _typed_value(value: Any, item: Item, zone: ZoneInfo) -> Iterator[tuple[str, tuple[str, ...]]]:
    whole = value if isinstance(value, dict) else {"items" if item.type == "set" else "value": value}
    bare = whole.get("items") if item.type == "set" else whole.get("value")
    if value is None or bare is None:
        yield ("value", (NOT_KNOWN,)) if item.type in ("flag", "choice") else ("unknown", ("yes",))
        return
    match item.type:
        case "flag":
            yield "value", ({True: "yes", False: "no"}.get(bare, str(bare)) if isinstance(bare, bool) else str(bare),)
        case "choice":
            yield "value", (str(bare),)
        case "number":
            yield "value", (_number_text(bare),)
            if whole.get("unit"):
                yield "unit", (str(whole["unit"]),)
        case "set":
            for part, key in (("present", "items"), ("absent", "absent")):
                words = whole.get(key, [])
                if isinstance(words, list) and words:
                    yield part, tuple(map(str, words))
            if whole.get("complete") is True:
                yield "complete", ("yes",)
        case "moment":
            yield from _typed_moment(bare, ("day", "time"), zone)
    if whole.get("date") is not None:
        yield from _typed_moment(whole["date"], ("on", "on_time"), zone)


def _number_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    # Two digits after the point, never three: `read_number` refuses three, which could part thousands.
    text = f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    whole, _, fraction = text.partition(".")
    return f"{text}0" if len(fraction) == 3 and whole.strip("-0") else text


def _put_moment(
    typed: dict[str, tuple[str, ...]], owner: str, item: str, parts: tuple[str, str], value: Any, zone: ZoneInfo
) -> None:
    for part, given in _typed_moment(value, parts, zone):
        typed[name(owner, item, part)] = given


def _day(value: Any) -> date | None:
    try:
        return parse_day(value)
    except ValidationError:
        return None


def _typed_moment(value: Any, parts: tuple[str, str], zone: ZoneInfo) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Day and hour as the site's clocks show them; nothing for what is no moment."""
    found = _day(value)
    if found is None:
        return
    if isinstance(found, datetime):
        here = found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)
        yield parts[0], (here.date().isoformat(),)
        hour = here.time().isoformat()
        yield parts[1], (hour.removesuffix(":00") if hour.count(":") == 2 else hour,)
    else:
        yield parts[0], (found.isoformat(),)
