"""One borderline case: plain data, in the format of the case tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from service.workbench.tables.patients import Given

#: no value at all: what is not known
UNKNOWN = "unknown"

#: a case as a table file writes it: `usual`, `yes`, `no`, `unknown`
Written: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A patient of whom a rule holds, and the values of one thing on either side of the point where it turns.

    `on` is what differs: an item, `score.NAME`, `technique.PROPERTY` or `lesions`. Values are written as in the tables.
    """

    rule: str
    #: the criterion that decides, as its author wrote it
    criterion: str
    on: str
    #: the patient, with the first value of `yes`
    usual: Given
    #: the rule holds with these
    yes: tuple[Any, ...]
    #: it does not hold with these
    no: tuple[Any, ...]
    #: it is open with this; None when what differs is always known
    unknown: Any = None

    @property
    def beside(self) -> Given:
        """What is the same on both sides."""
        return {name: value for name, value in self.usual.items() if name != self.on}

    def written(self) -> Written:
        """As a table file writes it."""
        data: dict[str, Any] = {"usual": self.usual}
        if self.yes[1:]:
            data["yes"] = list(_entries(self.on, self.yes[1:]))
        data["no"] = list(_entries(self.on, self.no))
        if self.unknown is not None:
            data["unknown"] = [self.on if self.unknown == UNKNOWN else {self.on: self.unknown}]
        return data


def point(on: str, written: Written) -> str:
    """Where a case turns, whoever the patient is otherwise."""
    return canonical({**written, "usual": written["usual"].get(on)})


def canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def _entries(on: str, values: Sequence[Any]) -> Iterator[Given]:
    """Words in one entry, and so lists of words; anything else one by one, as a list of numbers would be an interval."""
    if len(values) == 1:
        yield {on: [values[0]] if _is_list_of_words(values[0]) else values[0]}
    elif on == "lesions":
        yield from ({on: lesions} for lesions in compact(values))
    elif all(isinstance(value, str) for value in values) or all(_is_list_of_words(value) for value in values):
        yield {on: list(values)}
    else:
        yield from ({on: value} for value in values)


def _is_list_of_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def compact(values: Sequence[list[Given]]) -> list[list[Given]]:
    """Patients who differ in one word of the last lesion as one, with these words in turn."""
    *same, last = values[0]
    names = [name for name in last if any(value[-1].get(name) != last[name] for value in values)]
    alike = all(value[:-1] == same and value[-1].keys() == last.keys() for value in values)
    if not alike or len(names) != 1 or not all(isinstance(value[-1][names[0]], str) for value in values):
        return list(values)
    return [[*same, {**last, names[0]: [value[-1][names[0]] for value in values]}]]
