"""Who is refused, what is counted, and what is read at all."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest

from service.cohort.engines import Dialect
from service.cohort.engines.duckdb import DuckDBEngine
from service.cohort.engines.script import ScriptEngine
from service.cohort.layout import columns_of
from service.cohort.settle.problems import MEANINGS, PROBLEMS
from service.cohort.settle.settle import Settled, settle
from service.cohort.sources.errors import SourceError
from service.rulebook.model import Rulebook
from tests.cohort.settle.making import asking_about

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
Columns = dict[str, Any]


#: what these tests tell of
BOOK = asking_about(
    *(
        "blood.inr",
        "blood.crp",
        "body.height",
        "cardiac.stent_date",
        "last_dose.warfarin",
        "patient.age",
        "patient.sex",
    ),
    *(
        "patient.pregnant",
        "patient.asa_class",
        "airway.mallampati",
        "airway.mouth_opening",
        "sleep.snoring",
        "medications",
    ),
    *("allergies", "lesion.size", "lesion.fracture", "lesion.height_loss", "lesion.posterior_wall"),
)


@pytest.fixture
def rulebook() -> Rulebook:
    return BOOK


@pytest.fixture
def settled(duckdb_engine: DuckDBEngine, rulebook: Rulebook) -> Callable[..., Settled]:
    """Settles two tables given by their columns; one lesion each, unless lesions are given."""

    def run(patients: Columns, lesions: Columns | None = None, at: datetime = AT) -> Settled:
        ids = patients.get("patient", [])
        lesions = lesions if lesions is not None else {"patient": ids, "lesion": ["L"] * len(ids)}
        tables = [
            duckdb_engine.connection.create_table(name, pa.table(columns))
            for name, columns in (("patients", patients), ("lesions", lesions))
        ]
        return settle(*tables, rulebook, at, "duckdb", duckdb_engine.keep)

    return run


@pytest.fixture
def rows(duckdb_engine: DuckDBEngine) -> Callable[[ibis.Table], list[Columns]]:
    return lambda table: duckdb_engine.read(table).to_pylist()


def counted(found: list[Columns]) -> dict[tuple[str, str, str], int]:
    return {(row["table"], row["item"], row["problem"]): row["number"] for row in found}


def one(found: list[Columns], name: str) -> list[Any]:
    return [row[name] for row in sorted(found, key=lambda row: row["patient"])]


# ---- who is refused ----


def test_the_same_patient_twice_is_refused_and_no_other(settled: Any, rows: Any) -> None:
    result = settled(
        {
            "patient": ["a", "b", "b", "c"],
            "blood__inr": [1.0, 1.1, 1.1, 1.2],
            "blood__inr__date": [date(2026, 11, 22)] * 4,
        },
        {"patient": ["a", "b", "c", "c"], "lesion": ["1", "1", "1", "2"]},
    )
    assert rows(result.refused) == [{"patient": "b", "reason": "patient_twice"}]
    assert one(rows(result.patients), "blood__inr") == [1.0, 1.2]
    assert sorted((row["patient"], row["lesion"]) for row in rows(result.lesions)) == [
        ("a", "1"),
        ("c", "1"),
        ("c", "2"),
    ]
    assert counted(rows(result.problems)) == {}


def test_the_same_lesion_twice_refuses_its_patient_alone(settled: Any, rows: Any) -> None:
    result = settled({"patient": ["a", "b"]}, {"patient": ["a", "a", "b", "b"], "lesion": ["1", "1", "1", "2"]})
    assert rows(result.refused) == [{"patient": "a", "reason": "lesion_twice"}]
    assert len(rows(result.lesions)) == 2


def test_rows_without_a_usable_id(settled: Any, rows: Any) -> None:
    result = settled(
        {"patient": ["a", None, "  ", "", "b"]},
        {"patient": ["a", "b", None, "z"], "lesion": ["1", " ", "1", "1"]},
    )
    refused = rows(result.refused)
    assert [row["reason"] for row in refused if row["patient"] is None] == ["no_patient_id"] * 3
    assert [row["reason"] for row in refused if row["patient"] == "b"] == ["no_lesion_id"]
    assert len(refused) == 4
    assert [row["patient"] for row in rows(result.patients)] == ["a"]
    assert counted(rows(result.problems)) == {
        ("lesions", "patient", "no_patient_id"): 1,
        ("lesions", "patient", "unknown_patient"): 1,
        ("patients", "lesion", "no_lesion"): 1,
    }


def test_a_patient_without_a_lesion_is_counted_and_kept(settled: Any, rows: Any) -> None:
    result = settled({"patient": ["a", "b"]}, {"patient": ["b"], "lesion": ["1"]})
    assert len(rows(result.patients)) == 2
    assert counted(rows(result.problems)) == {("patients", "lesion", "no_lesion"): 1}


def test_whole_numbers_are_ids_too(settled: Any, rows: Any) -> None:
    result = settled(
        {"patient": pa.array([1, 2])}, {"patient": ["1", "2"], "lesion": pa.array([Decimal(7), Decimal(8)])}
    )
    assert sorted((row["patient"], row["lesion"]) for row in rows(result.lesions)) == [("1", "7"), ("2", "8")]


def test_a_fraction_is_no_id(settled: Any) -> None:
    with pytest.raises(SourceError, match="«patient» holds float64"):
        settled({"patient": [1.0]})


def test_a_contradiction_refuses_the_patient_as_the_service_does(settled: Any, rows: Any) -> None:
    result = settled(
        {
            "patient": ["a", "b", "c"],
            "recorded_at": [date(2026, 11, 20)] * 3,
            "patient__sex": ["male", "female", "male"],
            "patient__pregnant": [True, True, None],
        },
        {
            "patient": ["a", "b", "b", "c"],
            "lesion": ["1", "1", "2", "1"],
            "lesion__fracture": [None, True, False, True],
            "lesion__height_loss": [None, 50.0, 50.0, 50.0],
        },
    )
    assert sorted(rows(result.refused), key=str) == [
        {"patient": "a", "reason": "impossible.pregnant-male"},
        {"patient": "b", "reason": "impossible.collapse-without-fracture"},
    ]
    assert [row["patient"] for row in rows(result.lesions)] == ["c"]


def test_a_patient_is_refused_once_for_the_first_reason(settled: Any, rows: Any) -> None:
    result = settled(
        {"patient": ["a", "a"], "patient__sex": ["male", "male"], "patient__pregnant": [True, True]},
        {"patient": ["a", "a", "a"], "lesion": ["1", "1", None]},
    )
    assert rows(result.refused) == [{"patient": "a", "reason": "patient_twice"}]


# ---- when it was true ----


def test_what_recorded_at_decides(settled: Any, rows: Any) -> None:
    """A value that ages needs a date; one that does not ages needs none, but none may lie in the future."""
    result = settled(
        {
            "patient": list("abcdef"),
            "recorded_at": ["2026-11-20", None, "2026-02-30", "2026-11-24", "2026-11-01", "2026-11-24"],
            "blood__inr": ["1.1"] * 6,
            "blood__inr__date": [None, None, None, None, "2026-11-22", "2026-11-22"],
            "body__height": [170] * 6,
        }
    )
    patients = rows(result.patients)
    assert one(patients, "blood__inr") == [1.1, None, None, None, 1.1, 1.1]
    assert one(patients, "body__height") == [170.0, 170.0, 170.0, None, 170.0, None]
    assert counted(rows(result.problems)) == {
        ("patients", "recorded_at", "wrong_date"): 1,
        ("patients", "recorded_at", "in_the_future"): 2,
        ("patients", "blood.inr", "no_date"): 2,
        ("patients", "blood.inr", "in_the_future"): 1,
        ("patients", "body.height", "in_the_future"): 2,
    }


def test_without_recorded_at_what_ages_needs_its_own_date(settled: Any, rows: Any) -> None:
    result = settled({"patient": ["a", "b"], "blood__inr": [1.1, 1.2], "blood__inr__date": [None, date(2026, 11, 16)]})
    assert one(rows(result.patients), "blood__inr") == [None, 1.2]
    assert counted(rows(result.problems)) == {("patients", "blood.inr", "no_date"): 1}


def test_a_lesion_has_the_recorded_at_of_its_patient(settled: Any, rows: Any) -> None:
    result = settled(
        {"patient": ["a", "b"], "recorded_at": [date(2026, 11, 1), date(2026, 1, 1)]},
        {"patient": ["a", "b"], "lesion": ["1", "1"], "lesion__posterior_wall": ["intact", "intact"]},
    )
    assert one(rows(result.lesions), "lesion__posterior_wall") == ["intact", None]
    assert counted(rows(result.problems)) == {("lesions", "lesion.posterior_wall", "stale"): 1}


@pytest.mark.parametrize(
    "dates",
    [
        pa.array([date(1899, 12, 31), date(2200, 1, 1), date(2026, 11, 22)]),
        pa.array([datetime(1899, 12, 31), datetime(2200, 1, 2), datetime(2026, 11, 22)], pa.timestamp("ms")),  # noqa: DTZ001  # local times
        pa.array(
            [datetime(1800, 1, 1, tzinfo=UTC), datetime(2250, 1, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)],
            pa.timestamp("ns", tz="UTC"),
        ),
        pa.array(["1899-12-31", "9999-12-31", "2026-11-22T08:00:00.123456Z"]),
        pa.array([1, 2, None]),
    ],
    ids=["date", "local", "instant", "text", "number"],
)
def test_dates_beyond_the_years_of_a_patient_cannot_be_read(dates: pa.Array, settled: Any, rows: Any) -> None:
    readable = not pa.types.is_integer(dates.type)
    result = settled(
        {
            "patient": list("abc"),
            "blood__inr": [1.0] * 3,
            "blood__inr__date": dates,
            "cardiac__stent_date": dates,
            "recorded_at": dates if readable else [None, None, "2026-11-23"],
        }
    )
    patients = rows(result.patients)
    assert one(patients, "blood__inr") == [None, None, 1.0]
    assert [value is not None for value in one(patients, "cardiac__stent_date__days")] == [False, False, readable]
    problems = counted(rows(result.problems))
    assert problems["patients", "blood.inr", "wrong_date"] == 2
    assert problems["patients", "cardiac.stent_date", "wrong_type"] == 2


def test_infinite_dates_stop_nothing(settled: Any, rows: Any, duckdb_engine: DuckDBEngine, rulebook: Rulebook) -> None:
    con = duckdb_engine.connection
    con.con.execute(
        "CREATE TABLE p AS SELECT 'a' AS patient, 'infinity'::timestamptz AS recorded_at, '-infinity'::timestamp AS "
        "cardiac__stent_date, 'infinity'::date AS last_dose__warfarin, 1.5 AS blood__inr"
    )
    con.con.execute("CREATE TABLE l AS SELECT 'a' AS patient, 'x' AS lesion")
    result = settle(con.table("p"), con.table("l"), rulebook, AT, "duckdb", duckdb_engine.keep)
    (patient,) = rows(result.patients)
    assert {name for name, value in patient.items() if value is not None} == {"patient"}
    assert len(counted(rows(result.problems))) == 4


# ---- values of every type ----


def test_numbers_of_every_type(settled: Any, rows: Any) -> None:
    """The shortest decimal of a single-precision number is meant; what is not a number (NaN) is told as such."""
    result = settled(
        {
            "patient": list("abcd"),
            "body__height": pa.array([170, 2**53 + 1, -1, None], pa.int64()),
            "patient__age": pa.array([Decimal("64.5"), Decimal("126.0"), None, Decimal("0.1")]),
            "patient__asa_class": pa.array([1.7, float("nan"), float("inf"), 9.0], pa.float32()),
            "airway__mallampati": [True, False, None, None],
            "airway__mouth_opening": [[1], None, [], None],
        }
    )
    patients = rows(result.patients)
    assert one(patients, "body__height") == [170.0, None, None, None]
    assert one(patients, "patient__age") == [64.5, None, None, 0.1]
    assert one(patients, "patient__asa_class") == [1.7, None, None, None]
    assert counted(rows(result.problems)) == {
        ("patients", "body.height", "out_of_range"): 2,
        ("patients", "patient.age", "out_of_range"): 1,
        ("patients", "patient.asa_class", "wrong_type"): 2,
        ("patients", "patient.asa_class", "out_of_range"): 1,
        ("patients", "airway.mallampati", "wrong_type"): 2,
        ("patients", "airway.mouth_opening", "wrong_type"): 2,
    }


def test_flags_and_words_of_other_types_are_not_guessed(settled: Any, rows: Any) -> None:
    result = settled(
        {
            "patient": list("abc"),
            "patient__pregnant": [1, 0, None],
            "patient__sex": [1, 2, None],
            "sleep__snoring": ["TRUE", " false ", "1"],
        }
    )
    patients = rows(result.patients)
    assert one(patients, "patient__pregnant") == [None] * 3
    assert one(patients, "patient__sex") == [None] * 3
    assert one(patients, "sleep__snoring") == [True, False, None]
    assert counted(rows(result.problems)) == {
        ("patients", "patient.pregnant", "wrong_type"): 2,
        ("patients", "patient.sex", "wrong_type"): 2,
        ("patients", "sleep.snoring", "wrong_type"): 1,
    }


@pytest.mark.parametrize(
    "unit", [pa.array(["", "", "furlong", None]), pa.array([None, None, 1, None])], ids=["text", "number"]
)
def test_an_empty_unit_is_the_items_own(unit: pa.Array, settled: Any, rows: Any) -> None:
    result = settled({"patient": list("abcd"), "body__height": [170.0] * 4, "body__height__unit": unit})
    assert one(rows(result.patients), "body__height") == [170.0, 170.0, None, 170.0]
    assert counted(rows(result.problems)) == {("patients", "body.height", "unit_refused"): 1}


def test_lists(settled: Any, rows: Any) -> None:
    words = pa.list_(pa.string())
    result = settled(
        {
            "patient": list("abcdefgh"),
            "recorded_at": [date(2026, 11, 20)] * 8,
            "medications": pa.array(
                [["warfarin"], [], None, ["warfarin", None], ["nothing"], ["warfarin aspirin"], ["warfarin"], [None]],
                words,
            ),
            "medications__absent": pa.array([["aspirin"], None, None, None, None, None, ["warfarin"], None], words),
            "medications__complete": pa.array([None, True, False, True, True, True, True, True]),
        }
    )
    patients = rows(result.patients)
    assert one(patients, "medications__has__warfarin") == [True, False, *[None] * 6]
    assert one(patients, "medications__has__aspirin") == [False, False, *[None] * 6]
    assert one(patients, "medications__has__apixaban") == [None, False, *[None] * 6]
    assert counted(rows(result.problems)) == {
        ("patients", "medications", "unknown_word"): 4,
        ("patients", "medications", "contradictory"): 1,
    }


def test_lists_of_other_types_are_not_guessed(settled: Any, rows: Any) -> None:
    result = settled({"patient": ["a"], "allergies": [1], "medications__absent": [[1]], "medications": ["warfarin"]})
    assert [value for name, value in rows(result.patients)[0].items() if name != "patient" and value is not None] == []
    assert counted(rows(result.problems)) == {
        ("patients", "allergies", "wrong_type"): 1,
        ("patients", "medications", "wrong_type"): 1,
    }


def test_a_list_of_which_only_the_absent_words_are_told(settled: Any, rows: Any) -> None:
    result = settled({"patient": ["a"], "allergies__absent": ["pmma; titanium"]})
    (patient,) = rows(result.patients)
    assert {name: value for name, value in patient.items() if value is not None} == {
        "patient": "a",
        "allergies__has__pmma": False,
        "allergies__has__titanium": False,
    }
    assert "allergies" not in result.missing


# ---- columns ----


def test_what_no_column_gives_is_told_and_unknown(settled: Any, rows: Any) -> None:
    result = settled({"patient": ["a"], "blood__inr": [1.0], "blood__inr__date": ["2026-11-23"]})
    assert "blood.inr" not in result.missing
    assert {"blood.crp", "lesion.size", "medications"} <= set(result.missing)
    assert "blood__crp" in rows(result.patients)[0]


def test_a_dot_is_two_underscores(settled: Any, rows: Any) -> None:
    result = settled({"patient": ["a"], "body.height": [1.7], "body.height__unit": ["m"]})
    assert one(rows(result.patients), "body__height") == [170.0]


def test_the_same_item_twice_is_an_error(settled: Any) -> None:
    with pytest.raises(SourceError, match=r"twice: «body\.height» and «body__height»"):
        settled({"patient": ["a"], "body.height": [170], "body__height": [171]})


def test_a_missing_id_says_what_was_perhaps_meant(settled: Any) -> None:
    with pytest.raises(SourceError) as caught:
        settled({"Patients": ["a"], "body__height": [170]}, {"patient": ["a"], "lesion": ["1"]})
    assert caught.value.lines[0] == "patients: no column «patient»; rename «Patients», if that is what it is"
    assert caught.value.lines[1] == "columns there: Patients, body__height"


# ---- the rest ----


def test_every_problem_and_reason_has_a_meaning_in_both_languages() -> None:
    assert set(PROBLEMS) <= MEANINGS.keys()
    assert all(text.fr and text.en for text in MEANINGS.values())


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "pyspark"])
def test_it_is_a_script_too(dialect: Dialect, rulebook: Rulebook) -> None:
    """No step needs a database to be written down; nor does any hold more columns than PostgreSQL takes."""
    script = ScriptEngine(dialect)
    tables = []
    for name, scope, ids in (
        ("patients", "patient", ("patient", "recorded_at")),
        ("lesions", "lesion", ("patient", "lesion")),
    ):
        items = list(rulebook.vocabulary.of(scope).values())
        tables.append(script.table(name, ibis.schema(dict.fromkeys((*ids, *columns_of(items)), "string"))))
    result = settle(*tables, rulebook, AT, dialect, script.keep)
    script.result("problems", result.problems)
    assert [statement for statement in script.statements if "indication_people" in statement]
    text = script.text()
    for step in ("patients_read", "people", "lesions_read", "refused"):
        assert f"indication_{step}" in text
