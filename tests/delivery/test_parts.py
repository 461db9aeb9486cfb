"""The list of parts (script/sbom) holds every pin and is valid; script/advisories never takes silence for a no."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.strategies import ROOT
from tests.test_requirements import locked


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("sbom") / "sbom.json"
    run = subprocess.run([ROOT / "script/sbom", target], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return target.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sbom(written: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written)
    return found


def test_it_is_valid(written: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written.replace('"library"', '"libary"', 1)) is not None


def test_it_holds_every_pin_of_the_runtime_and_nothing_else(sbom: dict[str, Any]) -> None:
    found = {
        part["purl"].removeprefix("pkg:pypi/").replace(".", "-", part["purl"].partition("@")[0].count("."))
        for part in sbom["components"]
        if part["purl"].startswith("pkg:pypi/")
    }
    assert found == {f"{name}@{version}" for name, version in locked("requirements.lock")}


def test_each_part_has_the_digests_of_the_lock_and_a_licence(sbom: dict[str, Any]) -> None:
    digests = {
        name: {each.removeprefix("--hash=sha256:") for each in found}
        for (name, _), found in locked("requirements.lock").items()
    }
    for part in sbom["components"]:
        assert part.get("licenses"), part["name"]
        if part["purl"].startswith("pkg:pypi/"):
            name = part["name"].lower().replace("_", "-").replace(".", "-")
            (files,) = part["externalReferences"]
            assert {each["content"] for each in files["hashes"]} == digests[name]


def test_it_names_the_script_that_browsers_get(sbom: dict[str, Any]) -> None:
    (htmx,) = (part for part in sbom["components"] if part["purl"].startswith("pkg:npm/htmx.org@"))
    assert htmx["version"] in (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")


def test_it_says_what_needs_what(sbom: dict[str, Any]) -> None:
    needs = {each["ref"].partition("==")[0]: each["dependsOn"] for each in sbom["dependencies"]}
    root = needs[sbom["metadata"]["component"]["bom-ref"]]
    assert any(ref.startswith("durable_rules==") for ref in root)
    assert any(ref.startswith("Jinja2==") for ref in needs["Flask"])
    reached, new = set(root), set(root)
    while new:
        new = {ref for each in sbom["dependencies"] if each["ref"] in new for ref in each["dependsOn"]} - reached
        reached |= new
    assert {part["bom-ref"] for part in sbom["components"]} - reached == set(), "a pin that nothing needs"


NONE = {"name": "a", "version": "1", "vulns": []}
KNOWN = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([NONE], 0, "none known of 1 packages"),
        ([NONE, KNOWN], 1, "b 2: PYSEC-2026-1; mended in 3"),
        ([NONE, SKIPPED], 3, "could not be looked up for 1 of 2 packages"),
        ([KNOWN, SKIPPED], 1, "b 2: PYSEC-2026-1; mended in 3"),
        ([], 3, "could not be looked up for any package"),
        (None, 3, "could not be looked up for any package"),
    ],
)
def test_silence_is_not_a_no(tmp_path: Path, packages: Any, code: int, said: str) -> None:
    report = tmp_path / "report.json"
    report.write_text("" if packages is None else json.dumps({"dependencies": packages}), encoding="utf-8")
    run = subprocess.run([ROOT / "script/advisories", "--report", report], capture_output=True, text=True)
    assert (run.returncode, said in run.stdout + run.stderr) == (code, True)
