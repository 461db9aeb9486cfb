"""The unknown items that keep a condition from being decided, for every row at once: `language.open_items` as SQL.

Only items outside the pre-procedure checklist: those on it are verified just before the act, never asked.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias, cast

import ibis.expr.types as ir

from service.language.arithmetic import variables
from service.language.scores import Score
from service.language.tree import All, AnyOf, Compare, CountLesions, Leaf, Node, Not, items_of
from service.query import combine
from service.query.columns import column
from service.query.conditions import Conditions

#: for each item that may be open, whether it is
Open: TypeAlias = dict[str, ir.BooleanValue]


class OpenItems:
    """Finds open items over a table. `computed` gives the column of what an earlier step found open in a criterion."""

    def __init__(
        self,
        conditions: Conditions,
        table: ir.Table,
        scores: Mapping[str, Score],
        checklist: Collection[str],
        computed: Mapping[Leaf, Mapping[str, str]] | None = None,
    ) -> None:
        self._conditions = conditions
        self._table = table
        self._scores = scores
        self._checklist = checklist
        self._computed = computed or {}

    def of(self, node: Node) -> Open:
        """The items that can still decide `node`, each true only where the verdict of `node` is unknown."""
        unknown = combine.unknown(self._conditions.of(node))
        return {item: unknown & inside for item, inside in self._inside(node).items()}

    def _inside(self, node: Node) -> Open:
        match node:
            case All(parts) | AnyOf(parts):
                return _merged(self.of(part) for part in parts)
            case Not(part):
                return self._inside(part)
            case _ if node in self._computed:
                found = self._computed[node]
                return {item: cast(ir.BooleanValue, self._table[name]) for item, name in found.items()}
            case Compare(term) if term.quantity == "score":
                return self.of_score(self._scores[term.name])
            case CountLesions():
                raise ValueError(f"not computed: {node.text}")
            case _:
                return {item: combine.YES for item in items_of(node) if item not in self._checklist}

    def of_score(self, score: Score) -> Open:
        """What is open in a score: in whether it applies, and in each of its components."""
        return _merged([self.of(score.applies), *self._components(score)])

    def _components(self, score: Score) -> Iterator[Open]:
        for component in score.components:
            reached: list[ir.BooleanValue] = []
            for row in component.rows:
                verdict = self._conditions.of(row.when)
                here = combine.every([*reached, ~combine.fails(verdict)])
                inner = _merged([self.of(row.when), self._missing(variables(row.points))])
                yield {item: here & is_open for item, is_open in inner.items()}
                reached.append(~combine.holds(verdict))
            last = combine.every(reached)
            missing = self._missing(variables(component.otherwise))
            yield {item: last & is_open for item, is_open in missing.items()}

    def _missing(self, items: Iterable[str]) -> Open:
        return {item: self._table[column(item)].isnull() for item in items if item not in self._checklist}


def _merged(found: Iterable[Open]) -> Open:
    result: dict[str, list[ir.BooleanValue]] = {}
    for one in found:
        for item, is_open in one.items():
            result.setdefault(item, []).append(is_open)
    return {item: combine.some(several) for item, several in result.items()}
