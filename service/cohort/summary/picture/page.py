"""The page: a head, who may have a percutaneous act, every technique by status, what stands in the way, what is missing."""

from pathlib import Path
from typing import Final

from service.cohort.running.record import Record
from service.cohort.summary.figures import WAYS, Figures
from service.cohort.summary.picture import inks
from service.cohort.summary.picture.aside import missing, obstacles
from service.cohort.summary.picture.letters import width, wrapped
from service.cohort.summary.picture.sheet import GREY, HIGH, WIDE, Fill, Sheet, leading, stacked
from service.cohort.summary.picture.techniques import techniques
from service.cohort.summary.text import hidden_note
from service.cohort.summary.words import HIDDEN, Names
from service.language.vocabulary import Text

#: the white border, and what parts the two columns
_BORDER: Final = 26.0
_GUTTER: Final = 24.0
_WIDE: Final = WIDE - 2 * _BORDER
#: share of the width that the techniques take
_LEFT: Final = 0.56
#: of the room beside them, what the obstacles may take
_OBSTACLES: Final = 0.53
_FOOT: Final = 6.8
_BADGE: Final = Fill("#1a1a1a")

_TITLE: Final = Text(
    "{patients} patients, {lesions} lésions : à qui proposer un geste percutané ?",
    "{patients} patients, {lesions} lesions: who may have a percutaneous procedure?",
)
_SUBTITLE: Final = Text(
    "{label} · référentiel {version} · état au {moment}", "{label} · rulebook {version} · as of {moment}"
)
_SYNTHETIC: Final = Text("Données synthétiques : aucun patient réel", "Synthetic data: no real patient")
_WAYS: Final = Text(
    "Patients selon leur geste percutané le plus accessible", "Patients by the percutaneous procedure nearest at hand"
)
_READING: Final = Text(
    "Lecture. Possible maintenant : éligible, sous réserve des vérifications d’avant geste, ou avec précautions. Un patient compte pour la"
    " mieux placée de ses lésions. À gauche, une lésion compte pour une technique qui y est indiquée ou pourrait l’être ; à différer,"
    " contre-indiqué et suspendu n’y comptent que si l’indication est établie. Première option : la mieux classée pour la lésion, même s’il"
    " faut préciser ou différer. À droite, un patient compte une fois par règle qui bloque au moins une option indiquée, ou par donnée sans"
    " laquelle une option reste à préciser.",
    "How to read. Possible now: eligible, subject to the pre-procedure checks, or with precautions. A patient counts for the best placed"
    " lesion. On the left, a lesion counts for a technique that is indicated for it or might be; to be deferred, contraindicated and"
    " suspended count only where the indication is established. First option: the best placed for the lesion, even if to be settled or"
    " deferred. On the right, a patient counts once for each rule that blocks at least one indicated option, or for each item without which"
    " an option is to be settled.",
)

_REFUSED: Final = Text(
    "Patients refusés, données inutilisables, non comptés : {number}.",
    "Patients refused, unusable data, not counted: {number}.",
)


def draw(path: Path, figures: Figures, record: Record, names: Names) -> None:
    """Writes the page to a .svg or .png file."""
    sheet = Sheet()
    top = _ways(sheet, figures, names, _head(sheet, figures, record, names))
    foot = _foot(figures, record, names)
    edge = HIGH - _BORDER * 0.7 - leading(_FOOT) * len(foot)
    for at, line in enumerate(foot):
        sheet.text(_BORDER, edge + leading(_FOOT) * at, line, _FOOT, colour=GREY)
    room = edge - 7 - top
    left = _WIDE * _LEFT
    techniques(sheet, figures, names, (_BORDER, top, left, room))
    x = _BORDER + left + _GUTTER
    y = obstacles(sheet, figures, names, (x, top, _WIDE - left - _GUTTER, room * _OBSTACLES))
    missing(sheet, figures, names, (x, y + 9, _WIDE - left - _GUTTER, top + room - y - 9))
    sheet.write(path, _title(figures, names), names.say(names.rulebook.info.notice))


