"""No single value of the rulebook can be changed unnoticed: a sample at every run, all of them with `flask rules mutate`."""

from pathlib import Path

import pytest

from service.language.arithmetic import Constant, Operation, Variable
from service.language.tree import All, AnyOf, Flag, Member
from service.workbench.mutation.equivalence import simplified
from service.workbench.mutation.hunt import Report, sample, score, table
from service.workbench.mutation.hunter import Found, Hunter, Suite
from service.workbench.mutation.mutant import KINDS, Mutant, replaced
from service.workbench.mutation.nearby import cells

ROOT = Path(__file__).parents[2]
SUITE = Suite(ROOT / "rules", *(ROOT / "fixtures" / name for name in ("thresholds", "borderline", "referrals")))
SAMPLE, SEED, LEAST = 150, 2026, 0.99

PLATELETS = "bleeding.platelets-low"


@pytest.fixture(scope="module")
def hunter() -> Hunter:
    return Hunter(SUITE)


@pytest.fixture(scope="module")
def mutants(hunter: Hunter) -> list[Mutant]:
    return hunter.mutants()


@pytest.fixture(scope="module")
def place(hunter: Hunter):
    """Where a rule of the topic on bleeding stands in its file."""
    entries = hunter.remaker.documents["safety/bleeding.yaml"][1].data["rules"]

    def place(rule: str) -> tuple[str, int, str]:
        return "rules", next(at for at, entry in enumerate(entries) if entry["id"] == rule), "when"

    return place


def of_platelets(place, value) -> Mutant:
    return Mutant("threshold", "safety/bleeding.yaml", 1, PLATELETS, place(PLATELETS), value, "by hand")


def test_a_sample_of_mutants_is_caught_or_proved_the_same(hunter: Hunter, mutants: list[Mutant]) -> None:
    report = Report()
    for mutant in sample(mutants, SAMPLE, SEED):
        report.add(mutant, hunter.found(mutant))
    survivors = "\n".join(f"{found.fate}: {mutant}" for mutant, found in report.survivors)
    assert report.score >= LEAST, f"{table(report)}\n{survivors}"


def test_every_kind_of_mutation_is_made(mutants: list[Mutant]) -> None:
    assert {mutant.kind for mutant in mutants} == set(KINDS)


@pytest.mark.parametrize("kind", ["threshold", "strictness", "direction", "severity"])
def test_every_rule_with_a_limit_or_a_severity_is_mutated(hunter: Hunter, mutants: list[Mutant], kind: str) -> None:
    mutated = {mutant.owner for mutant in mutants if mutant.kind == kind}
    rules = hunter.rulebook.rules.values()
    against = {rule.id for rule in rules if rule.claim == "contraindicates"}
    assert mutated >= (against if kind == "severity" else {PLATELETS, "score.sins"})


def test_the_same_sample_for_the_same_seed(mutants: list[Mutant]) -> None:
    assert sample(mutants, 40, 7) == sample(mutants, 40, 7)
    assert sample(mutants, 40, 7) != sample(mutants, 40, 8)


def test_an_unmutated_rule_is_not_caught(hunter: Hunter) -> None:
    """The tables must speak against mutants, not against whatever is read through the hunter."""
    for name, (kind, document) in hunter.remaker.documents.items():
        for section in ("rules", "favours", "contraindications", "impossible"):
            for at, entry in enumerate(document.data.get(section) or []):
                same = Mutant("threshold", name, 1, entry["id"], (section, at, "when"), entry["when"], "nothing")
                assert list(hunter.wrong(same)) == [], kind


def test_a_mutant_that_does_not_load_is_refused_not_caught(hunter: Hunter, place) -> None:
    assert hunter.found(of_platelets(place, "blood.platelets < 50 kg")).fate == "refused"


def test_an_equivalent_spelling_is_proved_the_same(hunter: Hunter, place) -> None:
    assert hunter.found(of_platelets(place, {"not": "blood.platelets >= 50 G/L"})).fate == "equivalent"


def test_what_the_tables_do_not_notice_is_shown_with_a_patient(hunter: Hunter, place, monkeypatch) -> None:
    """A hole in the tables: here they are taken away. The patient has fewer platelets than one limit asks, not the other."""
    mutant = of_platelets(place, "blood.platelets < 45 G/L")
    assert hunter.found(mutant).fate == "tables"
    monkeypatch.setattr(hunter, "wrong", lambda mutant: iter(()))
    monkeypatch.setattr(hunter, "wrong_referral", lambda mutant: False)
    found = hunter.found(mutant)
    assert found.fate == "survived"
    assert found.witness is not None
    given = found.witness["patient"]["blood.platelets"]
    assert 45 <= (given["value"] if isinstance(given, dict) else given) < 50


def test_whole_referrals_notice_what_the_tables_do_not(hunter: Hunter, place, monkeypatch) -> None:
    """Two of them are enough here: all take seconds for each mutant."""
    few = {name: case for name, case in hunter._cases.items() if name.startswith("platelets-")}
    assert few
    monkeypatch.setitem(vars(hunter), "_cases", few)
    assert hunter.wrong_referral(of_platelets(place, "blood.platelets < 5 G/L"))
    assert not hunter.wrong_referral(of_platelets(place, "blood.platelets < 50 G/L"))


