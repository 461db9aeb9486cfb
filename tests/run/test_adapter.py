"""The adapter keeps the engine's known faults away from the service: durable-rules 2.0.28."""

import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import durable_rules_engine as engine
import pytest

from service.run import adapter
from service.run.adapter import MAX_BRANCHES, MAX_PROPERTIES, Branch, EngineError, Ruleset
from tests.strategies import ROOT, seeded


def ruleset() -> Ruleset:
    return Ruleset({"high": [(("dose", ">", 2.0),)], "low": [(("dose", "<=", 2.0),)], "odd": [(("kind", "!=", 1.0),)]})


@pytest.mark.parametrize(
    ("values", "conclusions"),
    [
        ({"dose": 3.0}, {"high"}),
        ({"dose": 2.0}, {"low"}),
        ({"dose": 3.0, "kind": 2.0}, {"high", "odd"}),
        ({"kind": 1.0}, set()),
        ({}, set()),
        ({"unheard_of": 1.0}, set()),
        ({"dose": 0.0000001}, {"low"}),
        ({"dose": 123456789012345680.0}, {"high"}),
        ({"dose": -0.0}, {"low"}),
    ],
)
def test_known_values_lead_to_conclusions_and_unknown_ones_to_none(
    values: dict[str, float], conclusions: set[str]
) -> None:
    assert ruleset().conclude(values) == conclusions


def test_names_with_dots_are_no_paths() -> None:
    rules = Ruleset({"a": [(("blood.platelets", "<", 50.0),)], "b": [(("blood.platelets:low", "<", 50.0),)]})
    assert rules.conclude({"blood.platelets": 40.0}) == {"a"}


def test_a_conclusion_with_several_branches_is_drawn_once() -> None:
    rules = Ruleset({"any": [(("a", "==", 1.0),), (("b", "==", 1.0),)]})
    assert rules.conclude({"a": 1.0, "b": 1.0}) == {"any"}


def test_more_branches_than_the_engine_bears_are_refused() -> None:
    branches: list[Branch] = [((f"p{at}", "==", 1.0),) for at in range(MAX_BRANCHES)]
    full = Ruleset({"all": branches})
    assert full.conclude({f"p{at}": 1.0 for at in range(MAX_BRANCHES)}) == {"all"}
    with pytest.raises(ValueError, match="branches"):
        Ruleset({"all": [*branches, (("q", "==", 1.0),)]})


def test_more_properties_than_one_fact_holds_are_refused() -> None:
    branch: Branch = tuple((f"p{at}", "==", 1.0) for at in range(MAX_PROPERTIES))
    assert Ruleset({"all": [branch]}).conclude({name: 1.0 for name, _, _ in branch}) == {"all"}
    with pytest.raises(ValueError, match="properties"):
        Ruleset({"all": [(*branch, ("q", "==", 1.0))]})


def test_every_branch_may_be_true_at_once_whatever_the_fact() -> None:
    """The engine's stack cannot overflow: the largest ruleset there may be, and facts that fulfil nearly all of it."""
    random = seeded(5)
    names = [f"p{at}" for at in range(30)]
    conclusions = {
        f"c{at}": [tuple((name, ">=", float(random.randint(0, 2))) for name in random.sample(names, 4))]
        for at in range(MAX_BRANCHES)
    }
    rules = Ruleset(conclusions)
    for _ in range(100):
        values = {name: float(random.randint(1, 3)) for name in names if random.random() < 0.9}
        expected = {
            name
            for name, (branch,) in conclusions.items()
            if all(test in values and values[test] >= limit for test, _, limit in branch)
        }
        assert rules.conclude(values) == expected


def test_after_a_failure_the_ruleset_serves_again() -> None:
    rules = ruleset()
    before = rules._handle
    with pytest.raises(EngineError):
        rules.conclude({"dose": float("nan")})
    assert rules._handle != before
    assert rules.conclude({"dose": 3.0, "kind": 2.0}) == {"high", "odd"}


