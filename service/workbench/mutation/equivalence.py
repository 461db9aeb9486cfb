"""Whether a mutant says the same as the original of every patient: proved, or refuted by a patient it judges otherwise."""

from collections.abc import Iterable, Iterator, Sequence

from service.language.arithmetic import Constant, Expression, Operation
from service.language.scores import Component, Row, Score
from service.language.tree import All, Always, AnyOf, Node, Not, for_technique
from service.prove.prover import PATIENCE, Proof, Prover
from service.rulebook.model import Rulebook
from service.workbench.mutation.nearby import techniques_told_apart

_NEVER = Not(Always())
_ONE = Constant(1.0)


class Equivalence:
    """Asks the prover. Patients that the rulebook calls impossible do not count: a referral of one is refused."""

    def __init__(self, rulebook: Rulebook, patience: float = PATIENCE) -> None:
        self._prover = Prover(rulebook, patience)

    def of_conditions(self, before: Node, after: Node) -> Proof:
        """Whether two conditions have the same verdict for every patient and technique, unknown included."""
        return _first_not_proved(
            self._prover.same(for_technique(before, *technique), for_technique(after, *technique))
            for technique in techniques_told_apart(before, after)
        )

    def of_scores(self, before: Score, after: Score) -> Proof:
        """Whether two scores apply to the same patients and give them the same points, as intervals.

        A component is compared with its counterpart alone, which is stricter than the total needs.
        """
        if before.bands != after.bands or [part.id for part in before.components] != [
            part.id for part in after.components
        ]:
            return Proof("undecided", 0.0)
        return _first_not_proved(self._scores(before, after))

    def _scores(self, before: Score, after: Score) -> Iterator[Proof]:
        yield self._prover.same(before.applies, after.applies)
        for one, other in zip(before.components, after.components, strict=True):
            if one != other:
                yield from self._components(one, other, before.applies)

    def _components(self, one: Component, other: Component, applies: Node) -> Iterator[Proof]:
        """The points that can be reached must be the same; of constants, the highest and the lowest are enough."""
        rows, others = _rows(one), _rows(other)
        points = {row.points for row in (*rows, *others)}
        for chosen in _levels(points):
            yield from self._both_possible(_reached(rows, chosen), _reached(others, chosen), applies)

    def _both_possible(self, one: Node, other: Node, applies: Node) -> Iterator[Proof]:
        """Whether one is not refuted exactly when the other is not, wherever the score may apply."""
        elsewhere = Not(applies)
        yield self._prover.implied(Not(one), AnyOf((Not(other), elsewhere)))
        yield self._prover.implied(Not(other), AnyOf((Not(one), elsewhere)))


def _rows(component: Component) -> tuple[Row, ...]:
    """The rows, and `otherwise` as a last row for everybody."""
    rows = (*component.rows, Row(Always(), component.otherwise))
    return tuple(Row(row.when, simplified(row.points)) for row in rows)


def _reached(rows: Sequence[Row], points: frozenset[Expression]) -> Node:
    """That a row with one of these points gives them: it holds, and none before it does."""
    found: list[Node] = []
    for at, row in enumerate(rows):
        if row.points in points:
            found.append(All((*(Not(earlier.when) for earlier in rows[:at]), row.when)))
    return AnyOf(tuple(found)) if found else _NEVER


def _levels(points: set[Expression]) -> Iterator[frozenset[Expression]]:
    """What must be reached alike: of constants, everything from each value up and everything up to it; else each alone."""
    values = {point.value: point for point in points if isinstance(point, Constant)}
    if len(values) < len(points):
        yield from (frozenset({point}) for point in points)
        return
    for limit in values:
        yield frozenset(point for value, point in values.items() if value >= limit)
        yield frozenset(point for value, point in values.items() if value <= limit)


def simplified(expression: Expression) -> Expression:
    """The same without products and divisions by one."""
    match expression:
        case Operation(operator, left, right):
            one, other = simplified(left), simplified(right)
            if operator in ("*", "/") and other == _ONE:
                return one
            return other if operator == "*" and one == _ONE else Operation(operator, one, other)
        case _:
            return expression


def _first_not_proved(proofs: Iterable[Proof]) -> Proof:
    """The first that is refuted; else the first that is not decided; else proved."""
    undecided: Proof | None = None
    seconds = 0.0
    for proof in proofs:
        seconds += proof.seconds
        if proof.answer == "refuted":
            return proof
        if proof.answer == "undecided" and undecided is None:
            undecided = proof
    return undecided or Proof("proved", seconds)
