"""Text to tree: reads the three kinds of line a rule file may hold and checks every word, type and unit in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from service.language.arithmetic import Constant, Expression, Operation, Variable
from service.language.errors import LanguageError, nearest
from service.language.tree import (
    Always,
    Compare,
    CountLesions,
    Flag,
    Includes,
    Member,
    Node,
    Not,
    OfTechnique,
    Operator,
    Term,
)
from service.language.units import HOURS
from service.language.vocabulary import Item, ItemType, Scope, Vocabulary

_GRAMMAR = Lark(
    (Path(__file__).parent / "grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    start=["criterion", "arithmetic", "moment", "count"],
)

POSITIONS = ("prone", "supine", "lateral", "any", "none")


@dataclass(frozen=True, slots=True)
class ScoreHead:
    """What a criterion must know of a score: over whom it is taken and in which unit."""

    scope: Scope
    unit: str | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that centres choose for themselves, in `rules/site.yaml`."""

    id: str
    value: float
    unit: str | None


@dataclass(frozen=True, slots=True)
class Words:
    """All a line may speak of."""

    vocabulary: Vocabulary
    scores: Mapping[str, ScoreHead]
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class MomentAfter:
    """A moment computed from an item: so many hours after it, or the start of the n-th calendar day after it."""

    item: str
    hours: float | None
    days: int | None


def parse_criterion(text: str, words: Words) -> Node:
    """One line of a condition. Raises LanguageError placed within `text`."""
    node: Node = _parse(text, "criterion", _Criterion(text, words))
    return node


def parse_arithmetic(text: str, words: Words) -> Expression:
    """The points of a score as an expression over numeric items. Raises LanguageError."""
    expression: Expression = _parse(text, "arithmetic", _Arithmetic(words))
    return expression


def parse_moment(text: str, words: Words) -> MomentAfter:
    """`after(item, 72 h)` or `days_after(item, 3)`. Raises LanguageError."""
    moment: MomentAfter = _parse(text, "moment", _Moment(words))
    return moment


def parse_count(text: str, where: Node, shown: str) -> CountLesions:
    """`> 3` with the condition that the counted lesions must fulfil. Raises LanguageError."""
    operator, value = _parse(text, "count", _Count())
    return CountLesions(where, operator, value, shown)


def _parse(text: str, start: str, transformer: "Transformer[Token, Any]") -> Any:
    try:
        tree = _GRAMMAR.parse(text, start=start)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    try:
        return transformer.transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, LanguageError):
            raise error.orig_exc from None
        raise


_FORMS = "see docs/rule-language.md for the forms a criterion may take"


def _syntax_error(text: str, error: UnexpectedInput) -> LanguageError:
    column = max(0, (getattr(error, "column", None) or len(text) + 1) - 1)
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return LanguageError(f"the line ends too early; {_FORMS}", column=len(text), offender=text)
    offender = text[column:].split(" ")[0] if column < len(text) else text
    if offender in {"=", "=="} or text[column : column + 1] == "=":
        return LanguageError("equality of a number is «==», of a word «is»", column=column, offender=offender)

    return LanguageError(f"not understood here; {_FORMS}", column=column, offender=offender)


