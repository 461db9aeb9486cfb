"""Out to a workbook and back: nothing lost, only what was changed is changed, every mistake told at its cell."""

import datetime
import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from service.rulebook.load import load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import read_text
from service.workbench.decision_tables.exchange import exported, imported, present_techniques
from service.workbench.decision_tables.layout import README, RULE_SHEETS, SHEETS
from service.workbench.decision_tables.reading import Reading
from service.workbench.decision_tables.rewrite import rewrite
from service.workbench.decision_tables.xlsx import MAX_BYTES, WorkbookError, rows_of
from tests.workbench.tables.editing import Editor

NAME = "vertebroplasty"
FILE = f"techniques/{NAME}.yaml"


@pytest.fixture(scope="session")
def everything(book: Rulebook, files: dict[str, bytes]) -> bytes:
    return exported(book, files, sorted(book.techniques))


@pytest.fixture(scope="session")
def one(book: Rulebook, files: dict[str, bytes]) -> bytes:
    return exported(book, files, [NAME])


@pytest.fixture
def editor(one: bytes) -> Editor:
    return Editor(one)


@pytest.fixture
def changes(files: dict[str, bytes]) -> Callable[[Editor], list[str]]:
    def changes(editor: Editor) -> list[str]:
        """The lines that come and go when the workbook is read back; all of one file."""
        after = imported(editor.saved(), files)
        assert set(after) == {FILE}
        old, new = (text[FILE].decode().splitlines() for text in (files, after))
        lines = unified_diff(old, new, lineterm="", n=0)
        return [line for line in lines if line[0] in "+-" and not line.startswith(("---", "+++"))]

    return changes


@pytest.fixture
def told(files: dict[str, bytes]) -> Callable[[bytes], list[str]]:
    def told(content: bytes) -> list[str]:
        with pytest.raises(WorkbookError) as error:
            imported(content, files)
        return [str(mistake) for mistake in error.value.mistakes]

    return told


# ---- nothing is lost -------------------------------------------------------------------------------------------------


def test_all_techniques_come_back_without_a_change(everything: bytes, book: Rulebook, files: dict[str, bytes]) -> None:
    assert len(book.techniques) == 20
    rows, mistakes = rows_of(everything)
    assert mistakes == []
    assert {row.cells["technique"] for row in rows["techniques"]} == set(book.techniques)
    named = {row.cells["id"] for key in RULE_SHEETS for row in rows[key]}
    assert named == {rule.id for rule in book.rules.values() if rule.file.startswith("techniques/")}
    assert imported(everything, files) == {}


