"""The controls of the form, one for each item of the vocabulary, with what was typed in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.language.vocabulary import Item, Scope, Text, Vocabulary
from service.rulebook.model import Rulebook
from service.tell import words
from service.web.form.entries import NOT_KNOWN, Typed, name, said

#: parts that make a control answered
_ANSWERS = ("value", "present", "absent", "complete", "day", "unknown")


@dataclass(frozen=True, slots=True)
class Control:
    """One item as it stands in the form, in one language."""

    #: `owner:item`, the beginning of the names of its parts
    name: str
    #: of the element that holds it; links and moves name it
    id: str
    item: str
    section: str
    type: str
    label: str
    help: str
    choices: Mapping[str, str]
    #: one spelling of each unit that differs in size; the item's own first
    units: tuple[str, ...]
    #: the item's own unit as it is read
    unit: str
    #: «0 à 5000 G/L»
    range: str
    #: «valable 7 jours»; "" when the value does not age
    freshness: str
    typed: Mapping[str, tuple[str, ...]]
    fault: str = ""
    #: controls that a word of this list calls for: the date of the last dose of a drug, by word
    of_word: Mapping[str, tuple["Control", ...]] = field(default_factory=dict)

    def one(self, part: str) -> str:
        given = self.typed.get(part, ())
        return given[-1] if given else ""

    @property
    def answered(self) -> bool:
        return any(self.one(part) for part in _ANSWERS)

    @property
    def not_known(self) -> bool:
        return bool(self.one("unknown")) or self.one("value") == NOT_KNOWN


def answered(typed: Typed) -> frozenset[str]:
    """`owner:item` of every control in which something was said."""
    parts = ((key.rpartition(":"), given) for key, given in typed.items())
    return frozenset(control for (control, _, part), given in parts if part in _ANSWERS and any(map(str.strip, given)))


class Controls:
    """Makes the controls of one rulebook in one language."""

    def __init__(self, rulebook: Rulebook, language: str) -> None:
        self._vocabulary = rulebook.vocabulary
        self._language = language
        self._called = called_by_word(rulebook.vocabulary)
        #: items that stand beside the word that calls for them
        self.dependent = frozenset(
            item for words in self._called.values() for items in words.values() for item in items
        )

    def of(self, owner: str, item_id: str, typed: Typed, faults: Mapping[str, Text], prefix: str = "") -> Control:
        """The control of one item. `prefix` is put before its names: a second control of the same item."""
        item = self._vocabulary[item_id]
        of_word = {
            word: tuple(self.of(owner, each, typed, faults, prefix) for each in items)
            for word, items in self._called.get(item_id, {}).items()
        }
        fault = faults.get(name(owner, item_id))
        parts = ("value", "unit", "present", "absent", "complete", "day", "time", "unknown", "on", "on_time")
        given = {part: typed[key] for part in parts if (key := name(owner, item_id, part)) in typed}
        return Control(
            name=prefix + name(owner, item_id),
            id=f"f-{prefix}{owner}-{item_id}",
            item=item_id,
            section=item.section,
            type=item.type,
            label=item.label.in_(self._language),
            help=item.help.in_(self._language),
            choices={word: label.in_(self._language) for word, label in item.choices.items()},
            units=_units(item, said(typed, owner, item_id, "unit")),
            unit=words.unit(item.unit, self._language),
            range=_range(item, self._language),
            freshness=_freshness(item, self._language),
            typed=given,
            fault=fault.in_(self._language) if fault else "",
            of_word=of_word,
        )

    def sections(
        self, scope: Scope, owner: str, typed: Typed, faults: Mapping[str, Text], without: Iterable[str] = ()
    ) -> list[tuple[str, str, list[Control]]]:
        """Every item of a scope but those of `without`, by section: (id, label, controls)."""
        left_out = {*without, *self.dependent}
        return [
            (section, label.in_(self._language), controls)
            for section, label in self._vocabulary.sections.items()
            if (
                controls := [
                    self.of(owner, item.id, typed, faults)
                    for item in self._vocabulary.of(scope).values()
                    if item.section == section and item.id not in left_out
                ]
            )
        ]


def called_by_word(vocabulary: Vocabulary) -> dict[str, dict[str, tuple[str, ...]]]:
    """list -> word -> items that are about that word alone: `medications` -> `apixaban` -> `last_dose.apixaban`.

    An item is about a word when its name ends in the word and it stands in the section of the list.
    """
    called: dict[str, dict[str, tuple[str, ...]]] = {}
    for listing in vocabulary:
        if listing.type == "set":
            by_word = {
                word: tuple(
                    item.id
                    for item in vocabulary
                    if item.section == listing.section and "." in item.id and item.id.partition(".")[2] == word
                )
                for word in listing.choices
            }
            called[listing.id] = {word: items for word, items in by_word.items() if items}
    return called


def _units(item: Item, given: str) -> tuple[str, ...]:
    """A list of thirty spellings of one unit helps nobody: the first of each size, and the one that was given."""
    first: dict[float, str] = {}
    for spelling, factor in item.units.items():
        first.setdefault(factor, spelling)
    shown = list(first.values())
    return tuple([*shown, given] if given and given not in shown else shown)


def _range(item: Item, language: str) -> str:
    if item.type != "number":
        return ""
    low, high = (words.number(value, language) for value in (item.low, item.high))
    return f"{low} {'to' if language == 'en' else 'à'} {high} {words.unit(item.unit, language)}".rstrip()


def _freshness(item: Item, language: str) -> str:
    if item.fresh_for is None:
        return ""
    lasts = words.duration(item.fresh_for, language)
    return f"valid for {lasts}" if language == "en" else f"valable {lasts}"
