"""docs/observing.md tells of every metric and every alert; the alerts speak of metrics that exist, and ring when they should."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from service.web import create_app
from service.web.metrics import counting
from tests.strategies import ROOT

ALERTS = "deploy/prometheus-alerts.yaml"
#: made when they are asked for (service/web/metrics/pages.py)
LOOKED_UP = {
    "indication_start_time_seconds",
    "indication_rules_refused",
    "indication_key_expires_timestamp_seconds",
    "indication_audit_spool_length",
    "indication_shadow_referrals_total",
}
#: script/setup dev puts it there where none is on PATH
_UNPACKED = ROOT / ".venv" / "tools" / "promtool"
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool") or (_UNPACKED if _UNPACKED.exists() else None)


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """Every metric, by its full name."""
    here = counting.meters_of(create_app())
    return LOOKED_UP | {
        family.name + ("_total" if family.type == "counter" else "") for family in here.registry.collect()
    }


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "observing.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def alerts(root: Path) -> list[dict]:
    (group,) = yaml.safe_load((root / ALERTS).read_text(encoding="utf-8"))["groups"]
    return group["rules"]


def test_every_metric_is_explained(metrics, page):
    assert set(re.findall(r"^\| `(indication_\w+)", page, re.MULTILINE)) == metrics


def test_every_metric_that_is_made_when_asked_for_is_named_above(root):
    code = (root / "service/web/metrics/pages.py").read_text(encoding="utf-8")
    assert set(re.findall(r'"(indication_\w+)"', code)) == {name.removesuffix("_total") for name in LOOKED_UP}


def test_every_alert_is_explained(alerts, page):
    told = dict(re.findall(r"^\| `(Indication\w+)` \| (\w+) \|", page, re.MULTILINE))
    assert {alert["alert"]: alert["labels"]["severity"] for alert in alerts} == told
    assert all({"summary", "description"} == alert["annotations"].keys() for alert in alerts)


def test_alerts_speak_of_metrics_that_exist(alerts, metrics):
    for alert in alerts:
        named = {name.removesuffix("_bucket") for name in re.findall(r"indication_\w+", alert["expr"])}
        assert named <= metrics, alert["alert"]
        assert named or "up{" in alert["expr"]


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool: script/setup dev fetches it")
@pytest.mark.parametrize(
    "what", [("check", ALERTS), ("test", "tests/web/observing/alerts.yaml")], ids=lambda what: what[0]
)
def test_they_ring_when_they_should(root, what):
    verb, file = what
    run = subprocess.run([PROMTOOL, verb, "rules", file], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
