"""A condition and its rows: nothing is lost on the way, whatever it holds and however it is spelled."""

from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.language.condition import read_condition
from service.language.errors import LanguageError
from service.language.parser import ScoreHead, Words, parse_criterion
from service.language.tree import Node
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.workbench.decision_tables.criterion import OPERATORS, Cells, Line, criteria, join, lines, split
from service.workbench.decision_tables.exchange import present_techniques
from service.workbench.decision_tables.layout import CONTRAINDICATIONS, SHEETS
from service.workbench.decision_tables.reading import Present, Reading, Row
from service.workbench.decision_tables.rows import technique_rows
from tests.strategies import RULES, examples, rulebook, seeded


@pytest.fixture(scope="session")
def words(book: Rulebook) -> Words:
    return words_of(book)


def words_of(book: Rulebook) -> Words:
    heads = {score.id: ScoreHead(score.scope, score.unit) for score in book.scores.values()}
    return Words(book.vocabulary, heads, book.settings)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("always", Cells("always")),
        ("lesion.fracture", Cells("lesion.fracture", "yes")),
        ("not lesion.fracture", Cells("lesion.fracture", "no")),
        ("blood.platelets < 50 G/L", Cells("blood.platelets", "<", 50, "G/L")),
        ("blood.platelets>=50G/L", Cells("blood.platelets", "≥", 50, "G/L")),
        ("not blood.platelets < 0.5 G/L", Cells("blood.platelets", "not <", 0.5, "G/L")),
        ("egfr != 30.50 mL/min/1.73m2", Cells("egfr", "≠", 30.5, "mL/min/1.73m2")),
        ("pain.nrs == -4", Cells("pain.nrs", "equals", -4)),
        ("lesion.site is not sacrum", Cells("lesion.site", "is not", "sacrum")),
        ("lesion.site in [sacrum,ilium ]", Cells("lesion.site", "in", "sacrum, ilium")),
        ("lesion.site not in [sacrum]", Cells("lesion.site", "not in", "sacrum")),
        ("not allergies includes pmma", Cells("allergies", "not includes", "pmma")),
        ("allergies includes any of [a, b]", Cells("allergies", "includes any of", "a, b")),
        ("since( last_dose.apixaban ) < 72 h", Cells("since(last_dose.apixaban)", "<", 72, "h")),
        ("days_since(last_dose.apixaban) >= 3", Cells("days_since(last_dose.apixaban)", "≥", 3)),
        ("blood.inr > site.inr_high_risk_limit", Cells("blood.inr", ">", "site.inr_high_risk_limit")),
        ("technique.position is prone", Cells("technique.position", "is", "prone")),
    ],
)
def test_a_criterion_in_cells(text: str, cells: Cells) -> None:
    assert split(text) == cells
    assert split(join(cells)[0]) == cells
    assert cells.operator in ("", *OPERATORS)


def test_cells_say_where_each_of_them_begins_in_the_line() -> None:
    text, begins = join(Cells("blood.platelets", "not <", 50, "G/L"))
    assert text == "not blood.platelets < 50 G/L"
    assert [text[begin:] for begin in begins] == ["blood.platelets < 50 G/L", "< 50 G/L", "50 G/L", "G/L"]


def test_every_criterion_of_the_rulebook_means_the_same_when_it_comes_back(
    book: Rulebook, files: dict[str, bytes], words: Words
) -> None:
    seen = 0
    for present in present_techniques(files).values():
        for key in ("indications", "favours", "contraindications"):
            for rule in present.data.get(key, []):
                for text in criteria(rule["when"]):
                    if not text.lstrip().startswith((">", "<", "=", "!")):
                        assert parse_criterion(join(split(text))[0], words) == parse_criterion(text, words)
                        seen += 1
    assert seen > 300


def test_rows_of_a_nested_condition() -> None:
    condition = {
        "all": ["pain.nrs >= 4", {"not": {"any": ["a", "not b"]}}, {"count_lesions": {"where": "a", "is": "> 3"}}]
    }
    assert list(lines(condition)) == [
        Line(0, "all", Cells("")),
        Line(1, "", Cells("pain.nrs", "≥", 4)),
        Line(1, "not", Cells("")),
        Line(2, "any", Cells("")),
        Line(3, "", Cells("a", "yes")),
        Line(3, "", Cells("b", "no")),
        Line(1, "count_lesions", Cells("", ">", 3)),
        Line(2, "", Cells("a", "yes")),
    ]


# ---- generated conditions --------------------------------------------------------------------------------------------


