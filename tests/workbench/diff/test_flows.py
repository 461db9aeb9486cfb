"""The picture of the flows: what stands in it, and that it can be read without colours or eyes."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from service.language.vocabulary import Text
from service.workbench.flows import MOST_BANDS, WIDTH, Group, picture
from service.workbench.impact import Impact, Pair
from tests.workbench.diff.mini import OLD

SVG = "{http://www.w3.org/2000/svg}"


def impact(firsts: dict[Pair, int], statuses: dict[Pair, int] | None = None) -> Impact:
    return Impact(10, sum(firsts.values()), False, (), firsts, statuses or {}, {}, {}, {}, 0, 0)


def drawn(of: Impact, language: str = "en") -> ET.Element:
    text = picture([Group(Text("Cohorte", "Cohort"), of)], [OLD], language)
    return ET.fromstring(text)  # noqa: S314 - our own text


def texts(svg: ET.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


MOVED = impact(
    {("glue", "rays"): 3, ("glue", None): 1, ("glue", "glue"): 90},
    {("deferred", "eligible"): 5, ("eligible", "excluded"): 2},
)


def test_every_move_stands_in_it_with_its_count() -> None:
    svg = drawn(MOVED)
    bands = [path.findtext(f"{SVG}title") for path in svg.iter(f"{SVG}path")]
    assert bands == [
        "Glueing → Rays: 3",
        "Glueing → no answer, or no such option: 1",
        "to be deferred → eligible: 5",
        "eligible → contraindicated: 2",
    ]
    shown = texts(svg)
    assert {"3", "1", "5", "2"} <= set(shown)
    assert "Cohort: first option, 4 of 94 lesions change" in shown
    assert "Glueing\u00a0(4)" in shown
    assert "Glueing\u00a0(94)" not in shown


def test_it_says_the_same_to_who_does_not_see_it() -> None:
    svg = drawn(MOVED)
    assert svg.get("role") == "img"
    named = [svg.find(f".//*[@id='{each}']") for each in str(svg.get("aria-labelledby")).split()]
    assert [element.tag for element in named if element is not None] == [f"{SVG}title", f"{SVG}desc"]
    told = svg.findtext(f"{SVG}desc") or ""
    assert "Glueing → Rays: 3" in told
    assert "eligible → contraindicated: 2" in told


def test_towards_stricter_is_told_by_more_than_a_colour() -> None:
    fills = {path.findtext(f"{SVG}title"): path.get("fill") for path in drawn(MOVED).iter(f"{SVG}path")}
    assert fills["eligible → contraindicated: 2"] == "url(#hatch)"
    assert fills["to be deferred → eligible: 5"] != "url(#hatch)"
    assert any("hatched" in text for text in texts(drawn(MOVED)))


def test_french() -> None:
    shown = texts(drawn(MOVED, "fr"))
    assert "Cohorte : première option, 4 lésions sur 94 changent" in shown
    assert drawn(MOVED, "fr").get("lang") == "fr"


def test_when_nothing_moves_it_says_so() -> None:
    svg = drawn(impact({("glue", "glue"): 3}))
    assert list(svg.iter(f"{SVG}path")) == []
    assert "Nothing changes." in texts(svg)


def test_rare_moves_are_counted_not_drawn() -> None:
    many: dict[Pair, int] = {(f"technique {number}", "rays"): 40 - number for number in range(MOST_BANDS + 3)}
    svg = drawn(impact(many))
    assert len(list(svg.iter(f"{SVG}path"))) == MOST_BANDS
    rest = sum(sorted(many.values())[:3])
    assert f"3 rarer moves ({rest} in all) are not drawn." in texts(svg)


@pytest.mark.parametrize("name", ["<script>", 'a "quoted" & odd name', "x" * 200])
def test_any_name_can_stand_in_it(name: str) -> None:
    svg = drawn(impact({(name, "rays"): 1}))
    assert any(name in (path.findtext(f"{SVG}title") or "") for path in svg.iter(f"{SVG}path"))


def test_no_two_labels_of_a_column_stand_on_each_other_and_nothing_falls_outside() -> None:
    names = [f"A technique with a long name that needs two lines, number {number}" for number in range(6)]
    flows: dict[Pair, int] = {(a, b): 1 + at for at, (a, b) in enumerate(zip(names, reversed(names), strict=True))}
    svg = drawn(impact(flows))
    height = float(str(svg.get("height")))
    by_column: dict[str, list[float]] = {}
    for element in svg.iter(f"{SVG}text"):
        x, y = float(str(element.get("x"))), float(str(element.get("y")))
        assert 0 < x < WIDTH
        assert 0 < y < height
        if re.search(r"technique|number", element.text or ""):
            by_column.setdefault(str(element.get("text-anchor")), []).append(y)
    for column in by_column.values():
        ordered = sorted(column)
        assert all(below - above > 13 for above, below in itertools.pairwise(ordered))
