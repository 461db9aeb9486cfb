"""A mutant of the rulebook: plain data, that says the file, the place in it, and what stands there instead."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from service.rulebook.source import Keys

#: every kind of mutation, in the order in which they are told
KINDS = (
    "threshold",
    "strictness",
    "direction",
    "negation",
    "word removed",
    "word added",
    "criterion dropped",
    "all/any swapped",
    "quantifier",
    "severity",
    "strength",
    "correctable lost",
    "lead time",
    "earliest date",
    "recheck",
    "delay of an alert",
    "target",
    "evidence",
    "score points",
    "score row dropped",
    "score formula",
    "score band",
    "site setting",
    "freshness",
    "range",
    "unit factor",
    "changeable",
    "checklist",
    "ranking",
    "session",
    "technique",
    "benefit",
)


class Gone(Enum):
    """In place of a value: the key is taken away."""

    GONE = 0


GONE = Gone.GONE


@dataclass(frozen=True, slots=True)
class Mutant:
    kind: str
    file: str
    line: int
    #: what is mutated: the id of a rule, score, item, technique …
    owner: str
    #: where in the file, and what to put there
    keys: Keys
    value: Any
    what: str

    def __str__(self) -> str:
        return f"rules/{self.file}:{self.line} {self.owner}: {self.kind}: {self.what}"


#: (keys below the condition, kind, what is told, new value)
Change: TypeAlias = tuple[Keys, str, str, Any]


def replaced(data: Any, keys: Keys, value: Any) -> Any:
    """`data` with another value at `keys`, sharing everything else."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(data, list):
        return [replaced(entry, tuple(rest), value) if at == key else entry for at, entry in enumerate(data)]
    if not rest and value is GONE:
        return {name: entry for name, entry in data.items() if name != key}
    return {**data, key: replaced(data.get(key), tuple(rest), value)}


def number(value: float) -> str:
    """A number as rule files write it."""
    return f"{round(value, 6):.6f}".rstrip("0").rstrip(".")


def durations(keys: Keys, kind: str, text: str) -> Iterator[Change]:
    """One less and one more of the unit written."""
    count, unit = text.split()
    for value in (float(count) - 1, float(count) + 1):
        if value >= 0:
            other = f"{number(value)} {unit}"
            yield keys, kind, f"{text} → {other}", other


def brief(data: Any) -> str:
    """A condition on one line, its inner conditions left out."""
    if isinstance(data, str):
        return data
    (connective, inner), *_ = data.items()
    parts = inner if isinstance(inner, list) else [inner]
    return f"{connective} ({'; '.join(brief(part) if not isinstance(part, dict) else '…' for part in parts)})"
