"""Every rule says what its case table says, on either side of every threshold and for every word."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.language.kleene import NO, UNKNOWN, YES
from service.language.meaning import Meaning
from service.language.tree import Always
from service.language.vocabulary import Item
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from service.rulebook.load import load_rulebook
from service.workbench.borderline.approved import approved_tables
from service.workbench.tables.patients import AT
from service.workbench.tables.plain import (
    described,
    expected_heads,
    expected_items,
    head_of,
    wrong_settings,
)
from service.workbench.tables.read import read_tables
from service.workbench.tables.verdicts import differences, wrong_bands, wrong_claims, wrong_points, wrong_verdicts

ROOT = Path(__file__).parents[2]
BOOK = load_rulebook(ROOT / "rules")
TABLES = read_tables(BOOK, ROOT / "fixtures" / "thresholds")
APPROVED = approved_tables(BOOK, ROOT / "fixtures" / "borderline")
MEANING = Meaning(BOOK.vocabulary, BOOK.scores)
#: a rule without a table, or a table without a rule, is told by one test and not by each
SPOKEN_OF = {name: rule for name, rule in BOOK.rules.items() if name in TABLES.rules}
IMPOSSIBLE = {entry.id: entry for entry in BOOK.impossible}
READER = ReferralReader(BOOK.vocabulary)
CASES = CaseMaker(BOOK)

AGEING = [item for item in BOOK.vocabulary if item.fresh_for is not None]
NUMBERS = [item for item in BOOK.vocabulary if item.type == "number"]


def by_id(items: list[Item]) -> Any:
    return pytest.mark.parametrize("item", items, ids=[item.id for item in items])


# ---- rules -----------------------------------------------------------------------------------------------------------


def test_every_rule_has_a_table_and_every_table_a_rule() -> None:
    assert TABLES.rules.keys() == BOOK.rules.keys()
    assert TABLES.impossible.keys() == IMPOSSIBLE.keys()
    assert TABLES.scores.keys() == BOOK.scores.keys()


@pytest.mark.parametrize("rule_id", sorted(SPOKEN_OF))
def test_the_rule_claims_and_decides_as_its_table_says(rule_id: str) -> None:
    rule, table = BOOK.rules[rule_id], TABLES.rules[rule_id]
    wrong = [*wrong_claims(rule, table), *wrong_verdicts(rule.when, table, MEANING)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("rule_id", sorted(name for name, rule in SPOKEN_OF.items() if rule.when != Always()))
def test_the_table_has_cases_on_both_sides_and_open_ones(rule_id: str) -> None:
    verdicts = Counter(example.verdict for example in TABLES.rules[rule_id].examples)
    assert verdicts[YES]
    assert verdicts[NO]
    # What a technique is like is known, so that a rule about nothing else is never open.
    about_the_patient = any(example.situation.known for example in TABLES.rules[rule_id].examples)
    assert verdicts[UNKNOWN] or not about_the_patient


@pytest.mark.parametrize("name", sorted(TABLES.impossible))
def test_what_is_impossible_is_refused_and_nothing_beside_it(name: str) -> None:
    wrong = list(wrong_verdicts(IMPOSSIBLE[name].when, TABLES.impossible[name], MEANING))
    assert not wrong, "\n".join(wrong)


def test_the_rules_still_say_what_the_committee_approved() -> None:
    """What fails here was approved with `flask rules borderline`: the same command asks about it again."""
    assert APPROVED.keys() <= BOOK.rules.keys(), "rules are gone"
    wrong = [
        text
        for rule_id, tables in APPROVED.items()
        for table in tables
        for text in wrong_verdicts(BOOK.rules[rule_id].when, table, MEANING)
    ]
    assert not wrong, "\n".join(wrong)


# ---- scores ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(TABLES.scores))
def test_the_score_gives_the_points_of_its_publication(name: str) -> None:
    score = BOOK.scores[name]
    wrong = [*wrong_points(score, TABLES.scores[name], MEANING), *wrong_bands(score, TABLES.bands[name])]
    assert not wrong, "\n".join(wrong)


# ---- techniques, settings --------------------------------------------------------------------------------------------


def test_every_technique_is_what_the_table_says() -> None:
    found = {technique.id: head_of(technique) for technique in BOOK.techniques.values()}
    wrong = list(differences(found, expected_heads(TABLES.plain["techniques"]), "technique"))
    assert not wrong, "\n".join(wrong)


def test_settings_checklist_ranking_and_session_are_as_decided() -> None:
    wrong = list(wrong_settings(BOOK, TABLES))
    assert not wrong, "\n".join(wrong)


# ---- vocabulary ------------------------------------------------------------------------------------------------------


def test_freshness_ranges_and_units_are_as_the_table_says() -> None:
    found = {item.id: described(item) for item in BOOK.vocabulary if described(item)}
    wrong = list(differences(found, expected_items(TABLES.plain["vocabulary"]), "vocabulary"))
    assert not wrong, "\n".join(wrong)


def known(item: Item, given: Any) -> Any:
    """The value of the item in the case made of a referral that gives nothing else, or None when it is unknown."""
    data: dict[str, Any] = {"recorded_at": AT.isoformat(), "patient": {}, "lesions": [{"id": "one"}]}
    (data["patient"] if item.scope == "patient" else data["lesions"][0])[item.id] = given
    case = CASES.make(READER.read(data), AT)
    facts = case.patient if item.scope == "patient" else case.lesions[0].facts
    return facts.known.get(item.id)


def some_value(item: Item) -> Any:
    match item.type:
        case "flag":
            return True
        case "choice":
            return next(iter(item.choices))
        case "number":
            return item.low
        case _:
            return AT.isoformat()


def given(item: Item, on: str) -> Any:
    if item.type == "set":
        return {"items": [], "complete": True, "date": on}
    value = some_value(item)
    return {"value": on if item.type == "moment" else value, "date": on}


@by_id(AGEING)
def test_a_value_is_known_up_to_its_limit_and_unknown_after(item: Item) -> None:
    limit = timedelta(hours=item.fresh_for or 0)
    assert known(item, given(item, (AT - limit).isoformat())) is not None
    assert known(item, given(item, (AT - limit - timedelta(minutes=1)).isoformat())) is None
    # When only the day is given, calendar days count: blood taken a week ago today is a week old.
    if limit >= timedelta(days=1):
        day = AT.date() - limit
        assert known(item, given(item, day.isoformat())) is not None
        assert known(item, given(item, (day - timedelta(days=1)).isoformat())) is None


@by_id(NUMBERS)
def test_the_ends_of_the_range_are_accepted_and_one_step_further_is_refused(item: Item) -> None:
    for end, beyond in ((item.low, item.low - item.step), (item.high, item.high + item.step)):
        assert known(item, end) == pytest.approx(end)
        with pytest.raises(ReferralError):
            known(item, beyond)


@by_id([item for item in NUMBERS if item.units])
def test_every_accepted_unit_converts_by_its_factor(item: Item) -> None:
    middle = (item.low + item.high) / 2
    for unit, factor in item.units.items():
        assert known(item, {"value": middle / factor, "unit": unit}) == pytest.approx(middle, rel=1e-6)
