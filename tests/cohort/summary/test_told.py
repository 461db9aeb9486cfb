"""What is read: the tables on a terminal, the files, and the names in both languages."""

import csv
import io
import json

import pytest

from service.cohort.summary.counting import summarise
from service.cohort.summary.export import to_csv, to_json
from service.cohort.summary.figures import Figures
from service.cohort.summary.grid import WIDTH, grid
from service.cohort.summary.hiding import hidden
from service.cohort.summary.text import told
from service.cohort.summary.words import WAY, Names, kind_of
from tests.cohort.summary.runs import any_cohort, option, record, tables
from tests.strategies import rulebook

FRENCH, ENGLISH = Names(rulebook(), "fr"), Names(rulebook(), "en")
ROWS = any_cohort(3)


@pytest.fixture(scope="module")
def figures() -> Figures:
    keep, made = tables(
        ROWS,
        problems=[{"table": "patients", "item": "blood.inr", "problem": "stale", "number": 1234}],
        refused=[{"patient": str(number), "reason": "patient_twice"} for number in range(8)],
    )
    return summarise(made, rulebook(), keep, ("blood.inr",))


@pytest.mark.parametrize("names", [FRENCH, ENGLISH], ids=lambda names: names.language)
def test_everything_is_told_in_the_language_and_on_the_page(figures: Figures, names: Names) -> None:
    text = told(figures, record(ROWS), names, top=200)
    flat = " ".join(text.split())
    assert max(map(len, text.splitlines())) <= WIDTH
    for way in WAY:
        assert names.way(way) in text
    for technique in rulebook().techniques.values():
        # Wrapped over lines, word by word; none is cut.
        assert all(word in text for word in names.technique(technique.id).split(" "))
    for item in figures.questions:
        assert names.item(item.item).split(" ")[0] in flat
    assert names.problem("stale").split(" ")[-1] in text
    assert names.reason("patient_twice").split(" ")[0] in text
    assert names.say(rulebook().info.notice)[:40] in flat
    assert {"fr": "SYNTHÉTIQUES", "en": "SYNTHETIC"}[names.language] in text


def test_french_numbers_and_english_numbers() -> None:
    assert FRENCH.number(1234567) == "1\u202f234\u202f567"
    assert ENGLISH.number(1234567) == "1,234,567"
    assert FRENCH.number(None) == ENGLISH.number(None) == "*"
    assert [FRENCH.share(part, 1000) for part in (0, 4, 250)] == ["0\u202f%", "0,4\u202f%", "25\u202f%"]
    assert (ENGLISH.share(4, 1000), ENGLISH.share(1, 0)) == ("0.4%", "")


def test_a_rule_says_whom_it_is_about() -> None:
    alert = rulebook().rules["alert.sepsis"]
    assert alert.label is not None
    assert FRENCH.rule("alert.sepsis") == alert.label.fr
    assert ENGLISH.rule("general.moribund").startswith("General anaesthesia\u00a0— ")
    assert ENGLISH.rule("vertebroplasty.improving").startswith("Vertebroplasty\u00a0— pain that")
    assert ENGLISH.rule("allergy.pmma") == rulebook().rules["allergy.pmma"].because.en
    assert (kind_of("preempts", False), kind_of("contraindicates", True), kind_of("contraindicates", False)) == (
        "alert",
        "correctable",
        "final",
    )


def test_what_the_rulebook_does_not_know_is_called_by_its_id() -> None:
    assert [FRENCH.rule("x.y"), FRENCH.technique("x"), FRENCH.item("x.y"), FRENCH.problem("x"), FRENCH.reason("x")] == [
        "x.y",
        "x",
        "x.y",
        "x",
        "x",
    ]
    assert FRENCH.kind("x.y") == FRENCH.section("x.y") == FRENCH.correction("x.y") == ""


def test_a_contradiction_is_told_in_the_words_of_the_rulebook() -> None:
    impossible = rulebook().impossible[0]
    assert ENGLISH.reason(impossible.id) == impossible.because.en


def test_the_json_holds_every_figure_and_null_where_it_is_hidden(figures: Figures) -> None:
    data = json.loads(to_json(hidden(figures, 5), record(ROWS), ENGLISH))
    assert data["synthetic"] is True
    assert data["smallest"] == 5
    assert data["cohort"] == {"patients": figures.cohort.patients, "lesions": figures.cohort.lesions}
    assert len(data["techniques"]) == len(rulebook().techniques) * 8
    assert len(data["obstacles"]) == len(figures.obstacles)
    assert len(data["missing"]) == len(figures.questions)
    assert any(row["patients"] is None for row in data["obstacles"])
    assert data["refused"] == [{"reason": "patient_twice", "label": ENGLISH.reason("patient_twice"), "patients": 8}]
    assert json.loads(to_json(figures, record(ROWS), ENGLISH)).get("hidden") is None


def test_each_csv_file_opens_in_a_spreadsheet(figures: Figures) -> None:
    files = dict(to_csv(hidden(figures, 5), FRENCH))
    assert {"ways.csv", "techniques.csv", "first.csv", "obstacles.csv", "missing.csv", "problems.csv"} <= set(files)
    for content in files.values():
        assert content.startswith("\ufeff")
        rows = list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"))))
        assert rows
        assert all(None not in row and None not in row.values() for row in rows)
    assert "unknown_rules.csv" not in files


def test_counts_by_patient_or_by_lesion() -> None:
    rows = [option("a", str(lesion), "vertebroplasty", "eligible") for lesion in range(7)]
    keep, made = tables(rows)
    found = summarise(made, rulebook(), keep)

    def line(counted: str) -> list[str]:
        text = told(found, record(rows), ENGLISH, top=5, counted=counted)  # type: ignore[arg-type]  # one of the two
        return next(each.split()[:2] for each in text.splitlines() if each.startswith("Vertebroplasty "))

    assert line("lesions") == ["Vertebroplasty", "7"]
    assert line("patients") == ["Vertebroplasty", "1"]


def test_a_table_wraps_its_labels_and_cuts_none() -> None:
    label = "a very long label " * 12
    lines = grid("Title", ["kind", "patients"], [[label, "correctable", "1,234"], ["short", "alert", "*"]])
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(line.split("  ")[0].strip() for line in lines[2:-1]).split() == label.split()
    assert lines[2].endswith("1,234")
    assert grid("Title", ["n"], []) == []
