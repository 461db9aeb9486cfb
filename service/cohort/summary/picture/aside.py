"""What stands in the way, and what is missing: the most frequent, as bars under their full labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.cohort.summary.figures import Figures
from service.cohort.summary.picture import inks
from service.cohort.summary.picture.letters import width, wrapped
from service.cohort.summary.picture.sheet import GREY, Fill, Sheet, leading
from service.cohort.summary.picture.techniques import Place
from service.cohort.summary.words import KIND, Names, kind_of
from service.language.vocabulary import Text

_SIZE: Final = 7.6
_SMALL: Final = 6.8
_BAR: Final = 7.0
#: between two entries
_GAP: Final = 4.0
_OBSTACLES: Final = Text(
    "Ce qui s’oppose le plus souvent à une option indiquée", "What stands in the way of an indicated option"
)
_MISSING: Final = Text("Ce qui manque le plus souvent pour conclure", "What is most often missing to conclude")
_ALONE: Final = Text("seule donnée qui manque à une option", "all that an option waits for")
_AMONG: Final = Text("manque parmi d’autres", "missing among others")
_NOTHING: Final = Text("Rien.", "Nothing.")
_PATIENTS: Final = (Text("patient", "patient"), Text("patients", "patients"))
_OPTIONS: Final = (Text("option", "option"), Text("options", "options"))


@dataclass(frozen=True, slots=True)
class _Entry:
    label: str
    #: in grey after the label
    aside: str
    parts: tuple[tuple[int, Fill], ...]
    told: str


def obstacles(sheet: Sheet, figures: Figures, names: Names, place: Place) -> float:
    """The rules that block most patients; the lower edge of what was drawn."""
    entries = []
    for each in figures.obstacles:
        if each.count is None:
            continue
        rule = names.rulebook.rules[each.rule]
        fill = inks.KIND[kind_of(rule.claim, rule.correction is not None)]
        told = names.counted(each.count.patients, *_PATIENTS)
        entries.append(_Entry(names.rule(each.rule), "", ((each.count.patients, fill),), told))
    keys = [(names.say(text), inks.KIND[kind]) for kind, text in KIND.items()]
    return _block(sheet, names, place, names.say(_OBSTACLES), keys, entries)


def missing(sheet: Sheet, figures: Figures, names: Names, place: Place) -> float:
    """The items that hold up most patients; the lower edge of what was drawn."""
    entries = []
    for each in figures.questions:
        if each.count is None:
            continue
        alone = each.alone.patients if each.alone else 0
        parts = ((alone, inks.ALONE), (each.count.patients - alone, inks.AMONG))
        told = f"{names.counted(each.count.patients, *_PATIENTS)}, {names.counted(each.options, *_OPTIONS)}"
        entries.append(_Entry(names.item(each.item), names.section(each.item), parts, told))
    keys = [(names.say(_ALONE), inks.ALONE), (names.say(_AMONG), inks.AMONG)]
    return _block(sheet, names, place, names.say(_MISSING), keys, entries)


def _block(
    sheet: Sheet, names: Names, place: Place, title: str, keys: Sequence[tuple[str, Fill]], entries: Sequence[_Entry]
) -> float:
    x, y, wide, high = place
    bottom = y + high
    y = sheet.paragraph(x, y, title, 10, wide, bold=True) + 2
    at = x
    for text, fill in keys:
        sheet.box(at, y + 0.5, 11, 7.0, fill, edge=inks.EDGE, line=0.4)
        sheet.text(at + 14, y, text, _SMALL)
        at += 14 + width(text, _SMALL) + 12
    y += leading(_SMALL) + 5
    if not entries:
        return sheet.paragraph(x, y, names.say(_NOTHING), _SIZE, wide)
    most = max(sum(number for number, _ in entry.parts) for entry in entries)
    told = max(width(entry.told, _SMALL) for entry in entries)
    for entry in entries:
        lines = wrapped(entry.label, _SIZE, wide)
        if y + leading(_SIZE) * len(lines) + _BAR > bottom:
            break
        y = _drawn(sheet, entry, lines, (x, y, wide, 0), wide - told - 4, most)
    return y - _GAP


def _drawn(sheet: Sheet, entry: _Entry, lines: Sequence[str], place: Place, room: float, most: int) -> float:
    x, y, wide, _ = place
    for line in lines:
        sheet.text(x, y, line, _SIZE)
        y += leading(_SIZE)
    used = width(lines[-1], _SIZE) + 8
    if entry.aside and used + width(entry.aside, _SMALL) <= wide:
        sheet.text(x + used, y - leading(_SIZE) + 0.7, entry.aside, _SMALL, colour=GREY)
    at = x
    for number, fill in entry.parts:
        part = room * number / most if most else 0.0
        sheet.box(at, y + 0.5, part, _BAR, fill, edge=inks.EDGE, line=0.4)
        at += part
    sheet.text(at + 4, y, entry.told, _SMALL)
    return y + _BAR + _GAP
