"""The file itself: sheets to xlsx, and an xlsx from anywhere to rows, trusting nothing in it.

What is written holds values only: no formula, and every text marked as one. What is read may come by mail: its size,
its parts and every cell are checked first; formulas, macros and what a spreadsheet turned into a date are refused.
"""

import io
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import IllegalCharacterError, InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from service.workbench.decision_tables.layout import FORMAT, README, SHEETS, WORDS, Column, Sheet
from service.workbench.decision_tables.reading import CellMistake, Row
from service.workbench.decision_tables.rows import CellValue, Told

#: a workbook of all techniques takes a tenth of these
MAX_BYTES = 5_000_000
MAX_UNPACKED = 40_000_000
MAX_PARTS = 300
MAX_ROWS = 20_000
MAX_COLUMNS = 100
#: what one cell of a spreadsheet holds at most
MAX_CELL = 32_767

#: rows 1 and 2 are headings, in French and English; the third names each column for the machine
HEADINGS = 3

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
#: a cell with something in it, and its row
#: an empty cell may be written in several ways: lxml, where openpyxl finds it, writes other ones than Python does
_FILLED = re.compile(rb'<c r="[A-Z]{1,3}(\d{1,9})"[^>/]*>(?!(?:<v ?/>|<v></v>)?</c>)')
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
#: LibreOffice and Excel draw about so many points for one line of text
_LINE = 13.5

_INK, _PAPER, _TINT, _RULE, _ENTRY = "FFFFFFFF", "FF1F4E79", "FFDDE7F1", "FF56677A", "FFFFF3C4"
_FACE = "Calibri"
_HEAD = PatternFill("solid", fgColor=_PAPER)
_KEYS = PatternFill("solid", fgColor=_TINT)
_LIMIT = PatternFill("solid", fgColor=_ENTRY)


class TooLongError(Exception):
    """A text that no cell of a spreadsheet can hold."""


class WorkbookError(Exception):
    """The workbook cannot be read back. `mistakes` lists all that is wrong, by sheet and row."""

    def __init__(self, mistakes: Sequence[CellMistake]) -> None:
        order = {sheet.name: at for at, sheet in enumerate(SHEETS.values())}
        self.mistakes = tuple(sorted(set(mistakes), key=lambda each: (order.get(each.sheet, -1), each)))
        super().__init__("\n".join(map(str, self.mistakes)))


# ---- writing ---------------------------------------------------------------------------------------------------------


def written(tables: Mapping[str, Sequence[Told]], words: Sequence[Told], readme: Sequence[tuple[str, str]]) -> bytes:
    """The workbook: instructions, one sheet for each key of `tables`, and the words that may be used.

    Raises TooLongError on a text that no cell can hold.
    """
    book = Workbook()
    book.properties.creator = "Indication"
    first = book.active
    assert isinstance(first, Worksheet)
    _instructions(first, readme)
    for key, sheet in SHEETS.items():
        _sheet(book.create_sheet(sheet.name), sheet, tables[key], len(words))
    _sheet(book.create_sheet(WORDS.name), WORDS, words, 0)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _instructions(page: Worksheet, readme: Sequence[tuple[str, str]]) -> None:
    page.title = README
    _printed(page)
    page.sheet_view.showGridLines = False
    page.column_dimensions["A"].width = 78
    page.column_dimensions["B"].width = 78
    for number, texts in enumerate(readme, 1):
        for column, text in enumerate(texts, 1):
            _put(page.cell(number, column), text)
            page.cell(number, column).alignment = Alignment(wrap_text=True, vertical="top")
        if number == 1:
            for column in (1, 2):
                page.cell(1, column).font = Font(name=_FACE, bold=True, size=14)
        page.row_dimensions[number].height = _LINE * max(1, *(math.ceil(len(text) / 74) for text in texts)) + 6
    _put(page.cell(len(readme) + 2, 1), FORMAT)
    page.cell(len(readme) + 2, 1).font = Font(name=_FACE, color=_RULE, size=8)


def _printed(page: Worksheet) -> None:
    """As wide as a sheet of paper, as long as need be."""
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr.fitToPage = True


