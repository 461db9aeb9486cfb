"""Conditions in FEEL, the expression language of DMN, with the same three-valued meaning.

FEEL's `and`, `or` and `not` are Kleene's, with `null` for unknown, but its comparisons are not: `null = "a"` is false,
not null. So every criterion asks first whether its value is known. What FEEL cannot say without changing the meaning
(how a score adds up, how long ago a day was, how many lesions fulfil a condition) becomes an input: its lowest and
highest possible value.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from service.language.kleene import NO, YES
from service.language.tree import (
    All,
    Always,
    AnyOf,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Leaf,
    Member,
    Node,
    Not,
    Operator,
    Settled,
)
from service.language.vocabulary import Item, Text
from service.rulebook.model import Rulebook
from service.tell.phrases import Phrases
from service.tell.words import unit

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Input:
    """One value that a decision needs. `stands_for` says what DMN cannot compute and is asked instead, if anything."""

    name: str
    type: str
    label: Text
    about: Text
    stands_for: Text | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """The type of an input: words, a range of numbers, or named components with their own types."""

    name: str
    base: str = "string"
    allowed: str | None = None
    #: (name, type, a list of them, allowed values)
    components: tuple[tuple[str, str, bool, str | None], ...] = ()


INTERVAL = Type("tInterval", components=(("lowest", "number", False, None), ("highest", "number", False, None)))
ELAPSED = Type("tElapsed", components=(*INTERVAL.components, ("days", "number", False, None)))


@dataclass
class Feel:
    """Writes conditions of one rulebook in FEEL and keeps the inputs and types that they need, in order of first use."""

    book: Rulebook
    inputs: dict[str, Input] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    #: questions about several lesions -> the input that answers them
    counts: dict[CountLesions, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._phrases = {
            language: Phrases(self.book.vocabulary, self.book.scores, language) for language in ("fr", "en")
        }
        self._used: dict[str, None] = {}

    def of(self, node: Node) -> tuple[str, tuple[str, ...]]:
        """The expression, true, false or null, and the names of the inputs it reads."""
        self._used = {}
        return self._node(node, 0), tuple(self._used)

    # ---- joints ----

    def _node(self, node: Node, depth: int) -> str:
        match node:
            case All(parts):
                return self._joined(parts, "and", depth)
            case AnyOf(parts):
                return self._joined(parts, "or", depth)
            case Not(part):
                return f"not({self._node(part, depth)})"
            case _:
                return self._leaf(node)

    def _joined(self, parts: Iterable[Node], operator: str, depth: int) -> str:
        written = [self._node(part, depth + 1) for part in parts]
        if len(written) == 1:
            return written[0]
        inner, outer = "\n" + _INDENT * (depth + 1), "\n" + _INDENT * depth
        return f"({inner}{f' {operator}{inner}'.join(written)}{outer})"

    # ---- criteria ----

    def _leaf(self, leaf: Leaf) -> str:
        match leaf:
            case Always():
                return "true"
            case Settled(verdict):
                return "true" if verdict == YES else "false" if verdict == NO else "null"
            case Flag(item):
                return self._item(item)
            case Member(item, words):
                name = self._item(item)
                if len(words) == 1:
                    return _known(name, f"{name} = {quoted(words[0])}")
                return _known(name, f"list contains({_list(words)}, {name})")
            case Includes(item, words):
                return self._includes(self._item(item), words)
            case Compare():
                return self._compare(leaf)
            case CountLesions(_, operator, value):
                name = self._count(leaf)
                return _known(name, _compared(f"{name}.lowest", f"{name}.highest", operator, value))
            case _:
                raise TypeError(leaf)

    @staticmethod
    def _includes(name: str, words: tuple[str, ...]) -> str:
        present = " or ".join(f"list contains({name}.present, {quoted(word)})" for word in words)
        absent = " and ".join(f"list contains({name}.absent, {quoted(word)})" for word in words)
        return _known(name, f"if {present} then true else if {name}.complete or ({absent}) then false else null")

    def _compare(self, leaf: Compare) -> str:
        name, value, operator = leaf.term.name, leaf.value, leaf.operator
        match leaf.term.quantity:
            case "item":
                asked = self._item(name)
                return _known(asked, f"{asked} {_sign(operator)} {number(value)}")
            case "since":
                asked = self._elapsed(name)
                return _known(asked, _compared(f"{asked}.lowest", f"{asked}.highest", operator, value))
            case "days_since":
                asked = self._elapsed(name)
                within = f"if {asked}.days = null then null else {asked}.days {_sign(operator)} {number(value)}"
                return _known(asked, within)
            case "score":
                asked = self._score(name)
                within = _known(asked, _compared(f"{asked}.lowest", f"{asked}.highest", operator, value))
                # A comparison with a score that does not apply is no.
                applies = self._node(self.book.scores[name].applies, 1)
                return within if applies == "true" else f"({applies} and {within})"

    # ---- inputs ----

    def _ask(self, asked: Input) -> str:
        self._used[asked.name] = None
        known = self.inputs.setdefault(asked.name, asked)
        if known != asked:
            raise ValueError(f"two things would have the name {asked.name}: rename one of them in the vocabulary")
        return asked.name

    def _type(self, of: Type) -> str:
        self.types.setdefault(of.name, of)
        return of.name

    def _item(self, name: str) -> str:
        item = self.book.vocabulary[name]
        return self._ask(Input(named(name), self._type_of(item), item.label, _about(item)))

    def _type_of(self, item: Item) -> str:
        words = ",".join(quoted(word) for word in item.choices) or None
        match item.type:
            case "flag":
                return "boolean"
            case "number":
                allowed = f"[{number(item.low)}..{number(item.high)}]"
                return self._type(Type(f"t_{named(item.id)}", "number", allowed))
            case "choice":
                return self._type(Type(f"t_{named(item.id)}", "string", words))
            case "set":
                lists = (("present", "string", True, words), ("absent", "string", True, words))
                return self._type(
                    Type(f"t_{named(item.id)}", components=(*lists, ("complete", "boolean", False, None)))
                )
            case "moment":
                return self._type(ELAPSED)

    def _elapsed(self, name: str) -> str:
        item = self.book.vocabulary[name]
        why = Text(
            "une date connue au jour près est un intervalle : donner les heures écoulées (de, à) et les jours de calendrier",
            "a date known to the day is an interval: give the hours elapsed (from, to) and the calendar days",
        )
        label = Text(f"temps écoulé depuis : {item.label.fr}", f"time since: {item.label.en}")
        return self._ask(Input(f"elapsed_{named(name)}", self._type(ELAPSED), label, _about(item), why))

    def _score(self, name: str) -> str:
        score = self.book.scores[name]
        why = Text(
            "le total n’est pas calculé ici : donner les totaux le plus bas et le plus haut possibles avec ce qui est inconnu",
            "the total is not computed here: give the lowest and highest totals possible with what is unknown",
        )
        about = Text(
            *(f"score.{name}" + (f" ({unit(score.unit, language)})" if score.unit else "") for language in ("fr", "en"))
        )
        return self._ask(Input(f"score_{named(name)}", self._type(INTERVAL), score.label, about, why))

    def _count(self, leaf: CountLesions) -> str:
        # By what is counted, not by the limit: two limits on one count read one input.
        same = next((name for known, name in self.counts.items() if known.where == leaf.where), None)
        name = self.counts.setdefault(leaf, same or f"lesions_{len(set(self.counts.values())) + 1}")
        told = {language: self._phrases[language].of(leaf.where) for language in ("fr", "en")}
        label = Text(f"nombre de lésions avec {told['fr']}", f"number of lesions with {told['en']}")
        why = Text(
            "compter les lésions : combien le sont à coup sûr, et combien peuvent l’être",
            "count the lesions: how many are so for certain, and how many may be",
        )
        return self._ask(Input(name, self._type(INTERVAL), label, Text("", ""), why))


def _known(name: str, expression: str) -> str:
    return f"(if {name} = null then null else {expression})"


def _compared(low: str, high: str, operator: Operator, value: float) -> str:
    """An interval against a number: true or false when the whole interval agrees, else null."""
    limit = number(value)
    outside, exactly = f"{high} < {limit} or {low} > {limit}", f"{low} = {limit} and {high} = {limit}"
    holds, fails = {
        "<": (f"{high} < {limit}", f"{low} >= {limit}"),
        "<=": (f"{high} <= {limit}", f"{low} > {limit}"),
        ">": (f"{low} > {limit}", f"{high} <= {limit}"),
        ">=": (f"{low} >= {limit}", f"{high} < {limit}"),
        "==": (exactly, outside),
        "!=": (outside, exactly),
    }[operator]
    return f"if {holds} then true else if {fails} then false else null"


def _sign(operator: Operator) -> str:
    return "=" if operator == "==" else operator


def number(value: float) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".")


def quoted(word: str) -> str:
    return f'"{word}"'


def _list(words: Iterable[str]) -> str:
    return "[" + ", ".join(quoted(word) for word in words) + "]"


def named(name: str) -> str:
    """An id as a name that FEEL takes for one."""
    return re.sub(r"\W", "_", name)


def _about(item: Item) -> Text:
    """Id, unit, how long it stays known, and how to obtain it."""
    told = {}
    for language, fresh in (("fr", "inconnu après {} h"), ("en", "unknown after {} h")):
        parts = [item.id, unit(item.unit, language)]
        if item.fresh_for is not None:
            parts.append(fresh.format(number(item.fresh_for)))
        told[language] = "; ".join(part for part in parts if part) + f". {item.help.in_(language)}"
    return Text(told["fr"], told["en"])