def test_a_score_spelt_otherwise_is_proved_the_same_and_one_with_other_points_is_not(hunter: Hunter) -> None:
    name = "scores/sins.yaml"
    rows = hunter.remaker.documents[name][1].data["components"][0]["rows"]
    spelt = [*rows[:-1], {"points": rows[-1]["points"], "when": {"any": [rows[-1]["when"], rows[-1]["when"]]}}]
    heavier = [*rows[:-1], {**rows[-1], "points": rows[-1]["points"] + 1}]
    keys = ("components", 0, "rows")
    for changed, answer in ((spelt, "proved"), (heavier, "refuted")):
        proof = hunter.proof(Mutant("score points", name, 1, "score.sins", keys, changed, "by hand"))
        assert proof is not None
        assert proof.answer == answer


def test_what_is_impossible_is_never_called_proved(hunter: Hunter, mutants: list[Mutant]) -> None:
    """The prover takes for granted that it never holds, so that any condition would pass for it."""
    of_impossible = [mutant for mutant in mutants if mutant.file == "impossible.yaml"]
    assert of_impossible
    assert all(hunter.proof(mutant) is None for mutant in of_impossible[:5])


def test_a_property_of_the_technique_is_compared_at_each_limit(hunter: Hunter, mutants: list[Mutant]) -> None:
    changed = next(m for m in mutants if m.kind == "threshold" and m.what.startswith("technique.duration > 90 min → "))
    proof = hunter.proof(changed)
    assert proof is not None
    assert proof.answer == "refuted"
    assert cells(iter([45.0, 90.0])) == (44.0, 45.0, 67.5, 90.0, 91.0)


def test_the_score_leaves_out_what_is_proved_the_same_and_what_does_not_load() -> None:
    report = Report()
    mutant = Mutant("threshold", "a.yaml", 1, "a", (), None, "by hand")
    for fate in ("tables", "tables", "referrals", "equivalent", "refused", "survived"):
        report.add(mutant, Found(fate))
    assert report.score == pytest.approx(3 / 4)
    report.add(mutant, Found("undecided"))
    assert score(report.total()) == pytest.approx(3 / 5)
    assert [found.fate for _, found in report.survivors] == ["survived", "undecided"]


def test_what_the_tables_catch_the_prover_refutes(hunter: Hunter, mutants: list[Mutant]) -> None:
    """Were it to prove such a mutant the same, it would hide holes in the tables: each has a patient who differs."""
    kinds = ("threshold", "strictness", "direction", "criterion dropped", "score points")
    telling = [mutant for mutant in mutants if mutant.kind in kinds and mutant.file != "impossible.yaml"]
    asked = 0
    for mutant in sample(telling, 30, SEED):
        proof = hunter.proof(mutant)
        if proof is not None and next(hunter.wrong(mutant), None) is not None:
            assert proof.answer == "refuted", mutant
            asked += 1
    assert asked > 20


def test_products_and_divisions_by_one_are_taken_out() -> None:
    dose, one = Variable("dose"), Constant(1.0)
    assert simplified(Operation("*", one, Operation("/", dose, one))) == dose
    assert simplified(Operation("/", one, dose)) == Operation("/", one, dose)
    assert simplified(Operation("+", dose, one)) == Operation("+", dose, one)


def test_replacing_leaves_the_original_alone() -> None:
    data = {"rules": [{"id": "a", "when": "x"}, {"id": "b", "when": "y"}]}
    assert replaced(data, ("rules", 1, "when"), "z")["rules"][1] == {"id": "b", "when": "z"}
    assert data["rules"][1] == {"id": "b", "when": "y"}


def test_the_command_reports_and_says_by_its_exit_whether_enough_are_caught(app, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    asked = ["rules", "mutate", "--of", PLATELETS, "--kind", "threshold", "--jobs", "1"]
    result = app.test_cli_runner().invoke(args=asked)
    assert result.exit_code == 0
    assert "threshold" in result.stdout
    assert "100.0%" in result.stdout
    nothing = app.test_cli_runner().invoke(args=["rules", "mutate", "--of", "no-such-rule"])
    assert nothing.exit_code == 1
    assert "nothing to change" in nothing.stderr


def test_a_survivor_ends_the_command_with_1_and_is_listed(app, monkeypatch, tmp_path) -> None:
    """A suite whose table lost the cases at its limit, and whose referrals are none."""
    monkeypatch.chdir(ROOT)
    tables = tmp_path / "thresholds"
    tables.mkdir()
    for path in SUITE.tables.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        blunt = text.replace(
            "yes: [{blood.platelets: 49}]\n    no: [{blood.platelets: 50}]", "no: [{blood.platelets: 90}]"
        )
        (tables / path.name).write_text(blunt, encoding="utf-8")
    cases = tmp_path / "cases"
    cases.mkdir()
    asked = ["--of", PLATELETS, "--kind", "threshold", "--jobs", "2", "--tables", tables, "--cases", cases]
    result = app.test_cli_runner().invoke(
        args=["rules", "mutate", *map(str, asked), "--survivors", str(tmp_path / "s")]
    )
    assert result.exit_code == 1
    assert "survived" in result.stdout
    assert "judged otherwise" in result.stdout
    assert "below 99.0%" in result.stderr
    assert '"witness": {' in (tmp_path / "s").read_text(encoding="utf-8")


def test_conditions_that_differ_only_for_nobody_are_the_same(hunter: Hunter) -> None:
    """A word that a neighbouring criterion says already, and one that it does not."""
    pair = hunter.rulebook.vocabulary["lesion.site"].choices
    one, other, third, *_ = pair
    flag = Flag("lesion.fracture")
    member = Member("lesion.site", (one,))
    said_twice = AnyOf((Member("lesion.site", (one, other)), All((Member("lesion.site", (other,)), flag))))
    once = Member("lesion.site", (one, other))
    assert hunter._equivalence.of_conditions(once, said_twice).answer == "proved"
    assert hunter._equivalence.of_conditions(member, Member("lesion.site", (one, third))).answer == "refuted"
