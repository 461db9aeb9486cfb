"""Published versions: served as one, side by side, and in the dark."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.rulebook.source import rule_files
from service.web import create_app
from service.web.shadow import pages, runner
from service.web.shadow.compare import Decided
from service.web.shadow.runner import Shadow
from tests.publishing import Signer, changed, published, signer
from tests.serving import Server, serving

ROUTE = "/v1/recommendations?at=2026-11-23T09:00:00%2B01:00"
LOOSER = "/v1/rulebooks/1.1.0/recommendations?at=2026-11-23T09:00:00%2B01:00"
HEADERS = {"Content-Type": "application/json", "Accept-Language": "en"}
#: the technique whose limit of platelets differs between the versions
TECHNIQUE = "vertebroplasty"
#: what makes every adult impossible
_NEVER = """
  - id: impossible.anybody
    when: patient.age >= 18 y
    because: {fr: "Personne.", en: "Nobody."}
"""


class Library:
    """1.0.0; 1.1.0 with another limit of platelets; 1.2.0 signed by somebody else; 3.0.0, which refuses the self-test."""

    def __init__(self, root: Path, home: Path) -> None:
        self.ours = signer(home / "ours")
        theirs = signer(home / "theirs")
        files = rule_files(root / "rules")
        looser = changed(files, "safety/bleeding.yaml", "blood.platelets < 50 G/L", "blood.platelets < 30 G/L")
        self.first = self.written(home / "1.0.0.bundle", files, "1.0.0", self.ours)
        self.looser = self.written(home / "also" / "1.1.0.bundle", looser, "1.1.0", self.ours)
        self.fake = self.written(home / "fake" / "1.2.0.bundle", looser, "1.2.0", theirs)
        never = files["impossible.yaml"].decode().rstrip() + _NEVER
        self.broken = self.written(
            home / "3.0.0.bundle", {**files, "impossible.yaml": never.encode()}, "3.0.0", self.ours
        )
        self.keys = self.ours.public.parent

    @staticmethod
    def written(path: Path, files: dict[str, bytes], number: str, by: Signer) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(published(files, number, by.key).bundle)
        return path


@pytest.fixture(scope="module")
def library(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(root, tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def served(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(
        {
            "RULES": library.first,
            "BUNDLE_KEYS": library.keys,
            "ALSO_SERVE": [library.looser, library.broken, library.fake, library.keys],
            "SHADOW": library.looser,
            "STORE": tmp_path_factory.mktemp("store") / "store.sqlite",
            "TESTING": True,
        }
    )
    yield app
    pages.of(app).close()


@pytest.fixture
def visitor(served: Flask) -> FlaskClient:
    return served.test_client()


@pytest.fixture
def thin(referral: dict[str, Any]) -> bytes:
    """A referral that the two versions answer otherwise."""
    referral["patient"]["blood.platelets"] = 40
    return json.dumps(referral).encode()


def statuses(body: bytes) -> dict[str, str]:
    lesion = json.loads(body)["lesions"][0]
    return {option["technique"]: option["status"] for option in lesion["options"]}


# ---- in one process ----------------------------------------------------------------------------------------------


def test_a_bundle_is_served_and_says_who_signed_it(visitor: FlaskClient, library: Library) -> None:
    told = visitor.get("/v1/rulebook").json
    assert (told["version"], told["status"], told["approved_by"]) == ("1.0.0", "approved", ["A. First", "B. Second"])
    signed = {"date": "2026-11-25", "grade": "first", "follows": None, "signature": "verified", "key": library.ours.id}
    assert told["published"] == signed
    ready = visitor.get("/readyz").json
    assert ready["rulebook"] == {
        "name": told["name"],
        "version": "1.0.0",
        "status": "approved",
        "digest": told["digest"],
        "published": signed,
    }


def test_rules_in_a_folder_are_told_as_such(client: FlaskClient) -> None:
    assert client.get("/v1/rulebook").json["published"] is None
    assert client.get("/readyz").json["beside"] == {"versions": [], "errors": []}
    assert client.get("/readyz").json["shadow"] is None
    assert client.get("/v1/rulebooks/shadow").json == {"shadow": None}
    (only,) = client.get("/v1/rulebooks").json["rulebooks"]
    assert (only["in_service"], only["published"]) == (True, None)


def test_the_versions_are_listed(visitor: FlaskClient, library: Library) -> None:
    told = visitor.get("/v1/rulebooks").json
    assert [(each["version"], each["in_service"]) for each in told["rulebooks"]] == [
        ("1.0.0", True),
        ("1.1.0", False),
        ("3.0.0", False),
    ]
    assert all(each["published"]["key"] == library.ours.id for each in told["rulebooks"])
    fake, folder = told["errors"][:2]
    assert fake.startswith(f"{library.fake}: signed with the key ")
    assert "not trusted here" in fake
    assert folder.startswith(f"{library.keys}: ")
    assert visitor.get("/readyz").json["beside"] == {"versions": ["1.1.0", "3.0.0"], "errors": told["errors"]}


def kept(response: TestResponse) -> dict[str, str]:
    """The headers, but for those that name this one request and this one decision."""
    return {name: text for name, text in response.headers.items() if name not in ("X-Request-Id", "Indication-Record")}


def test_each_version_decides_by_its_own_rules(visitor: FlaskClient, thin: bytes) -> None:
    main = visitor.post(ROUTE, data=thin, headers=HEADERS)
    own = visitor.post(ROUTE.replace("/v1/", "/v1/rulebooks/1.0.0/"), data=thin, headers=HEADERS)
    other = visitor.post(LOOSER, data=thin, headers=HEADERS)
    assert main.status_code == own.status_code == other.status_code == 200
    assert main.data == own.data
    assert kept(main) == kept(own)
    assert statuses(main.data)[TECHNIQUE] == "deferred"
    assert statuses(other.data)[TECHNIQUE] != "deferred"
    assert other.json["rulebook"]["version"] == "1.1.0"
    assert other.headers["Indication-Rulebook"].endswith(" 1.1.0")
    summary = visitor.get("/v1/rulebooks/1.1.0/rulebook").json
    assert summary["digest"] == other.headers["Indication-Rulebook-Digest"]
    assert visitor.get("/v1/rulebooks/1.0.0/rulebook").json == visitor.get("/v1/rulebook").json


def test_the_contract_is_the_same(visitor: FlaskClient, thin: bytes, is_problem: Callable[..., Any]) -> None:
    is_problem(visitor.post(LOOSER, data=b"{", headers=HEADERS), 400)
    is_problem(visitor.post(LOOSER + "&x=1", data=thin, headers=HEADERS), 400)
    is_problem(visitor.post(LOOSER, data=thin, headers={"Content-Type": "text/plain"}), 415)
    is_problem(visitor.post(LOOSER, data=b'{"a": 1}', headers=HEADERS), 422)
    text = visitor.post(LOOSER + "&trace=full", data=thin, headers={**HEADERS, "Accept": "text/plain"})
    assert text.content_type == "text/plain; charset=utf-8"
    is_problem(visitor.get(LOOSER), 405)


@pytest.mark.parametrize("version", ["1.2.0", "9.9.9", "..", "1.0", "shadow"])
def test_a_version_that_is_not_served(visitor: FlaskClient, thin: bytes, version: str, is_problem: Any) -> None:
    """Neither an unknown one, nor one that was signed by somebody else."""
    answer = visitor.post(f"/v1/rulebooks/{version}/recommendations", data=thin, headers=HEADERS)
    if version != "..":
        assert "served: 1.0.0, 1.1.0, 3.0.0" in is_problem(answer, 404)["detail"]
    assert answer.status_code == 404


def test_a_version_that_cannot_serve_harms_no_other(visitor: FlaskClient, thin: bytes, is_problem: Any) -> None:
    """It loads, is signed by us, and cannot decide the self-test."""
    is_problem(visitor.post("/v1/rulebooks/3.0.0/recommendations", data=thin, headers=HEADERS), 503)
    is_problem(visitor.get("/v1/rulebooks/3.0.0/rulebook"), 503)
    assert "the self-test referral is refused" in visitor.get("/v1/rulebooks").json["errors"][-1]
    ready = visitor.get("/readyz")
    assert ready.status_code == 200
    assert "the self-test referral is refused" in ready.json["beside"]["errors"][-1]
    assert visitor.post(ROUTE, data=thin, headers=HEADERS).status_code == 200


@pytest.mark.parametrize("kind", ["folder", "fake", "missing"])
def test_only_signed_bundles_where_keys_are_named(library: Library, root: Path, kind: str, is_problem: Any) -> None:
    rules, said = {
        "folder": (root / "rules", "only bundles signed by a trusted key are served here"),
        "fake": (library.fake, "not trusted here"),
        "missing": (root / "none.bundle", "only bundles signed by a trusted key are served here"),
    }[kind]
    visitor = create_app({"RULES": rules, "BUNDLE_KEYS": library.keys, "TESTING": True}).test_client()
    ready = visitor.get("/readyz")
    assert ready.status_code == 503
    (error,) = ready.json["errors"]
    assert said in error
    is_problem(visitor.post("/v1/recommendations", json={}), 503)


# ---- the shadow --------------------------------------------------------------------------------------------------


def wait(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_shadow_counts_and_changes_no_byte(
    visitor: FlaskClient, library: Library, thin: bytes, referral: dict[str, Any]
) -> None:
    without = create_app({"RULES": library.first, "BUNDLE_KEYS": library.keys, "TESTING": True}).test_client()
    visitor.get("/v1/rulebooks/shadow")
    wait(lambda: visitor.get("/v1/rulebooks/shadow").json["shadow"]["state"] == "running")
    before = visitor.get("/v1/rulebooks/shadow").json["shadow"]["counts"]["compared"]
    referral["patient"]["blood.platelets"] = 200
    plenty = json.dumps(referral).encode()
    for body in (thin, plenty):
        with_, alone = (each.post(ROUTE, data=body, headers=HEADERS) for each in (visitor, without))
        assert with_.data == alone.data
        assert kept(with_) == kept(alone)
    # A referral that is refused has no answer to compare with.
    assert visitor.post(ROUTE, data=b"{}", headers=HEADERS).status_code == 422
    lines = b"\n".join((thin, b"{", thin))
    batch = ROUTE.replace("?", "/batch?")
    many = {**HEADERS, "Content-Type": "application/x-ndjson"}
    assert visitor.post(batch, data=lines, headers=many).data == without.post(batch, data=lines, headers=many).data

    wait(lambda: visitor.get("/v1/rulebooks/shadow").json["shadow"]["counts"]["compared"] >= before + 4)
    counted = visitor.get("/v1/rulebooks/shadow").json["shadow"]
    assert counted["rulebook"]["version"] == "1.1.0"
    assert counted["against"]["version"] == "1.0.0"
    assert counted["counts"]["compared"] == before + 4
    assert counted["counts"]["statuses"] == before + 3
    assert counted["counts"]["same"] == 1
    assert counted["counts"]["failed"] == counted["counts"]["refused"] == 0
    moved = {each["technique"]: each for each in counted["statuses"]}
    assert moved[TECHNIQUE]["from"] == "deferred"
    assert moved[TECHNIQUE]["count"] >= 3
    # Counts, techniques and statuses: no value, no name of a lesion, no moment.
    told = json.dumps(counted)
    for private in ("40", "G/L", "2026-11-2", "L2", "breast"):
        assert private not in told.replace(counted["rulebook"]["digest"], "").replace(counted["against"]["digest"], "")


def decided(served: Flask, body: bytes) -> Decided:
    answer = served.test_client().post(ROUTE, data=body, headers=HEADERS).json
    return Decided(body, datetime.fromisoformat("2026-11-23T09:00:00+01:00"), answer)


def test_a_shadow_that_hangs_is_never_waited_for(
    library: Library, served: Flask, thin: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process says that it is ready, and then reads nothing."""
    hangs = tmp_path / "python"
    hangs.write_text('#!/bin/sh\necho \'{"errors": [], "rulebook": {"digest": "x"}}\'\nexec sleep 60\n')
    hangs.chmod(0o755)
    monkeypatch.setattr(runner.sys, "executable", str(hangs))
    monkeypatch.setattr(runner, "CLOSE_SECONDS", 0.2)
    shadow = Shadow(library.looser, None, lambda: tmp_path / "store.sqlite")
    job = decided(served, thin)
    large = Decided(job.body + b" " * 200_000, job.at, job.answer)
    began = time.monotonic()
    for _ in range(runner.MOST_WAITING + 20):
        shadow.offer(large)
    assert time.monotonic() - began < 1.0
    assert shadow._lost["dropped"] >= 10
    shadow.close()


