"""Scores: sums of points read from tables, as intervals when components are missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.language.arithmetic import Expression, variables
from service.language.tree import Node, items_of, leaves, scores_of
from service.language.vocabulary import Scope, Text


@dataclass(frozen=True, slots=True)
class Row:
    when: Node
    points: Expression


@dataclass(frozen=True, slots=True)
class Component:
    """The first row whose condition holds gives the points; `otherwise` when none does."""

    id: str
    label: Text
    rows: tuple[Row, ...]
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Band:
    low: float
    high: float
    label: Text


@dataclass(frozen=True, slots=True)
class Score:
    id: str
    label: Text
    scope: Scope
    unit: str | None
    applies: Node
    components: tuple[Component, ...]
    bands: tuple[Band, ...] = ()

    def conditions(self) -> tuple[Node, ...]:
        return (self.applies, *(row.when for component in self.components for row in component.rows))

    def expressions(self) -> tuple[Expression, ...]:
        return tuple(
            expression
            for component in self.components
            for expression in (*(row.points for row in component.rows), component.otherwise)
        )


def scores_read(score: Score) -> set[str]:
    """The scores that `score` is computed from."""
    return {name for node in score.conditions() for leaf in leaves(node) for name in scores_of(leaf)}


def items_read(score: Score, scores: Mapping[str, Score]) -> set[str]:
    """Every item that can bear on `score`, through other scores too. Scores must not be circular."""
    direct = {item for node in score.conditions() for leaf in leaves(node) for item in items_of(leaf)}
    computed = {item for expression in score.expressions() for item in variables(expression)}
    through = {item for name in scores_read(score) for item in items_read(scores[name], scores)}
    return direct | computed | through


def circular(scores: Mapping[str, Score]) -> list[str]:
    """The scores that are computed, directly or not, from themselves."""
    graph = {name: scores_read(score) & scores.keys() for name, score in scores.items()}
    found = []
    for start in graph:
        reached: set[str] = set()
        frontier = set(graph[start])
        while frontier:
            name = frontier.pop()
            if name not in reached:
                reached.add(name)
                frontier |= graph[name]
        if start in reached:
            found.append(start)
    return found
