"""The page: nothing leaves it or lies over anything else, and the same figures are the same file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from service.cohort.summary.counting import summarise
from service.cohort.summary.figures import WAYS, Count, Figures, MissingItem, Obstacle
from service.cohort.summary.hiding import hidden
from service.cohort.summary.picture import page
from service.cohort.summary.picture.letters import width, wrapped
from service.cohort.summary.picture.sheet import HIGH, WIDE, Sheet
from service.cohort.summary.words import Names
from tests.cohort.summary.runs import any_cohort, record, tables
from tests.strategies import rulebook

ROWS = any_cohort(5)
RECORD = record(ROWS)


@pytest.fixture(scope="module")
def figures() -> Figures:
    keep, made = tables(ROWS)
    return summarise(made, rulebook(), keep)


@dataclass(frozen=True)
class Written:
    """A line of text where it stands on the page."""

    text: str
    x: float
    y: float
    wide: float
    high: float

    def over(self, other: "Written") -> bool:
        """Whether two lines lie over each other by more than the white around letters."""
        across = min(self.x + self.wide, other.x + other.wide) - max(self.x, other.x)
        down = min(self.y + self.high, other.y + other.high) - max(self.y, other.y)
        return across > 0.5 and down > 0.12 * min(self.high, other.high)


class Seen(Sheet):
    """A sheet that remembers what was written on it, and leaves no file."""

    last: "Seen"

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Written] = []
        self.boxes: list[tuple[float, float]] = []
        Seen.last = self

    def text(self, x: float, y: float, text: str, size: float, **more: Any) -> None:
        room = width(text, size, bold=more.get("bold", False))
        start = x - {"start": 0, "middle": room / 2, "end": room}[more.get("align", "start")]
        self.lines.append(Written(text, start, y, room, size))

    def box(self, x: float, y: float, wide: float, high: float, *_: Any, **__: Any) -> None:
        self.boxes.append((x + wide, y + high))

    def label(self, *_: Any) -> None:
        """Numbers on bars are measured before they are written."""

    def rule(self, *_: Any, **__: Any) -> None:
        """Thin lines carry nothing."""

    def write(self, *_: Any) -> None:
        """No file."""


def drawn(figures: Figures, language: str, monkeypatch: pytest.MonkeyPatch) -> Seen:
    monkeypatch.setattr(page, "Sheet", Seen)
    page.draw(Path("page.svg"), figures, RECORD, Names(rulebook(), language))
    return Seen.last


def crowded(figures: Figures) -> Figures:
    """The longest labels with the largest numbers."""

    def long(name: str) -> int:
        return -len(Names(rulebook(), "fr").rule(name))

    huge = Count(12_345_678, 23_456_789)
    rules = sorted((name for name, rule in rulebook().rules.items() if rule.absolute), key=long)
    items = sorted(rulebook().vocabulary.items, key=lambda name: -len(rulebook().vocabulary[name].label.fr))
    techniques = tuple(
        replace(
            each,
            by_status=dict.fromkeys(each.by_status, huge),
            indicated=dict.fromkeys(each.indicated, huge),
            first=huge,
        )
        for each in figures.techniques
    )
    return replace(
        figures,
        cohort=Count(98_765_432, 198_765_432),
        ways=dict.fromkeys(WAYS, huge),
        techniques=techniques,
        obstacles=tuple(Obstacle(rule, huge) for rule in rules[:20]),
        questions=tuple(MissingItem(item, huge, huge, 987_654_321, 1) for item in items[:20]),
    )


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", ["as it is", "hidden", "crowded", "empty"])
def test_all_stands_on_the_page_and_no_line_over_another(
    figures: Figures, language: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, made = tables([])
    shown = {
        "as it is": lambda: figures,
        "hidden": lambda: hidden(figures, 10),
        "crowded": lambda: crowded(figures),
        "empty": lambda: summarise(made, rulebook(), keep),
    }[kind]()
    sheet = drawn(shown, language, monkeypatch)
    border = 20
    for line in sheet.lines:
        assert border <= line.x <= WIDE - border + 1 - line.wide, line
        assert border <= line.y <= HIGH - 10 - line.high, line
    assert all(right <= WIDE - border and bottom <= HIGH - border for right, bottom in sheet.boxes)
    over = [(one.text, two.text) for at, one in enumerate(sheet.lines) for two in sheet.lines[:at] if one.over(two)]
    assert over == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_labels_are_whole(figures: Figures, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(rulebook(), language)
    text = " ".join(line.text for line in drawn(crowded(figures), language, monkeypatch).lines)
    for each in figures.techniques:
        assert names.technique(each.technique) in text
    for way in WAYS:
        assert names.way(way) in text
    assert names.rule(crowded(figures).obstacles[0].rule) in text
    assert names.item(crowded(figures).questions[0].item) in text
    assert text.count(names.say(rulebook().info.notice)) == 1


@pytest.mark.parametrize(
    ("refused", "said"),
    [({"a": 1234, "b": 6}, " 1,240."), ({"a": 1234, "b": None}, " ≥\u00a01,234."), ({"a": None, "b": None}, " *.")],
)
def test_those_who_were_refused_are_told(
    figures: Figures, refused: dict[str, int | None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = drawn(replace(figures, refused=refused), "en", monkeypatch)
    assert f"not counted:{said}" in " ".join(line.text for line in sheet.lines)


def test_a_word_is_never_cut_and_a_line_never_too_wide() -> None:
    text = "une contre-indication absolue qui peut être corrigée avant le geste"
    lines = wrapped(text, 8, 90)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(width(line, 8) <= 90 for line in lines)
    assert wrapped("anticonstitutionnellement", 8, 20) == ["anticonstitutionnellement"]
    assert width("mmm", 8, bold=True) > width("mmm", 8) > width("iii", 8)


def test_the_same_figures_are_the_same_file(figures: Figures, tmp_path: Path) -> None:
    names = Names(rulebook(), "fr")
    for name in ("one.svg", "two.svg"):
        page.draw(tmp_path / name, figures, RECORD, names)
    svg = (tmp_path / "one.svg").read_bytes()
    assert svg == (tmp_path / "two.svg").read_bytes()
    assert b"<dc:date>" not in svg
    # Letters are outlines: nothing depends on the fonts of whoever opens it.
    assert b"<text" not in svg


def test_a_png_is_a_sheet_of_a4(figures: Figures, tmp_path: Path) -> None:
    page.draw(tmp_path / "page.png", figures, RECORD, Names(rulebook(), "en"))
    with Image.open(tmp_path / "page.png") as image:
        assert image.size == (2338, 1653)
        colours = image.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 50
