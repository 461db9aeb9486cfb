"""Every form of source is opened alike; what is wrong with one is said with what, where and how to mend it."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.cohort.engines import Engine
from service.cohort.engines.duckdb import DuckDBEngine, connect
from service.cohort.engines.postgres import PostgresEngine
from service.cohort.engines.spark import SparkEngine
from service.cohort.layout import LESIONS, PATIENTS
from service.cohort.settle.settle import Settled, settle_source
from service.cohort.sources.errors import SourceError, readable
from service.cohort.sources.kinds import look
from service.cohort.sources.open import Source, open_source
from service.rulebook.model import Rulebook
from tests.warehouses import fill

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
TABLES = {
    PATIENTS: pa.table(
        {"patient": ["0012", "b"], "recorded_at": ["2026-11-20", "2026-11-20"], "blood__inr": ["1.1", "2"]}
    ),
    LESIONS: pa.table({"patient": ["0012", "b"], "lesion": ["1", "1"], "lesion__size": ["30", "40"]}),
}
WIDE = (
    "patient,lesion,recorded_at,blood.inr,lesion.size\n"
    "0012,1,2026-11-20,1.1,30\n"
    "0012,2,2026-11-20,1.1,\n"
    "b,1,2026-11-20,2,40\n"
    "c,,2026-11-20,3,\n"
)


def write(folder: Path, tables: dict[str, pa.Table], ending: str = ".parquet") -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        rows = [table.column_names, *([row[name] for name in table.column_names] for row in table.to_pylist())]
        text = "".join(",".join(map(str, row)) + "\n" for row in rows)
        match ending:
            case ".parquet":
                pq.write_table(table, folder / f"{name}.parquet")
            case ".csv":
                (folder / f"{name}.csv").write_text("\ufeff" + text.replace("\n", "\r\n"), encoding="utf-8")
            case ".csv.gz":
                (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
            case _:
                (folder / name / "deeper").mkdir(parents=True)
                (folder / name / "_SUCCESS").touch()
                (folder / name / "_temporary.parquet").write_bytes(b"of a run that was broken off")
                pq.write_table(table.slice(0, 1), folder / name / "part-0.parquet")
                # Columns in another order, and one less.
                names = [name for name in reversed(table.column_names) if name != "recorded_at"]
                pq.write_table(table.slice(1).select(names), folder / name / "deeper" / "part-1.parquet")
    return folder


@pytest.fixture
def opened(duckdb_engine: DuckDBEngine, rulebook: Rulebook) -> Callable[[Path | str], Source]:
    return lambda source: open_source(str(source), duckdb_engine, rulebook.vocabulary)


@pytest.fixture
def settled(opened: Any, duckdb_engine: DuckDBEngine, rulebook: Rulebook) -> Callable[[Path | str], Settled]:
    return lambda source: settle_source(opened(source).tables, rulebook, AT, "duckdb", duckdb_engine.keep)


def told(engine: Engine, table: Any, *names: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row[name] for name in names) for row in engine.read(table).to_pylist()), key=str)


def wrong(opened: Callable[[Path | str], Source], source: Path | str) -> str:
    with pytest.raises(SourceError) as caught:
        opened(source)
    return "\n".join(caught.value.lines)


# ---- each form ----


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz"])
def test_a_folder_of_tables(
    ending: str, settled: Any, opened: Any, duckdb_engine: DuckDBEngine, tmp_path: Path
) -> None:
    folder = write(tmp_path / "a folder [1] * of mine?", TABLES, ending)
    source = opened(folder)
    assert (source.text_files, source.warnings) == (ending != ".parquet", ())
    result = settled(folder)
    assert told(duckdb_engine, result.patients, "patient", "blood__inr") == [("0012", 1.1), ("b", 2.0)]
    assert told(duckdb_engine, result.lesions, "patient", "lesion", "lesion__size") == [
        ("0012", "1", 30.0),
        ("b", "1", 40.0),
    ]


def test_folders_of_parts(settled: Any, duckdb_engine: DuckDBEngine, tmp_path: Path) -> None:
    """Whatever order their columns have; not what Spark leaves beside them."""
    result = settled(write(tmp_path, TABLES, "parts"))
    assert told(duckdb_engine, result.patients, "patient", "blood__inr") == [("0012", 1.1), ("b", None)]
    assert told(duckdb_engine, result.problems, "item", "problem", "number") == [("blood.inr", "no_date", 1)]
    assert told(duckdb_engine, result.lesions, "patient", "lesion__size") == [("0012", 30.0), ("b", 40.0)]


def test_the_wide_form(settled: Any, duckdb_engine: DuckDBEngine, tmp_path: Path) -> None:
    """A patient whose rows differ is refused; one without a lesion has a row without one."""
    file = tmp_path / "cohort.csv"
    file.write_text(WIDE + "d,1,2026-11-20,1.2,30\nd,2,2026-11-20,1.3,30\n", encoding="utf-8")
    result = settled(file)
    assert told(duckdb_engine, result.patients, "patient", "blood__inr") == [("0012", 1.1), ("b", 2.0), ("c", 3.0)]
    assert told(duckdb_engine, result.lesions, "patient", "lesion") == [("0012", "1"), ("0012", "2"), ("b", "1")]
    assert told(duckdb_engine, result.refused, "patient", "reason") == [("d", "patient_twice")]
    assert told(duckdb_engine, result.problems, "table", "problem", "number") == [("patients", "no_lesion", 1)]


def test_values_of_a_lesion_without_an_id_refuse_its_patient(
    settled: Any, duckdb_engine: DuckDBEngine, tmp_path: Path
) -> None:
    file = tmp_path / "cohort.csv"
    file.write_text(WIDE + "e,,2026-11-20,1.2,30\n", encoding="utf-8")
    assert told(duckdb_engine, settled(file).refused, "patient", "reason") == [("e", "no_lesion_id")]


def test_a_duckdb_file(rulebook: Rulebook, tmp_path: Path) -> None:
    file = tmp_path / "registry"
    with duckdb.connect(str(file)) as con:
        for name, table in TABLES.items():
            con.register("arrow", table)
            con.execute(f"CREATE TABLE {name} AS FROM arrow")
    assert look(str(file)).kind == "duckdb"
    engine = connect(file)
    source = open_source(str(file), engine, rulebook.vocabulary)
    result = settle_source(source.tables, rulebook, AT, "duckdb", engine.keep)
    assert told(engine, result.patients, "patient", "blood__inr") == [("0012", 1.1), ("b", 2.0)]
    engine.close()


def test_a_postgresql_database(postgres_engine: PostgresEngine, rulebook: Rulebook, tmp_path: Path) -> None:
    for name, table in TABLES.items():
        fill(postgres_engine, name, table, tmp_path)
    url = "postgresql://somebody:secret@somewhere/registry"
    source = open_source(url, postgres_engine, rulebook.vocabulary)
    result = settle_source(source.tables, rulebook, AT, "postgres", postgres_engine.keep)
    assert told(postgres_engine, result.patients, "patient", "blood__inr") == [("0012", 1.1), ("b", 2.0)]
    postgres_engine.connection.drop_table("lesions")
    with pytest.raises(SourceError) as caught:
        open_source(url, postgres_engine, rulebook.vocabulary)
    assert caught.value.lines[0] == "the database: no table «lesions» in it, in its search path"
    with pytest.raises(SourceError, match="does not read files of this machine"):
        open_source(str(write(tmp_path / "files", TABLES)), postgres_engine, rulebook.vocabulary)


def test_files_in_spark(spark_engine: SparkEngine, rulebook: Rulebook, tmp_path: Path) -> None:
    for ending in (".parquet", ".csv"):
        source = open_source(str(write(tmp_path / ending[1:], TABLES, ending)), spark_engine, rulebook.vocabulary)
        patients = spark_engine.read(source.tables[PATIENTS]).to_pylist()
        assert patients == TABLES[PATIENTS].to_pylist()


# ---- what is wrong with one ----


def test_no_such_file(opened: Any, tmp_path: Path) -> None:
    write(tmp_path / "cohort", TABLES)
    said = wrong(opened, tmp_path / "cohrot")
    assert "there is no such file or folder; did you mean" in said
    assert f"{tmp_path / 'cohort'}?" in said
    assert "docs/cohort-layout.md" in said


def test_a_table_that_is_not_there_or_is_there_twice(opened: Any, tmp_path: Path) -> None:
    write(tmp_path, TABLES)
    (tmp_path / "patients.csv").write_text("patient\n", encoding="utf-8")
    assert "patients is there twice: patients.parquet and patients.csv" in wrong(opened, tmp_path)
    (tmp_path / "patients.csv").unlink()
    (tmp_path / "lesions.parquet").rename(tmp_path / "lesion.parquet")
    assert "no table lesions; there are: lesion.parquet, patients.parquet" in wrong(opened, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(200), b"patient;lesion\n1;2\n"])
def test_broken_parquet(content: bytes, opened: Any, tmp_path: Path) -> None:
    write(tmp_path, TABLES)
    (tmp_path / "lesions.parquet").write_bytes(content)
    said = wrong(opened, tmp_path)
    assert said.startswith(f"{tmp_path / 'lesions.parquet'}: ")
    assert "write it anew" in said


def test_parquet_broken_in_its_midst(opened: Any, tmp_path: Path) -> None:
    write(tmp_path, TABLES)
    file = tmp_path / "lesions.parquet"
    content = bytearray(file.read_bytes())
    content[4:60] = bytes(56)
    file.write_bytes(content)
    assert "this Parquet file is broken" in wrong(opened, tmp_path)


def test_an_encoding_other_than_utf_8(opened: Any, tmp_path: Path) -> None:
    write(tmp_path, TABLES, ".csv")
    (tmp_path / "lesions.csv").write_bytes("patient,lesion,siège\n1,1,fémur\n".encode("latin-1"))
    assert "is not UTF-8" in wrong(opened, tmp_path)
    (tmp_path / "lesions.csv").write_bytes("patient,lesion,a\n1,1,fémur\n".encode("latin-1"))
    said = wrong(opened, tmp_path)
    assert "not UTF-8" in said
    assert "mur" not in said


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("b,1,2,SECRET\n", "more or fewer columns"),
        ("b\n", "more or fewer columns"),
        ('b,"1,SECRET\n', "quotation mark"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number_alone(
    line: str, reason: str, opened: Any, tmp_path: Path
) -> None:
    write(tmp_path, TABLES, ".csv")
    (tmp_path / "lesions.csv").write_text("patient,lesion,a\na,1,1\n" + line + "c,1,1\n" * 3, encoding="utf-8")
    said = wrong(opened, tmp_path)
    assert "lesions.csv: line 3 cannot be read: " in said
    assert reason in said
    assert "SECRET" not in said


def test_a_line_that_is_reached_later_is_told_alike(opened: Any, duckdb_engine: DuckDBEngine, tmp_path: Path) -> None:
    write(tmp_path, TABLES, ".csv")
    (tmp_path / "lesions.csv").write_text("patient,lesion,a\n" + "a,1,1\n" * 5000 + "b,1,2,SECRET\n", encoding="utf-8")
    table = opened(tmp_path).tables[LESIONS]
    with pytest.raises(SourceError) as caught, readable(str(tmp_path)):
        duckdb_engine.connection.to_pyarrow(table)
    assert "line 5002 cannot be read: it has more or fewer columns than the first line" in caught.value.lines[0]


def test_an_empty_text_file_and_one_without_a_name_for_patients(opened: Any, tmp_path: Path) -> None:
    file = tmp_path / "cohort.csv"
    file.write_text("", encoding="utf-8")
    assert "the file is empty" in wrong(opened, file)
    file.write_text("Patient;lesion;blood__inr\n1;1;1\n", encoding="utf-8")
    assert "no column «patient»; rename «Patient», if that is what it is" in wrong(opened, file)
    file.write_text("patient;blood__inr\n1;1\n", encoding="utf-8")
    assert "one file alone must have a row for each lesion" in wrong(opened, file)


def test_the_same_item_twice(opened: Any, tmp_path: Path) -> None:
    file = tmp_path / "cohort.csv"
    file.write_text("patient,lesion,blood.inr,blood__inr\n1,1,1,1\n", encoding="utf-8")
    assert "the same column twice: «blood.inr» and «blood__inr»" in wrong(opened, file)


def test_bulk_data_and_other_files(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").touch()
    assert "FHIR Bulk Data is converted first" in wrong(opened, tmp_path)
    assert look(str(tmp_path)).kind == "bulk"
    (tmp_path / "cohort.xlsx").write_bytes(b"PK")
    assert "neither Parquet nor CSV by its name" in wrong(opened, tmp_path / "cohort.xlsx")
    (tmp_path / "empty").mkdir()
    assert "a folder without patients, lesions" in wrong(opened, tmp_path / "empty")


# ---- what stands out ----


def test_columns_that_are_not_of_the_layout_are_named_once(opened: Any, tmp_path: Path) -> None:
    more = {"Blood.CRP": [1, 2], "postcode": ["1", "2"], "lesion__pain": [1, 2], "blood__inr__unit": ["", ""]}
    patients = TABLES[PATIENTS]
    for name, values in more.items():
        patients = patients.append_column(name, pa.array(values))
    write(tmp_path, {**TABLES, PATIENTS: patients})
    (warning,) = opened(tmp_path).warnings
    assert "patients: not of the layout, and not read: «Blood.CRP» (did you mean «blood__crp»?), «postcode»" in warning
    assert "blood__inr__unit" not in warning


def test_an_item_in_the_wrong_table_is_told(opened: Any, tmp_path: Path) -> None:
    write(tmp_path, {**TABLES, PATIENTS: TABLES[PATIENTS].append_column("lesion.size", pa.array([1, 2]))})
    (warning,) = opened(tmp_path).warnings
    assert "«lesion.size» (it belongs in the other table" in warning
