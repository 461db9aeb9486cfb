"""The vocabulary: every item that may be known of a patient or of a lesion, declared once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from service.language.errors import LanguageError, nearest

Scope: TypeAlias = Literal["patient", "lesion"]
ItemType: TypeAlias = Literal["flag", "choice", "number", "set", "moment"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text a clinician reads, in French and in English."""

    fr: str
    en: str

    def in_(self, language: str) -> str:
        return self.en if language == "en" else self.fr


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that may be known. Numbers are held in `unit`; `low` and `high` bound what is plausible."""

    id: str
    section: str
    scope: Scope
    type: ItemType
    label: Text
    help: Text
    choices: Mapping[str, Text] = field(default_factory=dict)
    unit: str | None = None
    #: accepted spelling of a unit -> factor to `unit`
    units: Mapping[str, float] = field(default_factory=dict)
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    #: hours after which a value is too old to be known; None when it does not age
    fresh_for: float | None = None
    changeable: bool = False
    codes: Mapping[str, object] = field(default_factory=dict)

    def in_unit(self, value: float, unit: str | None) -> float:
        """`value` converted to this item's unit. Raises LanguageError on a spelling that is not accepted."""
        if unit is None or unit == self.unit:
            return value
        if unit not in self.units:
            accepted = ", ".join(self.units) or "none: this number has no unit"
            raise LanguageError(
                f"unit not accepted for {self.id} (accepted: {accepted})",
                offender=unit,
                suggestion=nearest(unit, self.units),
            )
        # Rounded beyond any clinical precision, so that 0.001 * 50000 is 50 and not 50.00000000000001.
        return round(value * self.units[unit], 9)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All items by id, and the sections in the order of their files."""

    items: Mapping[str, Item]
    sections: Mapping[str, Text]

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items.values())

    def __contains__(self, item_id: object) -> bool:
        return item_id in self.items

    def __getitem__(self, item_id: str) -> Item:
        return self.items[item_id]

    def of(self, scope: Scope) -> dict[str, Item]:
        return {item.id: item for item in self if item.scope == scope}
