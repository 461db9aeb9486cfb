"""The skeleton to point at: complete, in the words of the vocabulary, mirrored rightly, light, and without inline style."""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from math import hypot
from typing import get_args

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.rulebook.model import Status
from service.web.form import skeleton
from service.web.form.skeleton import REGIONS, VIEWS, Mark, Region, labels, placed, regions_at

#: bytes: the picture is part of every page of the form
LIGHT = 30_000
#: offered in the list of the form only
LISTED = {"other_bone"}
SIZES = {"M": 2, "q": 4, "t": 2}


class Page(HTMLParser):
    """Every element with its attributes, and the text of titles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.titles: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "title":
            self.titles.append(data)

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]


def drawn(shape: str) -> list[tuple[int, int]]:
    """The points of path data in order, controls that are written included."""
    points, x, y = [], 0, 0
    for command, text in re.findall(r"([Mqt])([^Mqtz]*)", shape):
        numbers = [int(each) for each in re.findall(r"-?\d+", text)]
        assert len(numbers) % SIZES[command] == 0
        for place in range(0, len(numbers), SIZES[command]):
            pairs = list(zip(*[iter(numbers[place : place + SIZES[command]])] * 2, strict=True))
            base = (0, 0) if command == "M" else (x, y)
            points += [(base[0] + dx, base[1] + dy) for dx, dy in pairs]
            x, y = points[-1]
    return points


def bounds(region: Region) -> tuple[int, int, int, int]:
    xs, ys = zip(*drawn(region.shape), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


@pytest.fixture(scope="module")
def words(rulebook):
    return rulebook.vocabulary


def rendered(words, language: str, call: str, marks=()) -> str:
    environment = Environment(
        loader=FileSystemLoader("service/web/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.from_string('{% from "form/skeleton.html" import skeleton, marks with context %}' + call)
    return template.render(
        t=lambda fr, en: en if language == "en" else fr,
        picture=VIEWS,
        words=labels(words, language),
        placed=marks,
    )


@pytest.fixture(autouse=True)
def here(monkeypatch, root):
    monkeypatch.chdir(root)


# ---- what can be pointed at --------------------------------------------------------------------------------------------


def test_every_site_can_be_pointed_at(words):
    assert {region.site for region in REGIONS} == set(words["lesion.site"].choices) - LISTED


def test_every_level_stands_in_the_spine_and_in_the_back_view(words):
    levels = list(words["lesion.level"].choices)
    for view in ("spine", "back"):
        found = [region.level for region in REGIONS if region.view == view and region.level]
        assert Counter(found) == Counter(levels)
    names = [name for view in VIEWS for name in view.names]
    assert [name.text for name in names] == levels
    assert all(above.at[1] < below.at[1] for above, below in pairwise(names))


def test_a_region_says_words_of_the_vocabulary(words):
    for region in REGIONS:
        assert region.site in words["lesion.site"].choices
        assert region.level is None or region.level in words["lesion.level"].choices
        assert region.side is None or region.side in ("left", "right")
        assert region.level is None or (region.site == "sacrum") == region.level.startswith("S")
        assert region.site != "vertebra" or region.level


def test_keys_are_unique_and_every_region_is_in_its_view():
    assert len({region.key for region in REGIONS}) == len(REGIONS)
    assert all(region.view == view.name for view in VIEWS for region in view.regions)


def test_the_patients_right_is_at_the_viewers_left_from_the_front_only():
    sided = [region for region in REGIONS if region.side]
    assert {region.view for region in sided} == {"front", "back"}
    for region in sided:
        at_the_viewers_right = (region.side == "left") == (region.view == "front")
        left, _, right, _ = bounds(region)
        assert left > 0 if at_the_viewers_right else right < 0, region.key
        assert (region.anchor[0] > 0) == at_the_viewers_right
    assert {view.name: view.sides for view in VIEWS} == {
        "front": ("right", "left"),
        "back": ("left", "right"),
        "spine": (),
    }


def test_both_sides_are_mirror_images():
    by_key = {region.key: region for region in REGIONS}
    for region in REGIONS:
        if region.side == "left":
            other = by_key[region.key.replace("left", "right")]
            assert drawn(other.shape) == [(-x, y) for x, y in drawn(region.shape)]
            assert other.anchor == (-region.anchor[0], region.anchor[1])


def test_what_stands_in_the_midline_is_even():
    for region in REGIONS:
        if region.side is None and region.view != "spine":
            left, _, right, _ = bounds(region)
            assert left == -right
            assert region.anchor[0] == 0


def test_everything_is_inside_its_view():
    boxes = {view.name: view.box for view in VIEWS}
    for region in REGIONS:
        x, y, width, height = boxes[region.view]
        left, top, right, bottom = bounds(region)
        assert x < left < right < x + width, region.key
        assert y < top < bottom < y + height, region.key
        assert x < region.anchor[0] < x + width
        assert y < region.anchor[1] < y + height
        if region.view != "spine":  # there a mark stands behind its vertebra, which stays in sight
            assert left <= region.anchor[0] <= right, region.key
        assert top <= region.anchor[1] <= bottom, region.key


# ---- outlines ----------------------------------------------------------------------------------------------------------


def test_an_outline_passes_between_its_control_points_and_through_corners():
    square = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
    assert skeleton.path(square) == "M0 20q0-20 20-20t20 20-20 20-20-20z"
    corners = tuple(point for point in square for _ in range(2))
    assert {(0, 0), (40, 0), (40, 40), (0, 40)} <= set(drawn(skeleton.path(corners)))


def test_mirroring_twice_changes_nothing():
    ring = ((1.0, 2.0), (-3.0, 4.0))
    assert skeleton.mirrored(ring) == ((-1.0, 2.0), (3.0, 4.0))
    assert skeleton.mirrored(skeleton.mirrored(ring)) == ring


# ---- words and marks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "fr", "en"),
    [
        ("spine.L2", "Vertèbre L2", "Vertebra L2"),
        ("back.S1", "Sacrum S1", "Sacrum S1"),
        ("front.sacrum", "Sacrum", "Sacrum"),
        ("front.femoral_shaft.left", "Diaphyse fémorale, gauche", "Femoral shaft, left"),
        ("back.rib.right", "Côte, droite", "Rib, right"),
    ],
)
def test_regions_are_called_by_the_words_of_the_vocabulary(words, key, fr, en):
    assert labels(words, "fr")[key] == fr
    assert labels(words, "en")[key] == en


def test_every_region_has_a_label(words):
    for language in ("fr", "en"):
        found = labels(words, language)
        assert set(found) == {region.key for region in REGIONS}
        assert all(found.values())


@pytest.mark.parametrize(
    ("site", "level", "side", "keys"),
    [
        ("vertebra", "L2", None, {"front.L2", "back.L2", "spine.L2"}),
        ("vertebra", "L2", "left", {"front.L2", "back.L2", "spine.L2"}),
        ("vertebra", "C2", None, {"back.C2", "spine.C2"}),
        ("vertebra", None, None, set()),
        ("sacrum", "S2", None, {"front.sacrum", "back.S2", "spine.S2"}),
        ("sacrum", None, None, {"front.sacrum"}),
        ("rib", None, "left", {"front.rib.left", "back.rib.left"}),
        ("femoral_neck", None, None, {"front.femoral_neck.left", "front.femoral_neck.right"}),
        ("femoral_neck", None, "bilateral", {"front.femoral_neck.left", "front.femoral_neck.right"}),
        ("sternum", None, "midline", {"front.sternum"}),
        ("other_bone", None, None, set()),
    ],
)
def test_where_a_lesion_is_marked(site, level, side, keys):
    assert {region.key for region in regions_at(site, level, side)} == keys


def test_every_lesion_with_a_region_is_marked_where_it_was_pointed_at():
    for region in REGIONS:
        assert region in regions_at(region.site, region.level, region.side)


def test_marks_do_not_cover_each_other():
    crowd = [
        Mark(n, f"{n}.", "eligible", regions_at("vertebra", level, None)) for n, level in enumerate(("L2",) * 4, 1)
    ]
    found = placed([*crowd, Mark(5, "5.", "deferred", regions_at("vertebra", "L3", None))])
    assert [mark.number for mark in found] == [1, 2, 3, 4, 5]
    assert all([anchor[0] for anchor in mark.anchors] == [region.view for region in mark.regions] for mark in found)
    for view in VIEWS:
        spots = [(x, y) for mark in found for where, x, y in mark.anchors if where == view.name]
        assert len(spots) == len(found)
        assert all(hypot(a - c, b - d) > 50 for n, (a, b) in enumerate(spots) for c, d in spots[:n])
        x, y, width, height = view.box
        assert all(x < a < x + width and y < b < y + height for a, b in spots)


def test_a_mark_stands_at_its_region_when_nothing_is_there():
    (mark,) = placed([Mark(1, "1.", "eligible", regions_at("calcaneus", None, "left"))])
    assert mark.anchors == tuple((region.view, *region.anchor) for region in mark.regions)


# ---- the page ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_picture_is_light_and_without_inline_style(words, language):
    text = rendered(words, language, "{{ skeleton(picture, words) }}")
    assert len(text.encode()) < LIGHT
    page = Page(text)
    assert all("style" not in attrs and not any(name.startswith("on") for name in attrs) for _, attrs in page.elements)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [attrs["href"] for tag, attrs in page.elements if tag == "use"]
    assert targets
    assert all(target[1:] in ids for target in targets)


def test_every_region_is_drawn_once_with_its_words_and_title(words):
    page = Page(rendered(words, "fr", "{{ skeleton(picture, words) }}"))
    found = [
        (attrs["data-site"], attrs.get("data-level"), attrs.get("data-side"), attrs["d"]) for attrs in page.of("region")
    ]
    assert Counter(found) == Counter((each.site, each.level, each.side, each.shape) for each in REGIONS)
    assert Counter(page.titles) == Counter(labels(words, "fr").values())


def test_it_is_for_the_eye_and_the_pointer_only(words):
    page = Page(rendered(words, "fr", "{{ skeleton(picture, words) }}"))
    assert page.elements[0][1]["aria-hidden"] == "true"
    assert all("tabindex" not in attrs and tag not in ("a", "button") for tag, attrs in page.elements)


def test_the_sides_are_printed_as_the_viewer_sees_them(words):
    for language, letters in (("fr", "DGGD"), ("en", "RLLR")):
        text = rendered(words, language, "{{ skeleton(picture, words) }}")
        found = re.findall(r'<text class="way" x="(-?)\d+" y="\d+">(\w)</text>', text)
        assert "".join(letter for _, letter in found) == letters
        assert [sign for sign, _ in found] == ["-", "", "-", ""]


def test_marks_can_be_drawn_alone(words):
    marks = placed(
        [
            Mark(1, "1. L2 — Vertébroplastie\u00a0: à différer", "deferred", regions_at("vertebra", "L2", None)),
            Mark(2, "2. <b>", "eligible", regions_at("femoral_neck", None, "left")),
            Mark(3, "3.", "", ()),
        ]
    )
    text = rendered(words, "fr", "{{ marks(picture, placed, oob=true) }}", marks)
    page = Page(text)
    assert page.elements[0][1]["hx-swap-oob"] == "true"
    assert [attrs["id"] for attrs in page.of("marks")] == ["marks-front", "marks-back", "marks-spine"]
    assert [attrs["viewbox"] for attrs in page.of("marks")] == [" ".join(map(str, view.box)) for view in VIEWS]
    assert len(page.of("mark")) == 4
    assert len(page.of("deferred")) == 6
    assert "<b>" not in text
    assert "style=" not in text
    assert not page.of("region")
    whole = rendered(words, "fr", "{{ skeleton(picture, words, placed) }}", marks)
    assert rendered(words, "fr", "{{ marks(picture, placed) }}", marks) in whole


def test_every_status_has_its_look(root):
    style = (root / "service/web/static/skeleton.css").read_text(encoding="utf-8")
    for status in get_args(Status):
        assert f".mark.{status}" in style
        assert f".lit.{status}" in style
    assert "url(" not in style
    assert "@import" not in style