def _sheet(page: Worksheet, sheet: Sheet, rows: Sequence[Told], words: int) -> None:
    for at, column in enumerate(sheet.columns, 1):
        page.column_dimensions[get_column_letter(at)].width = column.width
        for number, text in enumerate((column.label.fr, column.label.en, column.key), 1):
            cell = page.cell(number, at)
            _put(cell, text)
            cell.fill = _HEAD if number < HEADINGS else _KEYS
            cell.font = (
                Font(name=_FACE, bold=number == 1, color=_INK)
                if number < HEADINGS
                else Font(name=_FACE, color=_RULE, size=8)
            )
            cell.alignment = Alignment(wrap_text=True, vertical="center")
    page.row_dimensions[1].height = page.row_dimensions[2].height = 30
    before: tuple[CellValue, CellValue] | None = None
    looks = _Looks()
    for number, row in enumerate(rows, HEADINGS + 1):
        name = (row.get("technique"), row.get("id"))
        _row(page, number, sheet, row, looks, again=name == before and "level" in row)
        before = name
    named = [column.key for column in sheet.columns[:2]]
    page.freeze_panes = page.cell(HEADINGS + 1, 3 if named == ["technique", "id"] else 2).coordinate
    page.sheet_view.zoomScale = 90
    _offers(page, sheet, words)
    _printed(page)
    page.print_title_rows = f"1:{HEADINGS}"


def _row(page: Worksheet, number: int, sheet: Sheet, row: Told, looks: "_Looks", *, again: bool) -> None:
    """One row. Of a rule told over several rows, the first is set apart by a line, the others repeat its name in grey."""
    level = int(row.get("level") or 0)
    lines = 1
    for at, column in enumerate(sheet.columns, 1):
        value = row.get(column.key)
        if value is None and again:
            continue
        cell = page.cell(number, at)
        _put(cell, value)
        indent = level if column.key in ("connective", "subject", "#fr", "#en") else 0
        grey = column.kind == "gloss" or (again and column.key in ("technique", "id"))
        limit = column.key == "value" and isinstance(value, int | float)
        text = column.kind not in ("number", "value") or (column.key == "value" and isinstance(value, str))
        looks.dress(cell, indent, first=not again, grey=grey, limit=limit, text=text)
        if isinstance(value, str):
            room = max(column.width - 2 * indent, 6)
            # A text that breaks between words fills its lines to nine tenths.
            lines = max(lines, math.ceil(len(value) / (room * 0.9)) if len(value) > room else 1)
    page.row_dimensions[number].height = _LINE * lines + 3