FAILING = ("assert_fact", "start_action_for_state", "complete_and_start_action", "delete_state")


class Failing:
    """The engine, of which one call fails."""

    def __init__(self, call: str) -> None:
        self.call = call

    def __getattr__(self, name: str) -> Any:
        if name != self.call:
            return getattr(engine, name)

        def fail(*arguments: Any) -> Any:
            raise RuntimeError("planted")

        return fail


@pytest.mark.parametrize("call", FAILING)
def test_a_failure_of_any_call_is_an_engine_error_and_leaves_a_sound_ruleset(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = ruleset()
    built = Ruleset._build
    with monkeypatch.context() as patch:
        patch.setattr(adapter, "engine", Failing(call))
        # Only the answering fails; what the adapter builds anew is built with the sound engine.
        patch.setattr(Ruleset, "_build", _with_the_sound_engine(built))
        with pytest.raises(EngineError, match="planted"):
            rules.conclude({"dose": 3.0})
    assert rules.conclude({"dose": 1.0}) == {"low"}


def _with_the_sound_engine(build: Any) -> Any:
    def built(self: Ruleset) -> None:
        planted, adapter.engine = adapter.engine, engine
        try:
            build(self)
        finally:
            adapter.engine = planted

    return built


def test_a_code_that_is_no_success_is_an_engine_error(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = ruleset()

    class Refusing(Failing):
        def __getattr__(self, name: str) -> Any:
            return (lambda *arguments: (303, 1)) if name == "assert_fact" else getattr(engine, name)

    with monkeypatch.context() as patch:
        patch.setattr(adapter, "engine", Refusing(""))
        patch.setattr(Ruleset, "_build", _with_the_sound_engine(Ruleset._build))
        with pytest.raises(EngineError, match="303"):
            rules.conclude({"dose": 3.0})
    assert rules.conclude({"dose": 3.0}) == {"high"}


def in_a_process_of_its_own(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


def test_two_hundred_failures_one_after_the_other_do_not_crash_the_process() -> None:
    done = in_a_process_of_its_own(
        """
from service.run.adapter import EngineError, Ruleset
rules = Ruleset({"high": [(("dose", ">", 2.0),)], "low": [(("dose", "<=", 2.0),)]})
failures = 0
for turn in range(200):
    try:
        rules.conclude({"dose": float("nan")})
    except EngineError:
        failures += 1
    if turn % 50 == 0:
        assert rules.conclude({"dose": 3.0}) == {"high"}
assert failures == 200
for turn in range(1000):
    assert rules.conclude({"dose": float(turn % 5)}) == {"high" if turn % 5 > 2 else "low"}
print("served")
"""
    )
    assert (done.returncode, done.stdout.strip()) == (0, "served"), done.stderr[-500:]


def test_a_first_fact_that_leads_to_nothing_is_safe_whatever_the_memory_held() -> None:
    """The engine does not set the action of a new state; freeing it then frees a random address.

    `MALLOC_PERTURB_` makes the C library hand out memory that is not zero, so that the fault would show every time.
    """
    script = """
from service.run.adapter import Ruleset
for turn in range(20):
    rules = Ruleset({"high": [(("dose", ">", 2.0),)]})
    assert rules.conclude({"dose": 1.0}) == set()
    assert rules.conclude({"dose": 3.0}) == {"high"}
print("served")
"""
    done = in_a_process_of_its_own(script, MALLOC_PERTURB_="42")
    assert (done.returncode, done.stdout.strip()) == (0, "served"), done.stderr[-500:]


def test_rulesets_do_not_hear_of_one_another() -> None:
    first, second = ruleset(), ruleset()
    assert first._handle != second._handle
    answers = [(first if at % 2 else second).conclude({"dose": float(at % 5)}) for at in range(50)]
    assert all((a == {"high"}) == (at % 5 > 2) for at, a in enumerate(answers))
    names = [Ruleset({"a": [(("p", "==", 1.0),)]})._name for _ in range(3)]
    assert all(a != b for a, b in pairwise(names))
