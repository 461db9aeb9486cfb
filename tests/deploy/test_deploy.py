"""The files of deploy/: each judged by a validator that is not ours, and their settings by the service's own reader."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.clients.file import read_file
from service.settings.exposure import refusal
from service.settings.read import FILE, read
from service.settings.table import SETTINGS
from service.web import create_app
from tests.serving import serving
from tests.strategies import ROOT

DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "indication.service").read_text(encoding="utf-8")
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COMPOSE_TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
MANIFESTS = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
}
KINDS = {manifest["kind"]: manifest for manifest in MANIFESTS.values()}
POD = KINDS["Deployment"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
#: variables that are neither settings nor ours
FOREIGN = {"PGPASSFILE", "PGPASSWORD", "PYTHONDONTWRITEBYTECODE"}


def may_listen(found: Mapping[str, Any]) -> bool:
    """Whether the service starts where these settings have it listen: beyond this machine, so everything must ask."""
    assert found["server.host"] == "0.0.0.0"  # noqa: S104 - what the file says
    return refusal(found, [f"{found['server.host']}:{found['server.port']}"]) is None


def seconds(pattern: str, text: str) -> int:
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None
    return int(found[1])


GRACE = seconds(r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8"))


def of_settings(variables: Mapping[str, str]) -> None:
    """Raises, or fails, where a variable is no setting or has a value that cannot be used."""
    known = {setting.variable for setting in SETTINGS.values()} | FOREIGN | {FILE}
    assert set(variables) <= known
    read({name: value for name, value in variables.items() if name != FILE})


# ---- systemd --------------------------------------------------------------------------------------------------------


def analyzed(folder: Path, text: str, *command: str) -> subprocess.CompletedProcess[str]:
    """systemd-analyze over the unit, with this project in the place of /opt/indication."""
    unit = folder / "indication.service"
    unit.write_text(
        text.replace("/opt/indication/.venv/bin/python", sys.executable).replace("/opt/indication", str(ROOT))
    )
    run = ["systemd-analyze", "--man=no", *command, str(unit)]
    return subprocess.run(
        run, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "SYSTEMD_LOG_TARGET": "console"}
    )


def test_the_unit_is_right(tmp_path: Path) -> None:
    run = analyzed(tmp_path, UNIT, "verify")
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    wrong = analyzed(tmp_path, UNIT.replace("ProtectSystem=strict", "ProtectSystm=strict"), "verify")
    assert "ProtectSystm" in wrong.stderr


def test_the_unit_exposes_little(tmp_path: Path) -> None:
    """systemd's own score, in tenths: 0 is best, 96 a service without a word about it."""
    judge = ("security", "--offline=true", "--no-pager", "--threshold=15")
    assert analyzed(tmp_path, UNIT, *judge).returncode == 0
    assert analyzed(tmp_path, UNIT.replace("CapabilityBoundingSet=\n", ""), *judge).returncode != 0


def test_the_unit_allows_what_the_master_calls() -> None:
    """gunicorn.conf.py calls os.chown, if only to the user it is already: without it the server would not start."""
    filters = re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE)
    calls_chown = "os.chown(" in (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8")
    assert filters == ["@system-service", "~@privileged", *(["@chown"] if calls_chown else [])]


def test_the_unit_waits_for_the_last_request() -> None:
    assert seconds(r"^TimeoutStopSec=(\d+)", UNIT) > GRACE


def test_the_unit_names_settings_that_exist() -> None:
    (line,) = re.findall(r"^Environment=(.*)$", UNIT, re.MULTILINE)
    of_settings(dict(word.split("=", 1) for word in line.split()))


@pytest.mark.parametrize(
    ("prefix", "warned"),
    [
        ("/root/.pyenv/versions/3.11.7", True),
        ("/home/portal/.local/share/uv/python/cpython-3.12", True),
        ("/root", True),
        ("/usr", False),
        ("/opt/root/python", False),
        ("/rootless/python", False),
    ],
)
def test_a_python_that_the_unit_hides_is_warned_of(prefix: str, warned: bool) -> None:
    assert "ProtectHome=yes" in UNIT
    functions = re.findall(
        r"^(?:say\(\) .*?|warn_of_home\(\) \{$.*?^)\}$",
        (ROOT / "script/setup").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    run = ["bash", "-euc", "\n".join([*functions, "venv=.venv", 'warn_of_home "$1"']), "setup", prefix]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stderr
    assert (f"runs on the Python in {prefix}" in told) == warned
    assert bool(told) == warned


# ---- container ------------------------------------------------------------------------------------------------------


def linted(path: Path) -> str:
    command = [Path(sys.executable).parent / "hadolint", "--no-color", "--failure-threshold", "style", path]
    run = subprocess.run(command, capture_output=True, text=True)
    return run.stdout + run.stderr


def test_the_container_file_is_right(tmp_path: Path) -> None:
    assert linted(DEPLOY / "Containerfile") == ""
    wrong = tmp_path / "Containerfile"
    wrong.write_text(CONTAINERFILE.replace("FROM debian:bookworm-slim AS build", "FROM debian:latest AS build"))
    assert "DL3007" in linted(wrong)


def test_the_container_is_asked_where_its_settings_say_that_it_listens() -> None:
    """A file of settings may name another port than the environment, which names none."""
    (command,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.*?\])$", CONTAINERFILE, re.MULTILINE | re.DOTALL)
    assert yaml.safe_load(command) == ["python", "-m", "service.settings.asking"]


def copied() -> Iterator[str]:
    """What the container file copies from the project."""
    for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE):
        yield from line.split()[:-1]


