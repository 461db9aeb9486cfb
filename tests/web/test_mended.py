"""Faults of the running service, and of several versions in it, that were found and mended, each pinned."""

import resource
from pathlib import Path

import pytest

from service.bundle.serve import load
from service.rulebook.source import rule_files
from service.web import create_app
from tests.publishing import changed, published
from tests.serving import serving


def test_a_version_that_cannot_serve_is_not_loaded_again_for_everybody_who_asks(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt takes a worker some seconds, in which no clinician is answered."""
    good = published(rule_files(root / "rules")).bundle
    files = rule_files(root / "rules")
    other = changed(files, "safety/bleeding.yaml", "< 50 G/L", "< 45 G/L")
    (tmp_path / "a.bundle").write_bytes(good)
    (tmp_path / "b.bundle").write_bytes(published(other, "1.1.0").bundle)
    visitor = create_app(
        {"RULES": tmp_path / "a.bundle", "ALSO_SERVE": [tmp_path / "b.bundle"], "TESTING": True}
    ).test_client()
    visitor.get("/readyz")
    tried = []

    def failing(path: Path, trusted: Path | None):
        tried.append(path)
        raise MemoryError

    now = [1_000.0]
    monkeypatch.setattr("service.web.state.serve.load", failing)
    monkeypatch.setattr("service.web.state.time.monotonic", lambda: now[0])
    for _ in range(10):
        assert visitor.get("/v1/rulebooks/1.1.0/rulebook").status_code == 503
        now[0] += 30
    assert tried == [tmp_path / "b.bundle"]
    monkeypatch.setattr("service.web.state.serve.load", load)
    now[0] += 600
    assert visitor.get("/v1/rulebooks/1.1.0/rulebook").status_code == 200


def children(pid: int) -> list[int]:
    """Those of every thread of it."""
    return [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


def test_no_process_that_holds_a_referral_leaves_its_memory_on_the_disk(root: Path, tmp_path: Path) -> None:
    settings = {"INDICATION_SHADOW": str(root / "rules"), "INDICATION_STORE": str(tmp_path / "store")}
    before = resource.getrlimit(resource.RLIMIT_CORE)
    if before[1] == 0:
        pytest.skip("no process here may leave its memory on the disk")
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        with serving(root, root / "rules", tmp_path / "log", settings=settings) as server:
            (worker,) = children(server.process.pid)
            server.wait_until(lambda: bool(children(worker)))
            for pid in (worker, *children(worker)):
                assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
