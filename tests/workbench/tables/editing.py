"""A workbook as somebody at a spreadsheet changes it: cells by the key of their column, rows by what stands in them."""

import io
from typing import Any

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from service.workbench.decision_tables.layout import SHEETS


class Editor:
    def __init__(self, content: bytes) -> None:
        self.book = load_workbook(io.BytesIO(content))

    def page(self, sheet: str) -> Worksheet:
        return self.book[SHEETS[sheet].name]

    def columns(self, sheet: str) -> dict[str, int]:
        return {str(cell.value): cell.column for cell in self.page(sheet)[3] if cell.value}

    def cell(self, sheet: str, row: int, key: str) -> Any:
        return self.page(sheet).cell(row, self.columns(sheet)[key])

    def row(self, sheet: str, **wanted: Any) -> int:
        """The first row in which these columns hold these values; «__» in a name stands for a dot."""
        page, columns = self.page(sheet), self.columns(sheet)
        for number in range(4, page.max_row + 1):
            if all(page.cell(number, columns[key.replace("__", ".")]).value == value for key, value in wanted.items()):
                return number
        raise AssertionError(f"{sheet} has no row {wanted}")

    def insert(self, sheet: str, at: int, **values: Any) -> None:
        self.page(sheet).insert_rows(at)
        for key, value in values.items():
            self.cell(sheet, at, key.replace("__", ".")).value = value

    def saved(self) -> bytes:
        out = io.BytesIO()
        self.book.save(out)
        return out.getvalue()
