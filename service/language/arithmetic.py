"""Arithmetic over intervals: how a score's points are computed when some of its items are unknown."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Constant:
    value: float


@dataclass(frozen=True, slots=True)
class Variable:
    item: str


@dataclass(frozen=True, slots=True)
class Operation:
    operator: Literal["+", "-", "*", "/"]
    left: "Expression"
    right: "Expression"


Expression: TypeAlias = Constant | Variable | Operation


def variables(expression: Expression) -> Iterator[str]:
    match expression:
        case Variable(item):
            yield item
        case Operation(_, left, right):
            yield from variables(left)
            yield from variables(right)


def interval(expression: Expression, bounds: Callable[[str], Interval]) -> Interval:
    """Lowest and highest value of `expression` when each variable may be anything within `bounds(variable)`.

    A divisor's interval must not contain 0: the rulebook checks that when it loads (`can_divide_by_zero`).
    """
    match expression:
        case Constant(value):
            return value, value
        case Variable(item):
            return bounds(item)
        case Operation(operator, left, right):
            a, b = interval(left, bounds)
            c, d = interval(right, bounds)
            match operator:
                case "+":
                    return a + c, b + d
                case "-":
                    return a - d, b - c
                case "*":
                    corners = (a * c, a * d, b * c, b * d)
                case "/":
                    corners = (a / c, a / d, b / c, b / d)
            return min(corners), max(corners)


def can_divide_by_zero(expression: Expression, bounds: Callable[[str], Interval]) -> bool:
    match expression:
        case Operation(operator, left, right):
            if can_divide_by_zero(left, bounds) or can_divide_by_zero(right, bounds):
                return True
            if operator == "/":
                low, high = interval(right, bounds)
                return low <= 0 <= high
    return False


def text(expression: Expression, names: Mapping[str, str]) -> str:
    """The expression as its author would write it, each variable by the name given."""
    match expression:
        case Constant(value):
            return f"{value:g}"
        case Variable(item):
            return names.get(item, item)
        case Operation(operator, left, right):
            return f"({text(left, names)} {operator} {text(right, names)})"