class Conditions:
    """Conditions in every form and spelling that a file may hold, over the real words."""

    def __init__(self, book: Rulebook, words: Words, random: Random) -> None:
        self.words = words
        self.items = list(book.vocabulary)
        self.random = random

    def space(self) -> str:
        return self.random.choice([" ", " ", " ", "  "])

    def criterion(self) -> str:
        """One that the loader takes: a unit may begin with a digit, and a value lie outside the plausible range."""
        while True:
            text = self.written()
            try:
                parse_criterion(text, self.words)
            except LanguageError:
                continue
            return text

    def written(self) -> str:
        random, s = self.random, self.space
        item = random.choice(self.items)
        sign = random.choice(["<", "<=", ">", ">=", "==", "!="])
        match item.type:
            case "flag":
                text = item.id
            case "choice":
                some = random.sample(list(item.choices), min(len(item.choices), random.randint(1, 3)))
                listed = f"[{random.choice([',', ', ', ' , ']).join(some)}]"
                text = random.choice(
                    [
                        f"{item.id}{s()}is {some[0]}",
                        f"{item.id} is{s()}not {some[0]}",
                        f"{item.id} in {listed}",
                        f"{item.id} not in{listed}",
                    ]
                )
            case "number":
                number = random.choice([f"{item.low:g}", f"{(item.low + item.high) / 2:.2f}", f"{item.high:.1f}"])
                glue = random.choice(["", " "])
                text = f"{item.id}{glue}{sign}{glue}{number}" + (
                    f"{s()}{random.choice([*item.units, item.unit])}" if item.unit else ""
                )
            case "moment":
                text = random.choice(
                    [f"since({item.id}) {sign} {random.randint(1, 90)}{glue}h" for glue in ("", " ")]
                    + [f"days_since( {item.id} ) {sign} 3"]
                )
            case "set":
                some = random.sample(list(item.choices), min(len(item.choices), 2))
                text = random.choice(
                    [f"{item.id} includes {some[0]}", f"{item.id} includes any of [{', '.join(some)}]"]
                )
        return f"not{self.space()}{text}" if random.random() < 0.2 else text

    def tree(self, depth: int, *, count: bool = True) -> Any:
        random = self.random
        kind = random.random()
        if depth == 0 or kind < 0.25:
            return self.criterion()
        if kind < 0.4:
            return {"not": self.tree(depth - 1, count=count)}
        if count and kind < 0.5:
            inner = self.tree(depth - 1, count=False)
            counted = {"where": inner, "is": random.choice(["> 3", ">=2", "==  0"])}
            return random.choice([{"any_lesion": inner}, {"every_lesion": inner}, {"count_lesions": counted}])
        parts = [self.tree(depth - 1, count=count) for _ in range(random.randint(1, 4))]
        return {random.choice(["all", "any"]): parts}


def as_rows(told: dict[str, list[Any]]) -> dict[str, list[Row]]:
    """Rows as they are read, without a file in between. A spreadsheet has one kind of number."""

    def cell(value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return {
        key: [
            Row(SHEETS[key], number, {name: cell(value) for name, value in row.items()}, dict.fromkeys(row, "A"))
            for number, row in enumerate(rows, 4)
        ]
        for key, rows in told.items()
    }


@cache
def at_hand() -> tuple[Rulebook, Words, Present]:
    """Asked for once: what Hypothesis is given it prints when a test fails, and a rulebook is large."""
    return rulebook(), words_of(rulebook()), present_techniques(rule_files(RULES))["sacroplasty"]


@given(seed=st.integers(0, 2**32))
@examples(40)
def test_any_condition_comes_back_as_it_was_written(seed: int) -> None:
    book, words, present = at_hand()
    random = seeded(seed)
    data = {**present.data, "contraindications": [dict(rule) for rule in present.data["contraindications"]]}
    for rule in data["contraindications"]:
        rule["when"] = Conditions(book, words, random).tree(4)
    told = technique_rows(present.file, present.digest, data, lambda line: CONTRAINDICATIONS.about)
    reading = Reading(as_rows(told), {"sacroplasty": Present(present.file, present.digest, data)})
    reading.read()
    assert reading.mistakes == []
    assert reading.files[present.file] == data
    # Told without what it was before, it still means the same.
    afresh = Reading(
        as_rows(told), {"sacroplasty": Present(present.file, present.digest, {**data, "contraindications": []})}
    )
    afresh.read()
    for rule, again in zip(data["contraindications"], afresh.files[present.file]["contraindications"], strict=True):
        assert meaning(again["when"], words) == meaning(rule["when"], words)


def meaning(condition: Any, words: Words) -> Node:
    return read_condition(condition, words, lambda path, error: None)