class _Looks:
    """How cells look. Each look is made once and copied, as making it is most of the time that a workbook takes."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, bool, bool, bool, bool], Any] = {}

    def dress(self, cell: Any, indent: int, *, first: bool, grey: bool, limit: bool, text: bool) -> None:
        look = (indent, first, grey, limit, text)
        quoted = cell.quotePrefix
        if look not in self._made:
            cell.alignment = Alignment(wrap_text=True, horizontal="left", vertical="top", indent=indent)
            cell.font = Font(name=_FACE, color=_RULE if grey else None, italic=grey)
            if first:
                cell.border = Border(top=Side("thin", color=_RULE))
            if limit:
                cell.fill = _LIMIT
            if text:
                cell.number_format = "@"
            self._made[look] = copy(cell._style)
        cell._style = copy(self._made[look])
        cell.quotePrefix = quoted


def _put(cell: Any, value: CellValue) -> None:
    if not isinstance(value, str):
        cell.value = value
        return
    if len(value) > MAX_CELL:
        raise TooLongError(f"longer than the {MAX_CELL} characters that a cell holds: «{value[:60]}…»")
    try:
        cell.value = _ESCAPE.sub("_x005F_", value)
    except IllegalCharacterError:
        raise TooLongError(f"a sign that no spreadsheet can hold stands in «{value[:60]!r}»") from None
    # Never a formula nor an error, whatever it begins with; and so that it stays a text when somebody edits the cell.
    cell.data_type = "s"
    cell.quotePrefix = value.startswith(_FORMULA_SIGNS)


def _offers(page: Worksheet, sheet: Sheet, words: int) -> None:
    """The lists that open in the cells of a column, down to well below the last row."""
    for at, column in enumerate(sheet.columns, 1):
        formula = None
        if column.words or column.kind == "yesno":
            formula = '"' + ",".join(column.words or ("yes", "no")) + '"'
        elif words and column.key in ("subject", "correctable.recheck"):
            formula = f"'{WORDS.name}'!$A${HEADINGS + 1}:$A${HEADINGS + words}"
        if formula is None:
            continue
        strict = column.key != "subject" and "recheck" not in column.key
        offer = DataValidation("list", formula1=formula, allow_blank=True, showErrorMessage=strict)
        offer.errorTitle, offer.error = "Indication", "Choisir dans la liste. / Choose from the list."
        letter = get_column_letter(at)
        offer.add(f"{letter}{HEADINGS + 1}:{letter}{page.max_row + 500}")
        page.add_data_validation(offer)


# ---- reading ---------------------------------------------------------------------------------------------------------

_UNREADABLE = (
    InvalidFileException,
    zipfile.BadZipFile,
    ParseError,
    zlib.error,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
)


def rows_of(content: bytes) -> tuple[dict[str, list[Row]], list[CellMistake]]:
    """The rows of each sheet that is read back, and every cell that cannot be read, which stands as empty in them.

    Raises WorkbookError when the file, a sheet or a column cannot be read at all.
    """
    if complaint := _unsafe(content):
        raise WorkbookError([CellMistake("", 0, "", "", complaint)])
    mistakes: list[CellMistake] = []
    try:
        with warnings.catch_warnings():
            # Of features of spreadsheets that openpyxl does not know and that are not read here.
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
            _of_our_making(book)
            found = {key: list(_rows(book, sheet, mistakes)) for key, sheet in SHEETS.items()}
    except _UNREADABLE as error:
        message = (
            f"not a workbook that can be read ({type(error).__name__}); open it in a spreadsheet and save it as .xlsx"
        )
        raise WorkbookError([CellMistake("", 0, "", "", message)]) from None
    if any(mistake.row <= HEADINGS for mistake in mistakes):
        raise WorkbookError(mistakes)
    return found, mistakes


def _unsafe(content: bytes) -> str | None:
    """Why a file is not even opened."""
    if len(content) > MAX_BYTES:
        return f"larger than {MAX_BYTES} bytes: not a workbook that this program wrote"
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return "an .xls of old, or protected by a password; save it as .xlsx without a password"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return _unsafe_parts(parts)
    except (*_UNREADABLE, zipfile.LargeZipFile):
        return "not an .xlsx; save it as «Excel 2007–365 (.xlsx)»"


def _unsafe_parts(parts: zipfile.ZipFile) -> str | None:
    infos = parts.infolist()
    if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_UNPACKED:
        return "it unpacks to far more than any workbook of rules: it is not opened"
    for info in infos:
        name = info.filename.lower()
        if "vbaproject" in name or "/macrosheets/" in f"/{name}":
            return "it holds macros; save it as .xlsx, without macros"
        if not name.endswith((".xml", ".rels", ".vml")):
            continue
        # No more than the size it declares is ever read: what declares too little does not pass its checksum.
        text = parts.read(info)
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text or text[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return f"its part {info.filename} declares entities or is not UTF-8: it is not opened"
        # A cell far down would have every row above it made. One that is only formatted has no content and is left alone.
        if name.startswith("xl/worksheets/") and any(int(found[1]) > MAX_ROWS for found in _FILLED.finditer(text)):
            return f"a sheet ({info.filename}) has something below row {MAX_ROWS}: delete it"
    return None


def _of_our_making(book: Any) -> None:
    found = None
    if README in book.sheetnames:
        for cells in book[README].iter_rows(max_row=MAX_COLUMNS, max_col=1, values_only=True):
            if isinstance(cells[0], str) and cells[0].startswith("indication-tables-"):
                found = cells[0]
    if found != FORMAT:
        message = (
            f"it is of the layout «{found}», and this program reads «{FORMAT}»; export it again"
            if found
            else f"the sheet «{README}» with the mark «{FORMAT}» is missing: only what `flask rules table export` wrote is read"
        )
        raise WorkbookError([CellMistake("", 0, "", "", message)])


def _rows(book: Any, sheet: Sheet, mistakes: list[CellMistake]) -> Iterator[Row]:
    if sheet.name not in book.sheetnames:
        mistakes.append(CellMistake(sheet.name, 0, "", "", "this sheet is missing; export the workbook again"))
        return
    page = book[sheet.name]
    page.reset_dimensions()
    columns: dict[int, Column] = {}
    letters: dict[str, str] = {}
    for number, cells in enumerate(page.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS), 1):
        if number == HEADINGS:
            columns = _columns(sheet, cells, mistakes)
            letters = {column.key: get_column_letter(at + 1) for at, column in columns.items()}
        if number <= HEADINGS or all(cell.value is None for cell in cells):
            continue
        values = {
            column.key: _value(cells[at], Place(sheet, number, get_column_letter(at + 1), column), mistakes)
            for at, column in columns.items()
            if at < len(cells) and column.kind != "gloss"
        }
        row = Row(sheet, number, values, letters)
        if not row.empty():
            yield row


def _columns(sheet: Sheet, cells: Sequence[Any], mistakes: list[CellMistake]) -> dict[int, Column]:
    """Which column stands where, by the keys in the third row. A column without a key is the reader's own."""
    known = {column.key: column for column in sheet.columns}
    found: dict[int, Column] = {}
    for at, cell in enumerate(cells):
        if cell.value is None:
            continue
        key, letter = str(cell.value), get_column_letter(at + 1)
        if key not in known:
            message = (
                f"«{key}» is no column of this sheet; notes of your own go in a column without a key in row {HEADINGS}"
            )
            mistakes.append(CellMistake(sheet.name, HEADINGS, letter, "", message))
        elif known[key] in found.values():
            mistakes.append(CellMistake(sheet.name, HEADINGS, letter, "", f"the column «{key}» is there twice"))
        else:
            found[at] = known[key]
    for key, column in known.items():
        if column not in found.values() and column.kind != "gloss":
            message = f"the column «{key}» ({column.label.en}) is missing: its key stands in row {HEADINGS}"
            mistakes.append(CellMistake(sheet.name, HEADINGS, "", "", message))
    return found