def _title(figures: Figures, names: Names) -> str:
    patients, lesions = names.patients(figures.cohort), names.lesions(figures.cohort)
    return names.say(_TITLE).format(patients=patients, lesions=lesions)


def _head(sheet: Sheet, figures: Figures, record: Record, names: Names) -> float:
    """Whose figures these are, and what they are worth; the upper edge of what follows."""
    y = _BORDER
    y = sheet.paragraph(_BORDER, y, _title(figures, names), 17, _WIDE, bold=True) + 1
    identity = record.identity
    subtitle = names.say(_SUBTITLE).format(
        label=names.say(names.rulebook.info.label),
        version=identity.rulebook_version,
        moment=names.moment(identity.as_of),
    )
    y = sheet.paragraph(_BORDER, y, subtitle, 9.5, _WIDE, colour=GREY) + 4
    x, size = _BORDER, 7.5
    if identity.synthetic:
        text = names.say(_SYNTHETIC)
        badge = width(text, size, bold=True) + 10
        sheet.box(x, y - 2, badge, leading(size) + 3.5, _BADGE)
        sheet.text(x + 5, y, text, size, colour="#ffffff", bold=True)
        x += badge + 8
    notice = names.say(names.rulebook.info.notice)
    return sheet.paragraph(x, y, notice, size, WIDE - _BORDER - x, bold=True) + 9


def _ways(sheet: Sheet, figures: Figures, names: Names, y: float) -> float:
    """One bar of all patients, and each part in figures below; the upper edge of what follows."""
    sheet.text(_BORDER, y, names.say(_WAYS), 10, bold=True)
    y += leading(10) + 3
    told = [cell.patients if (cell := figures.ways[way]) else 0 for way in WAYS]
    x, high = _BORDER, 15.0
    for way, wide in zip(WAYS, stacked(told, _WIDE, figures.cohort.patients), strict=True):
        sheet.box(x, y, wide, high, inks.WAY[way], edge=inks.EDGE)
        x += wide
    if None in figures.ways.values():
        sheet.box(x, y, _BORDER + _WIDE - x, high, Fill("#ffffff"), edge=inks.EDGE)
        sheet.text((x + _BORDER + _WIDE) / 2, y + 2, HIDDEN, 10, align="middle")
    y += high + 5
    each = _WIDE / len(WAYS)
    for at, way in enumerate(WAYS):
        x, cell = _BORDER + each * at, figures.ways[way]
        sheet.box(x, y + 1, 12, 16, inks.WAY[way], edge=inks.EDGE)
        share = f"  {names.share(cell.patients, figures.cohort.patients)}" if cell else ""
        sheet.text(x + 16, y - 1, names.patients(cell), 11, bold=True)
        sheet.text(x + 16 + width(names.patients(cell), 11, bold=True), y + 1.2, share, 8.5, colour=GREY)
        sheet.text(x + 16, y + 11.5, names.way(way), 7.6)
    return y + 31


def _foot(figures: Figures, record: Record, names: Names) -> list[str]:
    """How to read the page, who is not counted, what is hidden, and what it was made with."""
    identity = record.identity
    parts = [names.say(_READING)]
    refused = list(figures.refused.values())
    if refused:
        told = sum(each or 0 for each in refused)
        least = "≥\u00a0" if None in refused else ""
        parts.append(names.say(_REFUSED).format(number=f"{least}{names.number(told)}" if told else HIDDEN))
    if figures.smallest > 1:
        parts.append(f"{HIDDEN}\u00a0{hidden_note(names, figures.smallest)}")
    status = f"({identity.rulebook_status})"
    parts.append("\u00a0".join((identity.rulebook, identity.rulebook_version, status, identity.rulebook_digest[:12])))
    return wrapped(" ".join(parts), _FOOT, _WIDE)
