"""How the total of a score is read: every total in one band, and in one only."""

from collections.abc import Iterator
from itertools import pairwise

from service.language.arithmetic import Constant
from service.language.scores import Band, Component, Score
from service.rulebook.lints.subject import Found, Lint, Subject


def totals(score: Score) -> tuple[float, float] | None:
    """The lowest and highest total of a score whose points are whole numbers; None for a formula."""
    if not _whole(score):
        return None
    ends = [_points(part) for part in score.components]
    return sum(low for low, _ in ends), sum(high for _, high in ends)


def _whole(score: Score) -> bool:
    """Whether every total is a whole number."""
    return all(isinstance(each, Constant) and each.value.is_integer() for each in score.expressions())


def _neighbours(subject: Subject) -> Iterator[tuple[Score, Band, Band]]:
    for score in subject.rulebook.scores.values():
        for lower, upper in pairwise(sorted(score.bands, key=lambda band: (band.low, band.high))):
            yield score, lower, upper


def _gaps(subject: Subject) -> Iterator[Found]:
    for score, lower, upper in _neighbours(subject):
        step = 1 if _whole(score) else 0
        if upper.low > lower.high + step:
            yield _of(subject, score, upper, f"no band between {lower.high:g} and {upper.low:g}")
    for score in subject.rulebook.scores.values():
        reached = totals(score)
        if not score.bands or reached is None:
            continue
        first, last = min(score.bands, key=lambda band: band.low), max(score.bands, key=lambda band: band.high)
        if reached[0] < first.low or reached[1] > last.high:
            yield _of(
                subject,
                score,
                first if reached[0] < first.low else last,
                f"totals go from {reached[0]:g} to {reached[1]:g}, the bands from {first.low:g} to {last.high:g}",
            )


def _overlaps(subject: Subject) -> Iterator[Found]:
    for score, lower, upper in _neighbours(subject):
        if upper.low < lower.high or (upper.low == lower.high and _whole(score)):
            bands = f"{lower.low:g} to {lower.high:g} and {upper.low:g} to {upper.high:g}"
            yield _of(subject, score, upper, f"a total of {upper.low:g} stands in two bands, {bands}")
    for score in subject.rulebook.scores.values():
        for band in score.bands:
            if band.low > band.high:
                yield _of(subject, score, band, f"the band from {band.low:g} to {band.high:g} is upside down")


def _points(component: Component) -> tuple[float, float]:
    """Fewest and most points of one component."""
    points = [
        each.value
        for each in (*(row.points for row in component.rows), component.otherwise)
        if isinstance(each, Constant)
    ]
    return min(points), max(points)


def _of(subject: Subject, score: Score, band: Band, message: str) -> Found:
    place = ("bands", score.bands.index(band))
    return subject.at(subject.file_of("score", score.id), place, f"score {score.id}: {message}")


SCORES = (
    Lint(
        "band-gap",
        "fault",
        finds="A total that a score can reach stands in none of its bands.",
        why="The reader is told the number and not what it means.",
        mend="Let each band begin where the one before it ends, the first and last at the lowest and highest total.",
        look=_gaps,
    ),
    Lint(
        "band-overlap",
        "fault",
        finds="A total stands in two bands of its score, or a band is upside down.",
        why="The same total would be read as two degrees of risk.",
        mend="Let each band begin just after the one before it.",
        look=_overlaps,
    ),
)