class _Looker:
    """Looks words up and complains, in the author's terms, about those that are not there."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def item(self, token: Token, *types: ItemType) -> Item:
        vocabulary = self.words.vocabulary
        if token not in vocabulary:
            known = [*vocabulary.items, *(f"score.{score}" for score in self.words.scores)]
            raise _at(token, "unknown item", nearest(token, known))
        item = vocabulary[token]
        if types and item.type not in types:
            raise _at(token, f"is a {item.type}; a {' or '.join(types)} is needed here")
        return item

    def word(self, item: Item, token: Token) -> str:
        if token not in item.choices:
            raise _at(token, f"not a word of {item.id}", nearest(token, item.choices))
        return str(token)


def _at(token: Token, message: str, suggestion: str | None = None) -> LanguageError:
    return LanguageError(message, column=(token.column or 1) - 1, offender=str(token), suggestion=suggestion)


@dataclass(frozen=True, slots=True)
class _Operand:
    value: float
    unit: str | None
    setting: str | None
    token: Token


@v_args(inline=True)
class _Criterion(Transformer[Token, Node]):
    def __init__(self, text: str, words: Words) -> None:
        super().__init__()
        self.text = text
        self.words = words
        self.look = _Looker(words)

    def criterion(self, node: Node) -> Node:
        return node

    def always(self) -> Node:
        return Always(self.text)

    def negated(self, node: Node) -> Node:
        return Not(node)

    def flag(self, name: Token) -> Node:
        if name.startswith("technique."):
            raise _at(name, "a property of the technique needs a comparison, as in «technique.duration > 45 min»")
        return Flag(self.look.item(name, "flag").id, self.text)

    def is_word(self, name: Token, word: Token) -> Node:
        if name == "technique.position":
            return self._position(word, "==")
        item = self.look.item(name, "choice")
        return Member(item.id, (self.look.word(item, word),), self.text)

    def is_not_word(self, name: Token, word: Token) -> Node:
        if name == "technique.position":
            return self._position(word, "!=")
        return Not(self.is_word(name, word))

    def _position(self, word: Token, operator: Operator) -> Node:
        if word not in POSITIONS:
            raise _at(word, "not a position", nearest(word, POSITIONS))
        return OfTechnique("position", operator, str(word), self.text)

    def in_words(self, name: Token, *words: Token) -> Node:
        item = self.look.item(name, "choice")
        return Member(item.id, tuple(sorted({self.look.word(item, word) for word in words})), self.text)

    def not_in_words(self, name: Token, *words: Token) -> Node:
        return Not(self.in_words(name, *words))

    def includes(self, name: Token, *words: Token) -> Node:
        item = self.look.item(name, "set")
        return Includes(item.id, tuple(sorted({self.look.word(item, word) for word in words})), self.text)

    def quantity(self, name: Token) -> tuple[Term | OfTechnique, Token]:
        if name == "technique.duration":
            return OfTechnique("duration", "<", 0.0, self.text), name
        prefix, _, rest = name.partition(".")
        if prefix == "technique":
            raise _at(name, "unknown property of a technique", "technique.duration")
        if prefix == "score":
            if rest not in self.words.scores:
                raise _at(name, "unknown score", nearest(name, [f"score.{score}" for score in self.words.scores]))
            return Term("score", rest), name
        return Term("item", self.look.item(name, "number").id), name

    def since(self, name: Token) -> tuple[Term, Token]:
        return Term("since", self.look.item(name, "moment").id), name

    def days_since(self, name: Token) -> tuple[Term, Token]:
        return Term("days_since", self.look.item(name, "moment").id), name

    def number(self, number: Token, unit: Token | None = None) -> _Operand:
        return _Operand(float(number), str(unit) if unit else None, None, unit or number)

    def setting(self, name: Token) -> _Operand:
        prefix, _, rest = name.partition(".")
        if prefix != "site":
            raise _at(name, "a number or a site setting («site.…») is needed after a comparison")
        if rest not in self.words.settings:
            raise _at(name, "unknown site setting", nearest(name, [f"site.{known}" for known in self.words.settings]))
        setting = self.words.settings[rest]
        return _Operand(setting.value, setting.unit, rest, name)

    def comparison(self, measured: tuple[Term | OfTechnique, Token], operator: Token, operand: _Operand) -> Node:
        term, name = measured
        comparison = cast(Operator, str(operator))
        if isinstance(term, OfTechnique):
            return OfTechnique("duration", comparison, self._time(operand, name) * 60, self.text)
        return Compare(term, comparison, self._value(term, operand, name), operand.setting, self.text)

    def _value(self, term: Term, operand: _Operand, name: Token) -> float:
        if term.quantity == "since":
            return self._time(operand, name)
        if term.quantity == "days_since":
            if operand.unit not in (None, "d"):
                raise _at(operand.token, "calendar days are counted without a unit")
            return operand.value
        if term.quantity == "score":
            unit = self.words.scores[term.name].unit
            if operand.unit not in (None, unit):
                raise _at(operand.token, f"score.{term.name} is in {unit or 'points, written without a unit'}")
            return operand.value
        item = self.words.vocabulary[term.name]
        if item.unit and operand.unit is None:
            raise _at(name, f"needs a unit after the number, as in «{item.unit}»")
        try:
            value = item.in_unit(operand.value, operand.unit)
        except LanguageError as error:
            raise _at(operand.token, error.message, error.suggestion) from None
        if not item.low <= value <= item.high:
            raise _at(operand.token, f"outside the plausible range of {item.id} ({item.low:g} to {item.high:g})")
        return value

    def _time(self, operand: _Operand, name: Token) -> float:
        if operand.unit not in HOURS:
            raise _at(operand.token, f"a time needs a unit ({', '.join(HOURS)})", nearest(operand.unit or "", HOURS))
        return operand.value * HOURS[operand.unit]


@v_args(inline=True)
class _Arithmetic(Transformer[Token, Expression]):
    def __init__(self, words: Words) -> None:
        super().__init__()
        self.look = _Looker(words)

    def arithmetic(self, expression: Expression) -> Expression:
        return expression

    def constant(self, number: Token) -> Expression:
        return Constant(float(number))

    def variable(self, name: Token) -> Expression:
        return Variable(self.look.item(name, "number").id)

    def add(self, left: Expression, right: Expression) -> Expression:
        return Operation("+", left, right)

    def subtract(self, left: Expression, right: Expression) -> Expression:
        return Operation("-", left, right)

    def multiply(self, left: Expression, right: Expression) -> Expression:
        return Operation("*", left, right)

    def divide(self, left: Expression, right: Expression) -> Expression:
        return Operation("/", left, right)


@v_args(inline=True)
class _Moment(Transformer[Token, MomentAfter]):
    def __init__(self, words: Words) -> None:
        super().__init__()
        self.look = _Looker(words)

    def days_after(self, name: Token, number: Token) -> MomentAfter:
        if not number.isdigit():
            raise _at(number, "calendar days are a whole number")
        return MomentAfter(self.look.item(name, "moment").id, None, int(number))

    def after(self, name: Token, number: Token, unit: Token) -> MomentAfter:
        if unit not in HOURS:
            raise _at(unit, f"unknown unit of time (known: {', '.join(HOURS)})", nearest(unit, HOURS))
        return MomentAfter(self.look.item(name, "moment").id, float(number) * HOURS[unit], None)


@v_args(inline=True)
class _Count(Transformer[Token, tuple[Operator, float]]):
    def count(self, operator: Token, number: Token) -> tuple[Operator, float]:
        return cast(Operator, str(operator)), float(number)
