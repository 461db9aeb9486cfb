"""Each faulty rulebook is found by the right tool with the right message, and the real one by none."""

from functools import cache

import pytest

from tests.workbench.defects.page import PAGE, page
from tests.workbench.defects.seeding import TOOLS, Bench, Defect, defects


@cache
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("defect", defects(), ids=str)
def test_the_defect_is_found(defect: Defect) -> None:
    draft = bench().seeded(defect)
    messages = bench().messages(defect, draft)
    assert defect.found_in(messages), messages


@pytest.mark.parametrize("defect", defects(), ids=str)
def test_the_real_rulebook_has_it_not(defect: Defect) -> None:
    assert defect.found_in(bench().messages(defect, bench().clean)) == []


def test_there_are_enough_of_every_kind() -> None:
    names = [str(defect) for defect in defects()]
    assert len(set(names)) == len(names) >= 34
    assert {defect.tool for defect in defects()} == set(TOOLS)


def test_the_page_is_up_to_date() -> None:
    """`python -m tests.workbench.defects` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
