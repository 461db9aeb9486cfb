"""Each lint finds what it is for, where it stands; and holds its peace about what only looks like it."""

import pytest

from service.rulebook.lints import LINTS
from service.rulebook.source import rule_files
from tests.fixtures.reading import RULES
from tests.rulebook.lints.cases import CASES, Case, cases, remarks, small, spoilt
from tests.rulebook.lints.page import PAGE, page


def test_the_small_rulebook_is_without_a_remark() -> None:
    assert remarks(small()) == ()


@pytest.mark.parametrize("case", cases("fails"), ids=str)
def test_what_is_wrong_is_found_where_it_stands(case: Case) -> None:
    files = spoilt(case.edits)
    found = [each for each in remarks(files) if each.lint == case.lint and case.data["says"] in each.message]
    assert [(each.file, True) for each in found] == [
        (each.file, case.data["at"] in files[each.file].decode().splitlines()[each.line - 1]) for each in found
    ]
    assert case.data["file"] in {each.file for each in found}
    assert {each.grade for each in found} == {each.grade for each in LINTS if each.id == case.lint}


@pytest.mark.parametrize("case", cases("passes"), ids=str)
def test_what_only_looks_wrong_is_left_alone(case: Case) -> None:
    assert [str(each) for each in remarks(spoilt(case.edits)) if each.lint == case.lint] == []


def test_every_lint_has_cases_and_every_case_a_lint() -> None:
    names = [each.id for each in LINTS]
    assert len(set(names)) == len(names)
    assert sorted(names) == sorted(path.stem for path in CASES.glob("*.yaml"))
    for kind in ("fails", "passes"):
        assert {case.lint for case in cases(kind)} == set(names)


def test_the_real_rulebook_holds_no_fault() -> None:
    assert [str(each) for each in remarks(rule_files(RULES)) if each.grade == "fault"] == []


def test_the_page_is_up_to_date() -> None:
    """`python -m tests.rulebook.lints` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