def test_the_container_runs_as_nobody_and_without_curl() -> None:
    assert re.findall(r"^USER (.*)$", CONTAINERFILE, re.MULTILINE)[-1] == "10001:10001"
    assert not re.search(r"\b(curl|wget)\b", re.sub(r"(?m)^#.*$", "", CONTAINERFILE))
    assert ":latest" not in CONTAINERFILE


def test_the_builder_is_sent_what_is_copied_and_no_more() -> None:
    sent = re.findall(r"^!(.*)$", (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sent) == sorted(copied())


def test_what_is_copied_suffices(tmp_path: Path) -> None:
    """The service starts and decides from the copied files alone; the packages are those of this environment."""
    there = tmp_path / "image"
    for name in copied():
        source, target = ROOT / name, there / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    body = (ROOT / "docs/seed-patient.json").read_bytes()
    with serving(there, there / "rules", tmp_path / "log") as server:
        asked = server.ask("POST", "/v1/recommendations", body, {"Content-Type": "application/json"})
        assert (asked[0], server.ask("GET", "/")[0]) == (200, 200)


# ---- compose --------------------------------------------------------------------------------------------------------


def test_the_compose_file_is_right(tmp_path: Path) -> None:
    judge = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    run = subprocess.run([*judge, DEPLOY / "compose.yaml"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE_TEXT.replace("read_only: true", "readonly: true"))
    assert subprocess.run([*judge, wrong], capture_output=True).returncode == 1


def test_compose_publishes_on_loopback_alone() -> None:
    published = [port for each in COMPOSE["services"].values() for port in each.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_compose_holds_no_password() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service["environment"].items():
            assert "PASSWORD" not in name or name.endswith("_FILE"), name
            assert "://" not in value
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_settings_of_compose_are_good() -> None:
    of_settings(COMPOSE["services"]["indication"]["environment"])
    found = read({FILE: str(DEPLOY / "etc/settings.yaml")})
    assert may_listen(found)
    assert not may_listen(found | {"access.api": "open"})
    assert not found["access.exposed"]
    assert re.search(
        rf"@database/{COMPOSE['services']['database']['environment']['POSTGRES_DB']}$", found["audit.store"]
    )


def test_a_file_that_an_editor_replaced_is_seen_in_the_container() -> None:
    """A single file that is mounted stays the one that it was: a key that was taken out would stay valid after a reload."""
    mounted = dict(volume.split(":")[:2] for volume in COMPOSE["services"]["indication"]["volumes"])
    from_here = {source: target for source, target in mounted.items() if source.startswith(".")}
    assert from_here == {"./etc": "/etc/indication"}
    assert (DEPLOY / "etc").is_dir()
    settings = COMPOSE["services"]["indication"]["environment"]["INDICATION_SETTINGS"]
    assert (DEPLOY / "etc" / Path(settings).name).is_file()


def test_the_secrets_of_compose_are_for_nobody_else(tmp_path: Path) -> None:
    """What the head has somebody type, typed."""
    (typed,) = re.findall(r"^#   (\(umask 077$.*?\))$", COMPOSE_TEXT, re.MULTILINE | re.DOTALL)
    typed = typed.replace("\n# ", "\n")
    subprocess.run(["bash", "-euc", f"umask 022; {typed}"], cwd=tmp_path, check=True)
    made = {f"./{path.relative_to(tmp_path)}": path for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o600}
    password = (tmp_path / "secrets/database-password").read_text()
    assert len(password) > 30
    assert (tmp_path / "secrets/pgpass").read_text() == f"database:5432:indication:indication:{password}\n"


def test_a_first_key_is_made_before_there_is_a_file_of_clients() -> None:
    environment = {FILE: str(DEPLOY / "etc/settings.yaml"), "FLASK_APP": "wsgi:app", "PATH": "/usr/bin:/bin"}
    command = [Path(sys.executable).parent / "flask", "clients", "key", "portal"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert '- name: "portal"' in run.stdout


def test_compose_waits_for_the_last_request_and_for_the_database() -> None:
    service = COMPOSE["services"]["indication"]
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACE
    assert service["depends_on"]["database"]["condition"] == "service_healthy"
    assert COMPOSE["services"]["database"]["healthcheck"]["test"]


# ---- Kubernetes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MANIFESTS)
def test_each_manifest_is_right(name: str) -> None:
    version = kubernetes_validate.latest_version()
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**MANIFESTS[name], "unheard": 1}, version, strict=True)


def test_the_parts_find_each_other() -> None:
    labels = KINDS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        KINDS["Deployment"]["spec"]["selector"]["matchLabels"],
        KINDS["Service"]["spec"]["selector"],
        KINDS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        KINDS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    (port,) = CONTAINER["ports"]
    assert KINDS["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    (allowed,) = KINDS["NetworkPolicy"]["spec"]["ingress"][0]["ports"]
    assert allowed["port"] == port["containerPort"]
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == set(volumes)
    assert volumes["configuration"]["configMap"]["name"] == KINDS["ConfigMap"]["metadata"]["name"]


def test_the_head_applies_every_manifest_into_one_namespace() -> None:
    head = (DEPLOY / "kubernetes/deployment.yaml").read_text(encoding="utf-8").partition("apiVersion")[0]
    assert set(re.findall(r"-f (\S+\.yaml)", head)) == set(MANIFESTS)
    typed = re.findall(r"kubectl (.*)$", head, re.MULTILINE)
    assert typed[0] == "create namespace indication"
    assert all(command.startswith("-n indication ") for command in typed[1:])
    assert "@database.indication.svc/" in KINDS["ConfigMap"]["data"]["settings.yaml"]


def test_a_changed_configmap_arrives_in_the_pods() -> None:
    assert not any({"subPath", "subPathExpr"} & set(mount) for mount in CONTAINER["volumeMounts"])


def test_one_pod_may_go_and_one_stays() -> None:
    assert 0 < KINDS["PodDisruptionBudget"]["spec"]["minAvailable"] < KINDS["Deployment"]["spec"]["replicas"]
    assert POD["terminationGracePeriodSeconds"] > GRACE


def test_probes_ask_addresses_that_exist() -> None:
    paths = {str(rule) for rule in create_app().url_map.iter_rules()}
    asked = {
        probe: CONTAINER[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert set(asked.values()) <= paths
    assert asked["livenessProbe"] == "/livez"
    # A database that is down makes a pod unready; it must never make Kubernetes kill all of them.
    assert asked["readinessProbe"] == "/readyz"
    probe = CONTAINER["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= seconds(
        r"^CHECK_SECONDS = (\d+)", (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8")
    )


def test_pods_can_do_little() -> None:
    assert POD["enableServiceLinks"] is False
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    held = CONTAINER["securityContext"]
    assert (held["readOnlyRootFilesystem"], held["allowPrivilegeEscalation"]) == (True, False)
    assert held["capabilities"] == {"drop": ["ALL"]}
    assert set(CONTAINER["resources"]) == {"requests", "limits"}
    assert not CONTAINER["image"].endswith((":latest", "indication"))


def test_settings_of_the_pods_are_good(tmp_path: Path) -> None:
    of_settings({each["name"]: each.get("value", "") for each in CONTAINER["env"]})
    for name, text in KINDS["ConfigMap"]["data"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = read({FILE: str(tmp_path / "settings.yaml")})
    assert found["server.port"] == CONTAINER["ports"][0]["containerPort"]
    assert may_listen(found)
    assert not may_listen(found | {"access.api": "open"})
    assert not found["access.exposed"]
    assert read_file(tmp_path / "clients.yaml")[1] == []


def test_secrets_come_from_a_secret() -> None:
    secret: dict[str, Any] = next(each for each in CONTAINER["env"] if each["name"] == "PGPASSWORD")
    assert set(secret["valueFrom"]) == {"secretKeyRef"}
    assert "Secret" not in KINDS
