"""Which change of the vocabulary breaks referrals that are sent today."""

import dataclasses

import pytest

from service.language.tree import Always
from service.language.vocabulary import Text
from service.rulebook.model import Impossible
from service.workbench.publish.payloads import refusals

PLATELETS, PAIN, SITE = "blood.platelets", "pain.nrs", "lesion.site"


def with_item(rulebook, name, **changes):
    items = dict(rulebook.vocabulary.items)
    items[name] = dataclasses.replace(items[name], **changes)
    return dataclasses.replace(rulebook, vocabulary=dataclasses.replace(rulebook.vocabulary, items=items))


def test_nothing_breaks_when_nothing_changes(rulebook):
    assert refusals(rulebook, rulebook) == []


def test_an_item_that_is_gone(rulebook):
    items = {name: item for name, item in rulebook.vocabulary.items.items() if name != PLATELETS}
    fewer = dataclasses.replace(rulebook, vocabulary=dataclasses.replace(rulebook.vocabulary, items=items))
    assert refusals(rulebook, fewer) == [f"{PLATELETS} is gone"]
    assert refusals(fewer, rulebook) == [], "a new item breaks nothing"


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        (PAIN, {"type": "flag"}, "was a number, is a flag"),
        (PAIN, {"scope": "patient"}, "is of the patient"),
        (PLATELETS, {"unit": "10*9/L"}, "was in G/L, is in 10*9/L"),
        (PLATELETS, {"units": {"G/L": 1.0}}, "no longer takes the unit"),
        (PLATELETS, {"units": {"G/L": 1.0, "10*9/L": 1.0, "/uL": 0.01}}, "converts /uL otherwise"),
        (PAIN, {"high": 9.0}, "was accepted from 0 to 10, is from 0 to 9"),
        (PAIN, {"low": 1.0}, "was accepted from 0 to 10, is from 1 to 10"),
    ],
)
def test_an_item_that_takes_less(rulebook, name, changes, said):
    old = with_item(rulebook, PAIN, scope="lesion")
    found = refusals(old, with_item(old, name, **changes))
    assert any(line.startswith(f"{name}: ") and said in line for line in found), found


def test_a_word_that_is_gone(rulebook):
    choices = {word: text for word, text in rulebook.vocabulary[SITE].choices.items() if word != "sacrum"}
    assert refusals(rulebook, with_item(rulebook, SITE, choices=choices)) == [f"{SITE}: no longer takes sacrum"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (PAIN, {"high": 12.0}),
        (PLATELETS, {"fresh_for": 24.0}),
        (PLATELETS, {"label": Text("a", "b")}),
        (PLATELETS, {"codes": {}}),
    ],
)
def test_what_breaks_nothing(rulebook, name, changes):
    assert refusals(rulebook, with_item(rulebook, name, **changes)) == []


def test_patients_who_are_called_impossible(rulebook):
    more = Impossible("impossible.nobody", Always(), Text("", ""), "patient")
    stricter = dataclasses.replace(rulebook, impossible=(*rulebook.impossible, more))
    assert refusals(rulebook, stricter) == ["impossible.nobody: is called impossible now"]
    assert refusals(stricter, rulebook) == []
