"""The pictures: no box over another, no text beyond its box, every band between boxes, few enough boxes to be read."""

from itertools import combinations

import pytest

from service.rulebook.model import Rulebook
from service.workbench.site import chain
from service.workbench.site.picture import CHARACTER, Column, Edge, Node, Picture, drawn
from service.workbench.site.references import References
from service.workbench.site.views import Views

MOST_BOXES = 65


@pytest.fixture(scope="module")
def pictures(book: Rulebook) -> list[Picture]:
    views = Views(References(book), "fr")
    found = [chain.of_rulebook(views).picture]
    for technique in book.techniques.values():
        found += [chain.of_technique(views, technique).picture, chain.of_indications(views, technique)]
    return found


def test_boxes_stand_apart_and_hold_their_text(pictures: list[Picture]) -> None:
    for picture in pictures:
        assert 2 <= len(picture.boxes) <= MOST_BOXES
        for one, other in combinations(picture.boxes, 2):
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
        for box in picture.boxes:
            assert box.x >= 0
            assert box.x + box.width <= picture.width
            assert box.y >= 0
            assert box.y + box.height <= picture.height
            assert max(map(len, box.lines)) * CHARACTER <= box.width


def test_only_boxes_that_are_there_are_joined() -> None:
    columns = [Column("a", (Node("x", "x"),), 80), Column("none", (), 80), Column("b", (Node("y", "y"),), 80)]
    picture = drawn(columns, [Edge("x", "y", 1), Edge("x", "gone", 1)])
    assert len(picture.bands) == 1
    assert len(picture.headings) == 2


def test_bands_that_would_cross_are_untangled() -> None:
    left = Column("l", (Node("a", "a"), Node("b", "b")), 80)
    right = Column("r", (Node("1", "1"), Node("2", "2")), 80, free=True)
    picture = drawn([left, right], [Edge("a", "2", 1), Edge("b", "1", 1)])
    heights = {box.node.id: box.y for box in picture.boxes}
    assert heights["2"] < heights["1"]


def test_what_a_technique_rests_on_is_in_its_chain(book: Rulebook) -> None:
    """Every rule of a dossier is counted once for its group."""
    views = Views(References(book), "en")
    for technique in book.techniques.values():
        dossier = book.dossiers[technique.id]
        own = {book.bound[place].rule.id for place in dossier.own.all()}
        modes = [
            {book.bound[place].rule.id for arguments in of_kind.values() for place in arguments.all()}
            for of_kind in dossier.modes.values()
        ]
        lines = chain.of_technique(views, technique).lines
        assert sum(line.count for line in lines) == len(own) + sum(map(len, modes))
        assert all(sum(number for _, number in line.arguments) == line.count for line in lines)
