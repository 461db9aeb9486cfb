"""What every engine of the bench can do, and the list of those that are installed here."""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from service.language.meaning import Meaning
from service.language.tree import Node, Not
from service.rulebook.model import Rulebook

from bench.patients import Known
from bench.rivals.plain import Plain, Record, fields_of, plain, record, subset

#: "error": the engine gave no answer for this rule
Said: TypeAlias = Literal["yes", "no", "unknown", "error"]


@dataclass(frozen=True)
class Questions:
    """The rules, in our form and in the plain one."""

    rulebook: Rulebook
    nodes: Mapping[str, Node]
    plain: Mapping[str, Plain]


@dataclass(frozen=True)
class Patient:
    """One patient with one lesion, in our form and in the plain one."""

    known: Known
    record: Record


def questions(rulebook: Rulebook, *, negated: bool = False) -> Questions:
    """The rules that every engine is asked; or, of each, whether it can be ruled out."""
    nodes = subset(rulebook)
    if negated:
        nodes = {name: Not(node) for name, node in nodes.items()}
    return Questions(rulebook, nodes, {name: plain(node, rulebook.scores) for name, node in nodes.items()})


def patients(asked: Questions, everyone: Iterable[Known]) -> list[Patient]:
    fields = {name for condition in asked.plain.values() for name in fields_of(condition)}
    meaning = Meaning(asked.rulebook.vocabulary, asked.rulebook.scores)
    return [Patient(known, record(known, meaning, asked.rulebook, fields)) for known in everyone]


class Engine(Protocol):
    #: name and version
    name: str
    #: how it is called: a binding is five to sixty times slower when it is called otherwise
    form: str

    def answers(self, patients: Sequence[Patient]) -> list[dict[str, Said]]:
        """What the engine says of every rule, for each patient."""
        ...

    def rounds(self, patients: Sequence[Patient], rounds: int) -> list[float]:
        """Microseconds for one patient and all rules, the median of each round."""
        ...


Maker: TypeAlias = Callable[[Questions], Engine]


def makers() -> dict[str, Maker]:
    """The engines that can be used here, ours first. What is not installed is left out."""
    from bench.rivals import ours

    found: dict[str, Maker] = {
        "reference": ours.Reference,
        "durable": ours.Durable,
        "durable-plain": ours.DurablePlain,
    }
    try:
        from bench.rivals.zen_engine import Zen

        found["zen"] = Zen
    except ImportError:
        pass
    try:
        from bench.rivals.clips_rules import Clips

        found["clips"] = Clips
    except ImportError:
        pass
    try:
        from bench.rivals.rego import Rego

        found["rego"] = Rego
    except ImportError:
        pass
    if shutil.which("node"):
        from bench.rivals import node

        if node.installed():
            found["json-rules"] = node.JsonRules
            found["cql"] = node.Cql
    return found
