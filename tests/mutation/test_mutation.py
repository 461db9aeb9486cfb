"""No single value of the rulebook can be changed unnoticed: a sample at every run, all of them with `script/mutate`."""

import pytest

from tests.mutation.__main__ import main, sample, table
from tests.mutation.hunt import Hunter, Report
from tests.mutation.mutants import KINDS, Mutant, replaced

SAMPLE, SEED, LEAST = 150, 2026, 0.9


@pytest.fixture(scope="module")
def hunter() -> Hunter:
    return Hunter()


@pytest.fixture(scope="module")
def mutants(hunter: Hunter) -> list[Mutant]:
    return hunter.mutants()


def test_a_sample_of_mutants_is_caught(hunter: Hunter, mutants: list[Mutant]) -> None:
    report = Report()
    for mutant in sample(mutants, SAMPLE, SEED):
        report.add(mutant, hunter.fate(mutant))
    survivors = "\n".join(f"{fate}: {mutant}" for mutant, fate in report.survivors)
    assert report.share >= LEAST, f"{table(report)}\n{survivors}"


def test_every_kind_of_mutation_is_made(mutants: list[Mutant]) -> None:
    assert {mutant.kind for mutant in mutants} == set(KINDS)


@pytest.mark.parametrize("kind", ["threshold", "strictness", "direction", "severity"])
def test_every_rule_with_a_limit_or_a_severity_is_mutated(hunter: Hunter, mutants: list[Mutant], kind: str) -> None:
    mutated = {mutant.owner for mutant in mutants if mutant.kind == kind}
    rules = hunter.rulebook.rules.values()
    against = {rule.id for rule in rules if rule.claim == "contraindicates"}
    assert mutated >= (against if kind == "severity" else {"bleeding.platelets-low", "score.sins"})


def test_the_same_sample_for_the_same_seed(mutants: list[Mutant]) -> None:
    assert sample(mutants, 40, 7) == sample(mutants, 40, 7)
    assert sample(mutants, 40, 7) != sample(mutants, 40, 8)


def test_an_unmutated_rule_is_not_caught(hunter: Hunter) -> None:
    """The tables must speak against mutants, not against whatever is read through the hunter."""
    kind, document = hunter.documents["safety/bleeding.yaml"]
    for at, entry in enumerate(document.data["rules"]):
        same = Mutant("threshold", document.name, 1, entry["id"], ("rules", at, "when"), entry["when"], "nothing")
        assert list(hunter.wrong(same)) == [], kind


def test_a_mutant_that_does_not_load_is_refused_not_caught(hunter: Hunter) -> None:
    place = ("rules", 2, "when")
    mutant = Mutant(
        "threshold", "safety/bleeding.yaml", 1, "bleeding.platelets-low", place, "blood.platelets < 50 kg", "unit"
    )
    assert hunter.fate(mutant) == "refused"


def test_an_equivalent_spelling_is_told_apart_from_a_change(hunter: Hunter) -> None:
    place = ("rules", 2, "when")
    spelt = {"not": "blood.platelets >= 50 G/L"}
    mutant = Mutant(
        "negation", "safety/bleeding.yaml", 1, "bleeding.platelets-low", place, spelt, "the other way round"
    )
    assert hunter.fate(mutant) == "same"


def test_replacing_leaves_the_original_alone() -> None:
    data = {"rules": [{"id": "a", "when": "x"}, {"id": "b", "when": "y"}]}
    assert replaced(data, ("rules", 1, "when"), "z")["rules"][1] == {"id": "b", "when": "z"}
    assert data["rules"][1] == {"id": "b", "when": "y"}


def test_the_command_reports_and_says_by_its_exit_whether_enough_are_caught(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--of", "bleeding.platelets-low", "--jobs", "1"]
    assert main(asked) == 0
    assert "threshold" in capsys.readouterr().out
    assert main([*asked, "--least", "1.01"]) == 1
