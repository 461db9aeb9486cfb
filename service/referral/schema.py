"""marshmallow schemas of the referral, derived from the vocabulary: one field per item, checked by its type."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeAlias

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from service.language.errors import nearest
from service.language.vocabulary import Item, Scope, Text, Vocabulary
from service.referral import complaints
from service.referral.complaints import Complaint, ReferralError, placed
from service.referral.strict_json import Exponent

#: Far above any real referral; keeps one request within milliseconds.
MAX_LESIONS = 40
#: nearest right names looked for in one object: a slip or two, not a flood
MOST_SUGGESTIONS = 10
#: beyond these years time zones leave the calendar; nothing of a patient does
YEARS = (1900, 2199)
LESION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?\Z")

Day: TypeAlias = date | datetime


@dataclass(frozen=True, slots=True)
class GivenList:
    present: frozenset[str]
    absent: frozenset[str]
    complete: bool


@dataclass(frozen=True, slots=True)
class Given:
    """A value as sent, checked: numbers in the item's own unit; `on` is its own date, if it has one."""

    value: bool | str | float | Day | GivenList
    on: Day | None = None


@dataclass(frozen=True, slots=True)
class GivenLesion:
    #: its place in the list as sent, for complaints
    place: int
    id: str
    values: Mapping[str, Given]


@dataclass(frozen=True, slots=True)
class Referral:
    """A well-formed referral. `recorded_at` is when values without a date of their own were true."""

    recorded_at: Day
    patient: Mapping[str, Given]
    #: in order of id, so that the order in which they were sent cannot matter
    lesions: tuple[GivenLesion, ...]


def parse_day(value: Any) -> Day:
    """A date or a date and time. Raises ValidationError."""
    if isinstance(value, str) and _MOMENT.match(value):
        try:
            day = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if YEARS[0] <= day.year <= YEARS[1]:
                return day
    raise ValidationError([complaints.bad_moment()])


class ItemField(fields.Field[Given | None]):
    """One item: its bare value, or `{"value": …, "unit": …, "date": …}`; a list is `{"items": […], "complete": …}`."""

    def __init__(self, item: Item, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)
        self.item = item

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Given | None:
        if self.item.type == "set":
            return self._list(value)
        on: Day | None = None
        unit: str | None = None
        if isinstance(value, dict):
            allowed = {"value", "date", *(("unit",) if self.item.type == "number" else ())}
            _no_others(value, allowed)
            if "date" in value and value["date"] is not None:
                on = _within("date", parse_day, value["date"])
            unit = value.get("unit")
            if unit is not None and not isinstance(unit, str):
                raise ValidationError({"unit": [complaints.wrong_type("un texte", "a text")]})
            if "value" not in value:
                raise ValidationError({"value": [complaints.missing()]})
            value = value["value"]
            if value is None:
                return None
        match self.item.type:
            case "number":
                return self._number(value, unit, on)
            case "flag":
                if not isinstance(value, bool):
                    raise ValidationError([complaints.wrong_type("true, false ou null", "true, false or null")])
                return Given(value, on)
            case "choice":
                if not isinstance(value, str):
                    raise ValidationError([complaints.wrong_type("un mot de la liste", "a word of the list")])
                return Given(self._word(value), on)
            case _:
                return Given(parse_day(value), on)

    def _word(self, word: Any) -> str:
        if not isinstance(word, str):
            raise ValidationError([complaints.wrong_type("un mot de la liste", "a word of the list")])
        if word not in self.item.choices:
            raise ValidationError(
                [complaints.unknown_word(word[:60], self.item.choices, nearest(word[:60], self.item.choices))]
            )
        return word

    def _number(self, value: Any, unit: str | None, on: Day | None) -> Given:
        if isinstance(value, Exponent):
            raise ValidationError([complaints.exponent(value.text)])
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError([complaints.wrong_type("un nombre", "a number")])
        if unit is not None and unit not in self.item.units:
            raise ValidationError({"unit": [complaints.unit_refused(unit[:40], self.item.units)]})
        number = math.inf if isinstance(value, int) and abs(value) > 10**15 else self.item.in_unit(float(value), unit)
        if not self.item.low <= number <= self.item.high:
            shown = float(value) if math.isfinite(number) else math.inf
            raise ValidationError(
                [complaints.out_of_range(shown, self.item.low, self.item.high, unit or self.item.unit)]
            )
        return Given(number, on)

    def _list(self, value: Any) -> Given:
        if isinstance(value, list):
            value = {"items": value}
        if not isinstance(value, dict):
            raise ValidationError(
                [
                    complaints.wrong_type(
                        'une liste : {"items": […], "complete": true}', 'a list: {"items": […], "complete": true}'
                    )
                ]
            )
        _no_others(value, {"items", "absent", "complete", "date"})
        on = _within("date", parse_day, value["date"]) if value.get("date") is not None else None
        present, absent = (self._words(name, value.get(name, [])) for name in ("items", "absent"))
        complete = value.get("complete", False)
        if not isinstance(complete, bool):
            raise ValidationError({"complete": [complaints.wrong_type("true ou false", "true or false")]})
        if present & absent:
            raise ValidationError([complaints.both_present_and_absent(present & absent)])
        listing = GivenList(present, absent, complete)
        return Given(listing, on)

    def _words(self, name: str, words: Any) -> frozenset[str]:
        if not isinstance(words, list) or len(words) > 200:
            raise ValidationError({name: [complaints.wrong_type("une liste de mots", "a list of words")]})
        read: set[str] = set()
        wrong: dict[int, Any] = {}
        for at, word in enumerate(words):
            try:
                read.add(self._word(word))
            except ValidationError as error:
                wrong[at] = error.messages
        if wrong:
            raise ValidationError({name: wrong})
        return frozenset(read)