class Place:
    """A cell that is being read."""

    def __init__(self, sheet: Sheet, row: int, letter: str, column: Column) -> None:
        self.sheet, self.row, self.letter, self.column = sheet, row, letter, column

    def mistake(self, message: str) -> CellMistake:
        return CellMistake(self.sheet.name, self.row, self.letter, self.column.label.en, message)


def _value(cell: Cell, place: Place, mistakes: list[CellMistake]) -> CellValue:
    value = cell.value
    complaint: str | None = None
    match value:
        case None:
            return None
        case _ if cell.data_type == "f":
            complaint = "a formula stands here; write its result (paste as values): formulas are not read"
        case _ if cell.data_type == "e":
            complaint = f"the spreadsheet shows an error here ({value}); write the value itself"
        case datetime() | date() if place.column.kind == "day":
            return value.date().isoformat() if isinstance(value, datetime) else value.isoformat()
        case datetime() | date() | time() | timedelta():
            complaint = (
                "the spreadsheet turned this into a date or a time; format the cell as text (for a value with decimals, "
                "as a number) and write it again"
            )
        case bool():
            return value
        case int() | float():
            if "%" in (cell.number_format or ""):
                complaint = (
                    f"shown as a percentage, kept as {value:g}; format the cell as a number, and write «%» as the unit"
                )
            else:
                return float(value)
        case str():
            if len(value) <= MAX_CELL:
                kept = value if place.column.key.endswith((".fr", ".en")) else value.strip()
                return kept if kept.strip() else None
            complaint = "longer than a cell may be"
        case _:
            complaint = "neither a text nor a number"
    mistakes.append(place.mistake(complaint))
    return None
