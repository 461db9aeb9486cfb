"""The trace is the verdict: who sees only the trace derives the same statuses and the same order."""

import ast
import copy
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import trace_checker
from tests.strategies import FIXTURES, Sent, decider, examples, fixture, recommended, referrals, usable_fixtures
from tests.trace_checker import complaints


def told(sent: Sent, language: str = "fr") -> dict[str, Any]:
    """The full answer, as who receives it reads it."""
    answer = decider().decide(sent.data, sent.at, language, "full")
    received: dict[str, Any] = json.loads(json.dumps(answer))
    return received


@pytest.mark.parametrize("name", FIXTURES)
def test_every_verdict_of_a_fixture_follows_from_its_trace(name: str) -> None:
    if name in usable_fixtures():
        assert complaints(told(fixture(name), "en" if len(name) % 2 else "fr")) == []


@examples(30)
@given(referrals())
def test_every_verdict_of_a_generated_referral_follows_from_its_trace(sent: Sent) -> None:
    recommended(sent)
    assert complaints(told(sent)) == []


@pytest.mark.parametrize("item", ["aspiration.risk", "fasting.last_meal", "patient.cooperative"])
def test_what_is_still_to_be_verified_is_not_final(item: str) -> None:
    """Also when another mode would serve as well, so that nothing but the plan can still change."""
    provisional = 0
    for name in usable_fixtures()[::6]:
        sent = fixture(name)
        sent.data["patient"].pop(item, None)
        for lesion in decider().decide(sent.data, sent.at)["lesions"]:
            for option in lesion["options"]:
                provisional += option["status"] == "provisional"
                if option["final"]:
                    assert option["possible"] == [option["status"]], (name, option["technique"])
    assert provisional, "nothing was left to be verified: choose another item"


def test_the_checker_knows_nothing_of_the_service() -> None:
    tree = ast.parse(Path(trace_checker.__file__).read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= sys.stdlib_module_names


# ---- the checker can complain ----------------------------------------------------------------------------------------

OTHER = {"no": "yes", "yes": "unknown", "unknown": "no"}


def _leaves(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for inner in trace_checker.nodes(node):
        if "criterion" in inner:
            yield inner


def _some_leaf(answer: dict[str, Any], has: str) -> dict[str, Any]:
    return next(
        leaf
        for lesion in answer["lesions"]
        for rule in lesion["rules"].values()
        for leaf in _leaves(rule["criteria"])
        if has in leaf and "score" not in leaf
    )


def _option(answer: dict[str, Any], status: str = "") -> dict[str, Any]:
    found: dict[str, Any] = next(
        option for option in answer["lesions"][0]["options"] if status in ("", option["status"])
    )
    return found


def _first_rule(answer: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = next(iter(answer["lesions"][0]["rules"].values()))
    return rule


def _leaf_verdict(answer: dict[str, Any]) -> None:
    leaf = _some_leaf(answer, "value")
    leaf["verdict"] = OTHER[leaf["verdict"]]


def _rule_verdict(answer: dict[str, Any]) -> None:
    rule = _first_rule(answer)
    rule["verdict"] = OTHER[rule["verdict"]]


def _limit(answer: dict[str, Any]) -> None:
    leaf = next(
        leaf
        for rule in answer["lesions"][0]["rules"].values()
        for leaf in _leaves(rule["criteria"])
        if leaf.get("operator") == ">=" and "value" in leaf and leaf["verdict"] == "no"
    )
    leaf["limit"] = leaf["value"]


def _unknown_taken_for_no(answer: dict[str, Any]) -> None:
    leaf = _some_leaf(answer, "unknown")
    leaf["verdict"] = "no"


def _status(answer: dict[str, Any]) -> None:
    _option(answer, "undetermined")["status"] = "eligible"


def _mode_status(answer: dict[str, Any]) -> None:
    mode = _option(answer)["anaesthesia"][0]
    mode["status"] = "excluded"


def _final(answer: dict[str, Any]) -> None:
    option = _option(answer)
    option["final"] = not option["final"]


def _possible(answer: dict[str, Any]) -> None:
    _option(answer, "undetermined")["possible"].pop()


def _order(answer: dict[str, Any]) -> None:
    options = answer["lesions"][0]["options"]
    options[0], options[1] = options[1], options[0]


def _modes_swapped(answer: dict[str, Any]) -> None:
    modes = _option(answer)["anaesthesia"]
    modes[0], modes[1] = modes[1], modes[0]


def _key(answer: dict[str, Any]) -> None:
    _option(answer)["keys"]["cautions"] += 1


def _argument_dropped(answer: dict[str, Any]) -> None:
    option = _option(answer, "excluded")
    option["arguments"].pop("excluding", None)
    option["arguments"].pop("alerts", None)
    for kind in ("anaesthesia", "guidance"):
        for mode in option[kind]:
            mode["arguments"].pop("excluding", None)


def _argument_of_another_kind(answer: dict[str, Any]) -> None:
    option = next(option for option in answer["lesions"][0]["options"] if "excluding" in option["arguments"])
    option["arguments"]["cautions"] = option["arguments"].pop("excluding")


def _question_withheld(answer: dict[str, Any]) -> None:
    _option(answer, "undetermined")["questions"].pop()


def _open_item_withheld(answer: dict[str, Any]) -> None:
    rule = next(rule for rule in answer["lesions"][0]["rules"].values() if rule["verdict"] == "unknown")
    rule["open"].clear()


def _if_badly(answer: dict[str, Any]) -> None:
    _option(answer, "undetermined")["if_badly"] = "eligible"


def _score_total(answer: dict[str, Any]) -> None:
    leaf = next(
        leaf
        for rule in answer["lesions"][0]["rules"].values()
        for leaf in _leaves(rule["criteria"])
        if "points" in leaf
    )
    leaf["total"][1] += 1


TAMPERINGS: list[Callable[[dict[str, Any]], None]] = [
    _leaf_verdict,
    _rule_verdict,
    _limit,
    _unknown_taken_for_no,
    _status,
    _mode_status,
    _final,
    _possible,
    _order,
    _modes_swapped,
    _key,
    _argument_dropped,
    _argument_of_another_kind,
    _question_withheld,
    _open_item_withheld,
    _if_badly,
    _score_total,
]


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    """One in which much is unknown and something excluded."""
    sent = fixture("seed-typical-patient")
    sent.data["patient"]["patient.refuses_surgery"] = True
    sent.data["patient"]["blood.fixed_coagulopathy"] = True
    whole = told(sent)
    assert complaints(whole) == []
    return whole


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__.strip("_"))
def test_the_checker_complains_of_an_answer_that_was_tampered_with(
    tamper: Callable[[dict[str, Any]], None], answer: dict[str, Any]
) -> None:
    tampered = copy.deepcopy(answer)
    tamper(tampered)
    assert tampered != answer
    assert complaints(tampered)


@examples(12)
@given(st.randoms(use_true_random=False))
def test_a_verdict_changed_anywhere_in_the_trace_is_seen(answer: dict[str, Any], random: Any) -> None:
    tampered = copy.deepcopy(answer)
    rules = tampered["lesions"][0]["rules"]
    node = random.choice(list(trace_checker.nodes(rules[random.choice(sorted(rules))]["criteria"])))
    node["verdict"] = OTHER[node["verdict"]]
    assert complaints(tampered)
