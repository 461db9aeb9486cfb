"""A picture of who moves where: first options and statuses before and after, as bands between two columns (SVG).

Every band carries its count and every block its name and total; bands towards a stricter status are hatched as well as
darker, so that nothing rests on colour alone. What does not move is told in words, not drawn: it would hide what does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from service.language.vocabulary import Text
from service.rulebook.model import STATUSES, Rulebook
from service.tell.words import STATUS
from service.workbench.impact import Impact, Pair

WIDTH = 960.0
#: the two columns of blocks, and their width
_LEFT, _RIGHT, _BLOCK = 300.0, 646.0, 14.0
_MARGIN = 24.0
#: height of one band at least, so that its count can be read; and of the largest one
_LEAST, _MOST = 20.0, 90.0
_GAP = 12.0
_LINE = 17.0
#: letters of a label that fit beside a column
_LETTERS = 36
#: bands drawn; the smaller ones are counted in words
MOST_BANDS = 14

_INK, _PALE, _PAPER = "#1b2733", "#5b6b7a", "#ffffff"
_BETTER, _WORSE, _NEUTRAL = "#2f7fc1", "#b4552d", "#6b7f92"

_ABSENT = Text("sans réponse, ou option absente", "no answer, or no such option")
_MORE = Text("vers plus permissif", "towards more permissive")
_LESS = Text("vers plus strict (hachuré)", "towards stricter (hatched)")


@dataclass(frozen=True, slots=True)
class Group:
    """Referrals drawn together: fixtures, a cohort …"""

    name: Text
    impact: Impact
    #: its name for machines
    key: str = ""


@dataclass(frozen=True, slots=True)
class _Band:
    before: str
    after: str
    count: int
    style: str


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    #: what is not drawn
    note: str
    bands: tuple[_Band, ...]


def picture(groups: Sequence[Group], books: Sequence[Rulebook], language: str) -> str:
    """The picture as one SVG document. `books`: the old and the new rulebook, for the names of techniques."""
    title = Text("Qui reçoit une autre réponse", "Who gets another answer").in_(language)
    names = _names(books, language)
    y = _MARGIN + 28
    drawn: list[str] = []
    told: list[str] = []
    ways = False
    for group in groups:
        for panel in _panels(group, names, language):
            part, y = _drawn(panel, y, language)
            drawn += part
            told.append(_in_words(panel, language))
            ways = ways or any(band.style != "neutral" for band in panel.bands)
    if ways:
        part, y = _legend(y, language)
        drawn += part
    height = y + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" height="{height:g}" '
            f'role="img" aria-labelledby="flows-title flows-desc" lang="{language}" '
            'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif">',
            f'<title id="flows-title">{escape(title)}</title>',
            f'<desc id="flows-desc">{escape(" ".join(told))}</desc>',
            '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<rect width="7" height="7" fill="{_WORSE}" fill-opacity="0.28"/>'
            f'<line x1="0" y1="0" x2="0" y2="7" stroke="{_WORSE}" stroke-width="3"/></pattern></defs>',
            f'<rect width="{WIDTH:g}" height="{height:g}" fill="{_PAPER}"/>',
            _text(_MARGIN, _MARGIN + 14, title, size=20, weight=600),
            *drawn,
            "</svg>",
            "",
        ]
    )


def _names(books: Sequence[Rulebook], language: str) -> Callable[[str | None], str]:
    labels = {name: technique.label.in_(language) for book in books for name, technique in book.techniques.items()}
    return lambda name: _ABSENT.in_(language) if name is None else labels.get(name, name)


def _panels(group: Group, names: Callable[[str | None], str], language: str) -> list[_Panel]:
    impact, name = group.impact, group.name.in_(language)
    changed = impact.first_changed
    lesions = Text("lésions" if changed > 1 else "lésion", "lesions")
    verb = Text("changent" if changed > 1 else "change", "change" if changed != 1 else "changes")
    first = Text(
        f"{name} : première option, {changed} {lesions.fr} sur {impact.lesions} {verb.fr}",
        f"{name}: first option, {changed} of {impact.lesions} {lesions.en} {verb.en}",
    )
    firsts = {pair: count for pair, count in impact.firsts.items() if pair[0] != pair[1]}
    options = sum(impact.statuses.values())
    status = Text(
        f"{name} : statut des options, {options} {'changent' if options > 1 else 'change'}",
        f"{name}: status of the options, {options} {'change' if options != 1 else 'changes'}",
    )
    return [
        _panel(first.in_(language), firsts, names, lambda pair: "neutral", language),
        _panel(status.in_(language), impact.statuses, lambda of: _status(of, language), _way, language),
    ]


def _status(name: str | None, language: str) -> str:
    return STATUS[name].in_(language) if name in STATUSES else _ABSENT.in_(language)


def _way(pair: Pair) -> str:
    places = [STATUSES.index(each) if each in STATUSES else len(STATUSES) for each in pair]
    return "worse" if places[1] > places[0] else "better"


def _panel(
    title: str, flows: Mapping[Pair, int], names: Callable[[str | None], str], way: Callable[[Pair], str], language: str
) -> _Panel:
    ordered = sorted(flows.items(), key=lambda entry: (-entry[1], str(entry[0])))
    shown, rest = ordered[:MOST_BANDS], ordered[MOST_BANDS:]
    bands = tuple(_Band(names(before), names(after), count, way((before, after))) for (before, after), count in shown)
    note = ""
    if not bands:
        note = Text("Rien ne change.", "Nothing changes.").in_(language)
    elif rest:
        total = sum(count for _, count in rest)
        note = Text(
            f"{len(rest)} passages plus rares ({total} en tout) ne sont pas dessinés.",
            f"{len(rest)} rarer moves ({total} in all) are not drawn.",
        ).in_(language)
    return _Panel(title, note, bands)


def _in_words(panel: _Panel, language: str) -> str:
    colon = " : " if language == "fr" else ": "
    moves = "; ".join(f"{band.before} → {band.after}{colon}{band.count}" for band in panel.bands)
    return f"{panel.title}. {moves}{'.' if moves else ''} {panel.note}".strip()


# ---- drawing ----


@dataclass(frozen=True, slots=True)
class _Block:
    name: str
    top: float
    height: float
    total: int


def _drawn(panel: _Panel, y: float, language: str) -> tuple[list[str], float]:
    """The panel from `y` down, and where it ends."""
    y += 26
    drawn = [_text(_MARGIN, y, panel.title, size=15, weight=600)]
    y += 12
    if panel.bands:
        drawn.append(
            _text(_LEFT + _BLOCK, y + 12, Text("avant", "before").in_(language), size=12, fill=_PALE, anchor="end")
        )
        drawn.append(_text(_RIGHT, y + 12, Text("après", "after").in_(language), size=12, fill=_PALE))
        part, y = _bands(panel.bands, y + 24)
        drawn += part
    if panel.note:
        y += 18
        drawn.append(_text(_MARGIN, y, panel.note, size=13, fill=_PALE))
    return drawn, y + 10


def _bands(bands: Sequence[_Band], y: float) -> tuple[list[str], float]:
    largest = max(band.count for band in bands)
    # A picture of one or two patients is not drawn as if they were many.
    most = min(_MOST, _LEAST + 10 * largest)
    heights = {(band.before, band.after): max(_LEAST, most * band.count / largest) for band in bands}
    left = _order(bands, lambda band: band.before)
    # The right column follows the left one, so that few bands cross.
    place = {name: at for at, name in enumerate(left)}
    right = _order(bands, lambda band: band.after, lambda band: place[band.before])
    blocks_left, end_left = _column(left, bands, heights, lambda band: band.before, y)
    blocks_right, end_right = _column(right, bands, heights, lambda band: band.after, y)
    from_y = _slots(bands, heights, blocks_left, lambda band: band.before, lambda band: right.index(band.after))
    to_y = _slots(bands, heights, blocks_right, lambda band: band.after, lambda band: left.index(band.before))
    drawn = []
    for band in bands:
        key = band.before, band.after
        drawn.append(_ribbon(band, from_y[key], to_y[key], heights[key]))
    # Counts last: no band may cover one.
    for band in bands:
        key = band.before, band.after
        drawn.append(
            _text(
                _LEFT + _BLOCK + 12,
                from_y[key] + heights[key] / 2 + 4.5,
                str(band.count),
                size=13,
                weight=600,
                halo=True,
            )
        )
    drawn += [part for block in blocks_left.values() for part in _block(block, _LEFT, left=True)]
    drawn += [part for block in blocks_right.values() for part in _block(block, _RIGHT, left=False)]
    return drawn, max(end_left, end_right)


def _order(
    bands: Sequence[_Band], of: Callable[[_Band], str], weight: Callable[[_Band], float] | None = None
) -> list[str]:
    """Blocks of one column: the largest first, or by the mean place of where their bands come from."""
    totals: dict[str, int] = {}
    pulled: dict[str, float] = {}
    for band in bands:
        totals[of(band)] = totals.get(of(band), 0) + band.count
        if weight:
            pulled[of(band)] = pulled.get(of(band), 0.0) + weight(band) * band.count
    return sorted(totals, key=lambda name: (pulled.get(name, 0.0) / totals[name], -totals[name], name))


def _column(
    names: Iterable[str],
    bands: Sequence[_Band],
    heights: Mapping[tuple[str, str], float],
    of: Callable[[_Band], str],
    y: float,
) -> tuple[dict[str, _Block], float]:
    blocks = {}
    for name in names:
        own = [band for band in bands if of(band) == name]
        height = sum(heights[band.before, band.after] for band in own)
        # A name on two lines may be taller than its block.
        room = max(height, _LINE * len(_wrapped(name, sum(band.count for band in own))))
        blocks[name] = _Block(name, y + (room - height) / 2, height, sum(band.count for band in own))
        y += room + _GAP
    return blocks, y - _GAP


def _slots(
    bands: Sequence[_Band],
    heights: Mapping[tuple[str, str], float],
    blocks: Mapping[str, _Block],
    of: Callable[[_Band], str],
    order: Callable[[_Band], int],
) -> dict[tuple[str, str], float]:
    """Where each band begins, or ends, along its block: in the order of the other column."""
    found = {}
    next_free = {name: block.top for name, block in blocks.items()}
    for band in sorted(bands, key=order):
        key = band.before, band.after
        found[key] = next_free[of(band)]
        next_free[of(band)] += heights[key]
    return found


def _ribbon(band: _Band, a: float, b: float, height: float) -> str:
    x0, x1 = _LEFT + _BLOCK, _RIGHT
    middle = (x0 + x1) / 2
    path = (
        f"M{x0:g} {a:.1f}C{middle:g} {a:.1f} {middle:g} {b:.1f} {x1:g} {b:.1f}"
        f"V{b + height - 2:.1f}C{middle:g} {b + height - 2:.1f} {middle:g} {a + height - 2:.1f} {x0:g} {a + height - 2:.1f}Z"
    )
    colour = {"better": _BETTER, "worse": _WORSE, "neutral": _NEUTRAL}[band.style]
    fill = 'fill="url(#hatch)"' if band.style == "worse" else f'fill="{colour}" fill-opacity="0.32"'
    told = escape(f"{band.before} → {band.after}: {band.count}")
    return f'<path d="{path}" {fill} stroke="{colour}" stroke-width="1"><title>{told}</title></path>'


def _block(block: _Block, x: float, *, left: bool) -> list[str]:
    lines = _wrapped(block.name, block.total)
    top = block.top + block.height / 2 - _LINE * (len(lines) - 1) / 2 + 4.5
    at, anchor = (x - 8, "end") if left else (x + _BLOCK + 8, "start")
    bar = (
        f'<rect x="{x:g}" y="{block.top:.1f}" width="{_BLOCK:g}" height="{block.height - 2:.1f}" fill="{_INK}" rx="2"/>'
    )
    return [
        bar,
        *(_text(at, top + _LINE * number, line, size=13.5, anchor=anchor) for number, line in enumerate(lines)),
    ]


def _wrapped(name: str, total: int) -> list[str]:
    """A label with its total on as few lines as fit beside a column."""
    *words, last = name.split()
    lines = [""]
    for word in (*words, f"{last}\u00a0({total})"):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LETTERS:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _legend(y: float, language: str) -> tuple[list[str], float]:
    y += 20
    drawn, x = [], _MARGIN
    for text, fill, colour in (
        (_MORE, f'fill="{_BETTER}" fill-opacity="0.32"', _BETTER),
        (_LESS, 'fill="url(#hatch)"', _WORSE),
    ):
        drawn.append(f'<rect x="{x:g}" y="{y - 11:g}" width="26" height="13" {fill} stroke="{colour}"/>')
        drawn.append(_text(x + 34, y, text.in_(language), size=13))
        x += 260
    return drawn, y


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    weight: int = 400,
    fill: str = _INK,
    anchor: str = "start",
    halo: bool = False,
) -> str:
    around = f' stroke="{_PAPER}" stroke-width="4" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:g}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}"{around}>{escape(text)}</text>'
    )