@pytest.mark.parametrize("program", ["exit 3", "echo nonsense", "echo '{}'; exec sleep 60", "exec /nowhere/at/all"])
def test_a_shadow_that_cannot_run(
    library: Library, served: Flask, thin: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\n{program}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(runner.sys, "executable", str(broken))
    shadow = Shadow(library.looser, None, lambda: tmp_path / "store.sqlite")
    job = decided(served, thin)
    shadow.offer(job)
    wait(lambda: shadow.standing == "stopped")
    wait(lambda: shadow._lost["failed"] >= 1)
    told = shadow.told()
    assert told is not None
    assert told["errors"]
    shadow.offer(job)
    shadow.close()


def test_the_store_that_cannot_be_opened_is_the_shadows_trouble(library: Library, served: Flask, thin: bytes) -> None:
    def nowhere() -> Path:
        raise PermissionError("not this user's alone")

    shadow = Shadow(library.looser, None, nowhere)
    shadow.offer(decided(served, thin))
    wait(lambda: shadow.standing == "stopped")
    shadow.close()


def test_a_shadow_that_is_not_signed_is_not_run(library: Library, served: Flask, thin: bytes, tmp_path: Path) -> None:
    shadow = Shadow(library.fake, library.keys, lambda: tmp_path / "store.sqlite")
    shadow.offer(decided(served, thin))
    wait(lambda: shadow.standing == "stopped")
    assert "not trusted here" in shadow.errors[0]
    shadow.close()


# ---- as it runs --------------------------------------------------------------------------------------------------


def test_a_server_of_bundles(library: Library, root: Path, tmp_path: Path, thin: bytes) -> None:
    current, keys, also = tmp_path / "current.bundle", tmp_path / "keys", tmp_path / "also"
    shutil.copy(library.first, current)
    shutil.copytree(library.keys, keys)
    also.mkdir()
    shutil.copy(library.looser, also)
    settings = {
        "INDICATION_BUNDLE_KEYS": str(keys),
        "INDICATION_ALSO_SERVE": str(also),
        "INDICATION_SHADOW": str(library.looser),
        "INDICATION_STORE": str(tmp_path / "store.sqlite"),
    }
    with serving(root, current, tmp_path / "log", settings=settings) as server:
        before = server.ready()
        assert before["rulebook"]["published"]["key"] == library.ours.id
        assert before["beside"] == {"versions": ["1.1.0"], "errors": []}
        _, answer = server.ask("POST", ROUTE, thin, HEADERS)
        assert statuses(answer)[TECHNIQUE] == "deferred"
        status, other = server.ask("POST", LOOSER, thin, HEADERS)
        assert (status, json.loads(other)["rulebook"]["version"]) == (200, "1.1.0")

        server.wait_until(lambda: _shadow(server)["counts"]["compared"] >= 1)
        for _ in range(4):
            assert server.ask("POST", ROUTE, thin, HEADERS) == (200, answer)
        server.wait_until(lambda: _shadow(server)["counts"]["compared"] == 5)
        assert _shadow(server)["counts"]["statuses"] == 5

        # One byte of one rule: refused, told, and nothing changes.
        data = current.read_bytes()
        at = data.index(b"blood.platelets < 50 G/L")
        current.write_bytes(data[:at] + data[at:].replace(b"50", b"10", 1))
        _refused(server, before, "current.bundle: ")
        assert server.ask("POST", ROUTE, thin, HEADERS) == (200, answer)

        # The next version, published by us: taken.
        shutil.copy(library.looser, current)
        server.reload()
        server.wait_until(lambda: server.log.read_text().count("rules taken") > 1)
        server.wait_until(lambda: server.ready()["rulebook"]["version"] == "1.1.0")
        log = server.log.read_text()
    for private in ("breast", "2026-11-23T09", "G/L"):
        assert private not in log


def _shadow(server: Server) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(server.ask("GET", "/v1/rulebooks/shadow")[1])["shadow"]
    return told


def _refused(server: Server, before: dict[str, Any], said: str) -> None:
    refusals = server.log.read_text().count("rules refused")
    server.reload()
    # The log, not /readyz, which decides a referral each time it is asked.
    server.wait_until(lambda: server.log.read_text().count("rules refused") > refusals)
    server.wait_until(lambda: any(said in line for line in server.ready()["last_reload"]["errors"]))
    ready = server.ready()
    assert ready["last_reload"]["taken"] is False
    assert ready["rulebook"] == before["rulebook"]