def test_a_spreadsheet_that_opens_and_saves_it_loses_nothing(
    everything: bytes, files: dict[str, bytes], tmp_path: Path
) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not on this machine")
    (tmp_path / "all.xlsx").write_bytes(everything)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [
        office,
        "--headless",
        profile,
        "--convert-to",
        "xlsx",
        "--outdir",
        tmp_path / "saved",
        tmp_path / "all.xlsx",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    saved = (tmp_path / "saved" / "all.xlsx").read_bytes()
    assert saved != everything
    assert imported(saved, files) == {}


def test_nothing_in_it_is_a_formula_and_texts_that_look_like_one_are_marked(
    book: Rulebook, files: dict[str, bytes]
) -> None:
    text = files[FILE].decode()
    data = read_text(text, FILE)[0].data
    data["contraindications"][0]["because"]["fr"] = '=HYPERLINK("http://x")'
    changed = {**files, FILE: rewrite(text, data).encode()}
    content = exported(load_files(changed), changed, [NAME])
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/")]
    assert not any(b"<f>" in sheet or b"<f " in sheet for sheet in sheets)
    cells = [cell for page in load_workbook(io.BytesIO(content)) for row in page.iter_rows() for cell in row]
    marked = [cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith("=HYPERLINK")]
    assert [(cell.data_type, cell.quotePrefix) for cell in marked] == [("s", True)]
    assert imported(content, changed) == {}


# ---- only what was changed -------------------------------------------------------------------------------------------


def test_a_threshold_is_one_cell_and_one_line(editor: Editor, changes: Any) -> None:
    row = editor.row("contraindications", subject="lesion.height_loss")
    assert editor.cell("contraindications", row, "value").value == 65
    editor.cell("contraindications", row, "value").value = 70
    assert changes(editor) == ["-        - lesion.height_loss >= 65 %", "+        - lesion.height_loss >= 70 %"]


def test_a_number_kept_as_text_is_the_same_number(editor: Editor, files: dict[str, bytes]) -> None:
    editor.cell(
        "contraindications", editor.row("contraindications", subject="lesion.height_loss"), "value"
    ).value = "65"
    assert imported(editor.saved(), files) == {}


def test_a_criterion_is_added_deep_in_a_condition_and_another_taken_out(editor: Editor, changes: Any) -> None:
    row = editor.row("indications", subject="pain.mechanical")
    editor.insert(
        "indications", row + 1, technique=NAME, id="vertebroplasty.painful-vertebra",
        level=3, subject="blood.platelets", operator="≥", value=9999, unit="G/L",
    )  # fmt: skip
    editor.page("indications").delete_rows(editor.row("indications", subject="pain.nrs"))
    with pytest.raises(WorkbookError, match=rf"cell I{row} .*plausible range"):
        changes(editor)
    editor.cell("indications", row, "value").value = 50.5
    assert changes(editor) == [
        "-        - pain.nrs >= 4",
        '-            - all: [pain.mechanical, "lesion.matrix in [lytic, mixed]"]',
        '+            - all: [pain.mechanical, blood.platelets >= 50.5 G/L, "lesion.matrix in [lytic, mixed]"]',
    ]


def test_texts_evidence_correction_and_exceptions(editor: Editor, changes: Any) -> None:
    first = editor.row("contraindications", id="vertebroplasty.improving")
    editor.cell("contraindications", first, "because.en").value = 'A "falling" pain: no.'
    editor.cell("contraindications", first, "verified").value = "oui"
    editor.cell("contraindications", first, "sources").value = "TSOUM17 , IANN13"
    editor.cell("contraindications", first, "correctable.by.fr").value = "Attendre."
    editor.cell("contraindications", first, "correctable.by.en").value = "Wait."
    editor.cell("contraindications", first, "correctable.lead_time").value = "2 wk"
    for key, value in {
        "technique": NAME, "id": "vertebroplasty.improving", "kind": "tolerates", "rule": "vertebroplasty.blastic",
        "because.fr": "Voulu.", "because.en": "Meant.",
    }.items():  # fmt: skip
        editor.cell("exceptions", 4, key).value = value
    assert changes(editor) == [
        "+    correctable:",
        "+      by:",
        '+        fr: "Attendre."',
        '+        en: "Wait."',
        "+      lead_time: 2 wk",
        '-      en: "Pain that is falling on medical treatment alone does not justify cementing the vertebra."',
        "-    evidence: {certainty: consensus, sources: [TSOUM17], verified: false}",
        '+      en: "A \\"falling\\" pain: no."',
        "+    evidence: {certainty: consensus, sources: [TSOUM17, IANN13], verified: true}",
        "+    tolerates:",
        "+      - rule: vertebroplasty.blastic",
        "+        because:",
        '+          fr: "Voulu."',
        '+          en: "Meant."',
    ]


def test_the_head_of_a_technique_and_its_benefit(editor: Editor, changes: Any) -> None:
    editor.cell("techniques", 4, "duration").value = "60 min"
    editor.cell("techniques", 4, "stay").value = "ambulatory, one_night"
    editor.cell("techniques", 4, "review_by").value = datetime.date(2027, 5, 1)
    editor.cell("benefit", editor.row("benefit", high=5.1), "high").value = 5.5
    found = changes(editor)
    assert found[:6] == [
        "-duration: 45 min", "+duration: 60 min", "-stay: [ambulatory, one_night, two_nights]", "+stay: [ambulatory, one_night]",
        "-  - {measure: points, low: 0, high: 5.1, unit: points, certainty: moderate, sources: [RCTMA21], verified: true,",
        "+  - {measure: points, low: 0, high: 5.5, unit: points, certainty: moderate, sources: [RCTMA21], verified: true,",
    ]  # fmt: skip
    assert found[-1] == "+review_by: 2027-05-01"


def test_columns_may_be_moved_and_notes_of_ones_own_are_not_read(editor: Editor, files: dict[str, bytes]) -> None:
    page, columns = editor.page("indications"), editor.columns("indications")
    last = max(columns.values())
    for row in page.iter_rows():
        row[columns["value"] - 1].value, row[columns["sources"] - 1].value = (
            row[columns["sources"] - 1].value,
            row[columns["value"] - 1].value,
        )
    page.cell(1, last + 1).value = "mes notes"
    page.cell(5, last + 1).value = "=1+1"
    assert imported(editor.saved(), files) == {}


def test_a_rule_comes_and_another_goes(editor: Editor, files: dict[str, bytes]) -> None:
    page = editor.page("contraindications")
    row = editor.row("contraindications", id="vertebroplasty.improving")
    values = {key: editor.cell("contraindications", row, key).value for key in editor.columns("contraindications")}
    page.delete_rows(row)
    editor.insert("contraindications", page.max_row + 1, **{**values, "id": "vertebroplasty.other", "value": None})
    after = imported(editor.saved(), files)[FILE].decode()
    assert "vertebroplasty.improving" not in after
    assert re.search(
        r"sources: \[PRACTICE\], verified: false}\n\n  - id: vertebroplasty.other\n    severity: absolute\n", after
    )


# ---- mistakes, all at once, each at its cell -------------------------------------------------------------------------


def test_every_mistake_is_told_with_its_sheet_cell_and_remedy(editor: Editor, told: Any) -> None:
    place = editor.cell
    place("indications", 5, "value").value = "vertebrae"
    place("indications", 6, "value").value = "=2+2"
    place("indications", 8, "operator").value = "maybe"
    place("indications", 4, "sources").value = "CHEW11, CHEW12"
    row = editor.row("contraindications", subject="lesion.height_loss")
    place("contraindications", row, "unit").value = "mm"
    place("contraindications", 4, "severity").value = "abslute"
    place("techniques", 4, "position").value = "pronee"
    place("benefit", 4, "low").value = datetime.date(2026, 4, 7)
    place("benefit", 5, "lasts").value = "6 months"
    found = told(editor.saved())
    for said in (
        r"sheet «Techniques», cell I4 \(position\): not one of .* «pronee»; did you mean «prone»\?",
        r"sheet «Indications», cell O4 \(sources\): unknown source «CHEW12»; did you mean «CHEW11»\?",
        r"sheet «Indications», cell H5 \(value\): .*«vertebrae»; did you mean «vertebra»\?",
        r"sheet «Indications», cell H6 \(value\): a formula stands here; write its result",
        r"sheet «Indications», cell G8 \(comparison\): not understood here.*«maybe»",
        rf"sheet «Contre-indications», cell I{row} \(unit\): unit not accepted for lesion.height_loss",
        r"sheet «Contre-indications», cell C4 \(severity\): not one of absolute, relative «abslute»",
        r"sheet «Bénéfices - Benefits», cell C4 \(from\): the spreadsheet turned this into a date",
        r"sheet «Bénéfices - Benefits», cell G5 \(lasts\): not of the form expected \(a number and a unit",
    ):
        assert [line for line in found if re.match(said, line)], said
    assert len(found) == 9, found


@pytest.mark.parametrize(
    ("key", "value", "format_", "said"),
    [
        ("value", datetime.datetime(2026, 1, 2, tzinfo=None), None, "turned this into a date"),  # noqa: DTZ001  # as a spreadsheet keeps it
        ("value", datetime.time(4, 30), None, "turned this into a date or a time"),
        ("value", 0.65, "0%", "shown as a percentage, kept as 0.65"),
        ("value", "6,5", None, "could mean two things"),
        ("value", True, None, "took this for true or false"),
        ("value", "a\nb", None, "a line break"),
        ("value", "#REF!", "error", "shows an error here"),
        ("level", 1.5, None, "a whole number is needed"),
        ("level", 3, None, "nothing stands below a criterion"),
        ("level", 0, None, "one row at level 0"),
        ("id", None, None, "say in this cell which rule"),
        ("id", "vertebroplasty.improving", None, "put them one below the other"),
        ("subject", None, None, "this row says nothing"),
        ("connective", "all", None, "empty one of them"),
        ("because.fr", "Encore", None, "only the first row of a rule says this"),
        ("technique", "kyphoplasty", None, "no technique of this workbook is called so (it has: vertebroplasty)"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read(
    editor: Editor, files: dict[str, bytes], key: str, value: Any, format_: str | None, said: str
) -> None:
    row = editor.row("contraindications", subject="lesion.height_loss")
    cell = editor.cell("contraindications", row, key)
    cell.value = value
    if format_ == "error":
        cell.data_type = "e"
    elif format_:
        cell.number_format = format_
    rows, mistakes = rows_of(editor.saved())
    reading = Reading(rows, present_techniques(files))
    reading.read()
    here = [str(mistake) for mistake in (*mistakes, *reading.mistakes) if said in mistake.message]
    assert here
    assert all(line.startswith(f"sheet «Contre-indications», cell {cell.column_letter}{row} ") for line in here)


def test_a_step_too_far_inwards(editor: Editor, told: Any) -> None:
    row = editor.row("indications", subject="lesion.fracture")
    editor.cell("indications", row, "level").value = 4
    assert any(f"cell D{row} (level): one step inwards is level 2" in line for line in told(editor.saved()))


def test_rules_that_changed_since_the_export_are_not_undone(one: bytes, files: dict[str, bytes]) -> None:
    newer = {**files, FILE: files[FILE].replace(b">= 65 %", b">= 60 %")}
    with pytest.raises(WorkbookError, match=r"cell P4 .* is not the file this workbook was made from"):
        imported(one, newer)


def test_structure(editor: Editor, told: Any) -> None:
    page = editor.page("indications")
    columns = editor.columns("indications")
    page.cell(3, columns["unit"]).value = "units"
    page.cell(3, columns["level"]).value = "id"
    del editor.book[SHEETS["favours"].name]
    found = told(editor.saved())
    assert any("«units» is no column of this sheet" in line for line in found)
    assert any("the column «unit» (unit) is missing" in line for line in found)
    assert any("the column «id» is there twice" in line for line in found)
    assert any("sheet «Arguments pour - Favours»: this sheet is missing" in line for line in found)


# ---- files from anywhere ---------------------------------------------------------------------------------------------


def with_part(content: bytes, name: str, text: bytes) -> bytes:
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr(name, text)
    return out.getvalue()


def foreign() -> bytes:
    out = io.BytesIO()
    Workbook().save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda good: b"", "not an .xlsx"),
        (lambda good: b"PK\x03\x04 and nothing", "not an .xlsx"),
        (lambda good: b"\xd0\xcf\x11\xe0" + good, "protected by a password"),
        (lambda good: good + b" " * MAX_BYTES, "larger than"),
        (lambda good: with_part(good, "xl/vbaProject.bin", b"x"), "holds macros"),
        (lambda good: with_part(good, "xl/macrosheets/sheet1.xml", b"x"), "holds macros"),
        (lambda good: with_part(good, "xl/more.xml", b"0" * 60_000_000), "far more than any workbook"),
        (lambda good: with_part(good, "xl/more.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "declares entities"),
        (lambda good: with_part(good, "xl/more.xml", "<!DOCTYPE a><a/>".encode("utf-16")), "declares entities"),
        (lambda good: good[: len(good) // 2], "not an .xlsx"),
        (lambda good: foreign(), f"the sheet «{README}»"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_opened(one: bytes, told: Any, spoil: Callable[[bytes], bytes], said: str) -> None:
    (found,) = told(spoil(one))
    assert said in found


def test_a_row_far_below_is_refused_at_once(editor: Editor, told: Any) -> None:
    editor.page("indications").cell(1_048_576, 1).value = "far"
    (found,) = told(editor.saved())
    assert "below row 20000" in found


def test_a_row_far_below_that_is_only_formatted_is_no_matter(editor: Editor, files: dict[str, bytes]) -> None:
    editor.page("indications").cell(1_048_576, 1).number_format = "@"
    assert imported(editor.saved(), files) == {}
