"""What is counted of two answers to one referral."""

from collections import Counter

import pytest

from service.recommend.judge import Disagreement
from service.referral.complaints import ReferralError
from service.run.adapter import EngineError
from service.web.shadow.compare import KINDS, compared, summary, told
from service.web.shadow.process import counted
from service.web.store import Store


def answer(options, alerts=()):
    """An answer about one lesion, with no more than is compared."""
    return {
        "alerts": [{"rule": rule} for rule in alerts],
        "lesions": [{"id": "L2", "options": [{"technique": name, "status": status} for name, status in options]}],
    }


OLD = answer([("a", "eligible"), ("b", "deferred"), ("c", "excluded")], ["cord"])


@pytest.mark.parametrize(
    ("new", "counts"),
    [
        (OLD, {"compared": 1, "same": 1}),
        (
            answer([("b", "eligible"), ("a", "eligible"), ("c", "excluded")], ["cord"]),
            {"compared": 1, "first_option": 1, "first/a/b": 1, "statuses": 1, "status/b/deferred/eligible": 1},
        ),
        (
            answer([("a", "eligible"), ("c", "excluded"), ("d", "eligible")], ["cord"]),
            {"compared": 1, "statuses": 1, "status/b/deferred/-": 1, "status/d/-/eligible": 1},
        ),
        # The same options in another order further down: the first one is the same.
        (answer([("a", "eligible"), ("c", "excluded"), ("b", "deferred")], ["cord"]), {"compared": 1, "same": 1}),
        (answer([("a", "eligible"), ("b", "deferred"), ("c", "excluded")]), {"compared": 1, "alerts": 1}),
    ],
)
def test_kinds(new, counts):
    assert compared(summary(OLD), summary(new)) == Counter(counts)


def test_several_lesions_are_one_referral():
    old, new = ({**each, "lesions": []} for each in (OLD, OLD))
    for name in ("L2", "L3"):
        old["lesions"] = [*old["lesions"], {**OLD["lesions"][0], "id": name}]
        new["lesions"] = [*new["lesions"], {"id": name, "options": [{"technique": "a", "status": "deferred"}]}]
    found = compared(summary(old), summary(new))
    assert (found["compared"], found["statuses"], found["status/a/eligible/deferred"]) == (1, 1, 2)


def test_the_order_of_alerts_is_no_difference():
    old, new = answer([], ["x", "y"]), answer([], ["y", "x"])
    assert compared(summary(old), summary(new))["same"] == 1


def test_as_it_is_shown():
    shown = told({"compared": 5, "first/a/b": 1, "first/b/a": 3, "status/c/eligible/deferred": 2})
    assert shown["counts"] == {**dict.fromkeys(KINDS, 0), "compared": 5}
    assert shown["first_options"] == [{"from": "b", "to": "a", "count": 3}, {"from": "a", "to": "b", "count": 1}]
    assert shown["statuses"] == [{"technique": "c", "from": "eligible", "to": "deferred", "count": 2}]


class Stumbling:
    def __init__(self, error):
        self.error = error

    def decide_json(self, *_):
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ReferralError([]), "refused"),
        (Disagreement(["x"]), "failed"),
        (EngineError("x"), "failed"),
        (ZeroDivisionError(), "failed"),
        (RecursionError(), "failed"),
    ],
)
def test_a_shadow_that_stumbles_is_counted(error, kind, at):
    assert counted(Stumbling(error), summary(OLD), b"{}", at) == Counter({kind: 1})


def test_counts_are_added_up_for_all_processes(tmp_path):
    one, other = Store(tmp_path / "store.sqlite"), Store(tmp_path / "store.sqlite")
    one.tally("shadow x y", Counter({"compared": 2, "same": 1, "failed": 0}))
    other.tally("shadow x y", Counter({"compared": 1, "alerts": 1}))
    other.tally("shadow x z", Counter({"compared": 7}))
    assert one.tallied("shadow x y") == {"compared": 3, "same": 1, "alerts": 1}
    assert one.tallied("nothing") == {}