def _within(name: str | int, read: Any, value: Any) -> Any:
    """`read(value)`, its complaints placed under `name`."""
    try:
        return read(value)
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None


def _no_others(value: Mapping[str, Any], allowed: set[str]) -> None:
    wrong = _unknown_fields(value, dict.fromkeys(sorted(allowed)))
    if wrong:
        raise ValidationError(wrong)


def _unknown_fields(data: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, list[Complaint]]:
    """A complaint for each name that is not known; the first few with the nearest right name, which takes time to find."""
    wrong: dict[str, list[Complaint]] = {}
    for key in data:
        if key not in known:
            near = nearest(key[:60], known) if len(wrong) < MOST_SUGGESTIONS else None
            wrong[key] = [complaints.unknown_field(key[:60], near)]
    return wrong


class _Strict(Schema):
    """Unknown fields are refused, with the nearest known name."""

    class Meta:
        # `_unknown` below refuses them, in our own words.
        unknown = EXCLUDE

    @cached_property
    def _names(self) -> dict[str, None]:
        return dict.fromkeys(field.data_key or name for name, field in self.fields.items())

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _unknown(self, data: Any, original_data: Any, **kwargs: Any) -> None:
        if not isinstance(original_data, dict):
            return
        wrong = _unknown_fields(original_data, self._names)
        if wrong:
            raise ValidationError(wrong)


def _attribute(item_id: str) -> str:
    # marshmallow reads a dot in an attribute name as a path.
    return item_id.replace(".", "__")


class ReferralReader:
    """Reads referrals over one vocabulary. Built once per rulebook."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._ids = {_attribute(item.id): item.id for item in vocabulary}
        self._patient = self._schema("Patient", vocabulary, "patient", {})
        self._lesion = self._schema("Lesion", vocabulary, "lesion", {"id": fields.Raw()})
        self._names = dict.fromkeys(("recorded_at", "patient", "lesions"))

    def _schema(self, name: str, vocabulary: Vocabulary, scope: Scope, more: dict[str, Any]) -> Schema:
        own = {_attribute(item.id): ItemField(item, data_key=item.id) for item in vocabulary.of(scope).values()}
        schema: Schema = _Strict.from_dict({**more, **own}, name=name)()
        return schema

    def read(self, data: Any) -> Referral:
        """A referral from plain JSON data. Raises ReferralError with every complaint at once."""
        if not isinstance(data, dict):
            raise ReferralError([complaints.wrong_type("un objet JSON", "a JSON object")])
        messages: dict[str, Any] = {**_unknown_fields(data, self._names)}
        recorded_at: Day | None = None
        try:
            recorded_at = _within("recorded_at", parse_day, data["recorded_at"])
        except KeyError:
            messages["recorded_at"] = [complaints.missing()]
        except ValidationError as error:
            messages.update(error.messages)  # type: ignore[arg-type]  # placed under its name by _within
        patient = self._part(self._patient, data.get("patient", {}), messages, ("patient",))
        lesions = self._lesions(data.get("lesions"), messages)
        if messages or recorded_at is None:
            raise ReferralError(sorted(placed(messages), key=lambda complaint: complaint.pointer))
        return Referral(recorded_at, patient, tuple(sorted(lesions, key=lambda lesion: lesion.id)))

    def _lesions(self, data: Any, messages: dict[str, Any]) -> list[GivenLesion]:
        if data is None:
            messages["lesions"] = [complaints.missing()]
            return []
        if not isinstance(data, list) or not 1 <= len(data) <= MAX_LESIONS:
            expected = (f"une liste de 1 à {MAX_LESIONS} lésions", f"a list of 1 to {MAX_LESIONS} lesions")
            messages["lesions"] = [complaints.wrong_type(*expected)]
            return []
        lesions: list[GivenLesion] = []
        for at, entry in enumerate(data):
            values = self._part(self._lesion, entry, messages, ("lesions", at))
            if not isinstance(entry, dict):
                continue
            lesion_id = entry.get("id")
            if lesion_id is None:
                self._complain(messages, ("lesions", at, "id"), complaints.missing())
                continue
            if not isinstance(lesion_id, str) or not LESION_ID.match(lesion_id):
                self._complain(
                    messages,
                    ("lesions", at, "id"),
                    complaints.wrong_type(
                        "un identifiant court (lettres, chiffres, tirets)",
                        "a short identifier (letters, digits, hyphens)",
                    ),
                )
            elif any(lesion.id == lesion_id for lesion in lesions):
                twice = Complaint(
                    "duplicate_lesion", Text("deux lésions ont cet identifiant", "two lesions have this identifier")
                )
                self._complain(messages, ("lesions", at, "id"), twice)
            else:
                lesions.append(GivenLesion(at, lesion_id, values))
        return lesions

    def _part(
        self, schema: Schema, data: Any, messages: dict[str, Any], keys: tuple[str | int, ...]
    ) -> dict[str, Given]:
        if not isinstance(data, dict):
            self._complain(messages, keys, complaints.wrong_type("un objet JSON", "a JSON object"))
            return {}
        try:
            loaded = schema.load(data)
        except ValidationError as error:
            self._complain(messages, keys, error.messages)
            return {}
        return {self._ids[name]: value for name, value in loaded.items() if name in self._ids and value is not None}

    @staticmethod
    def _complain(messages: dict[str, Any], keys: tuple[str | int, ...], what: Any) -> None:
        inner: Any = messages
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        if isinstance(what, Complaint):
            what = [what]
        held = inner.get(keys[-1])
        inner[keys[-1]] = {**held, **what} if isinstance(held, dict) and isinstance(what, dict) else what
