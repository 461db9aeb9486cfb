"""The shadow's own process: it counts what it is given, and one referral cannot hold it for long."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from service.web.shadow import process
from service.web.shadow.compare import subject, summary
from service.web.store import Store

#: a decider that is lost in C code, where no exception reaches it
HANGS = """
import io, json, sys
from pathlib import Path
from types import SimpleNamespace
from service.web.store import Store
from service.web.shadow import process

process.DECIDE_SECONDS = 0.2
hanging = SimpleNamespace(
    rulebook=SimpleNamespace(digest="new"), decide_json=lambda *_: (9 ** 9 ** 8) and None
)
job = {"served": "old", "at": "2026-11-23T09:00:00+01:00", "answer": {}, "length": 2, "lost": {}}
process.serve(hanging, Store(Path(sys.argv[1])), io.BytesIO(json.dumps(job).encode() + b"\\n{}"))
"""


def jobs(answer, body, *losses):
    written = b""
    for lost in losses:
        head = {
            "served": "old",
            "at": "2026-11-23T09:00:00+01:00",
            "answer": summary(answer),
            "length": len(body),
            "lost": lost,
        }
        written += json.dumps(head).encode() + b"\n" + body
    return io.BytesIO(written)


def test_it_counts_what_it_is_given(app, referral, at, tmp_path):
    decider = app.extensions["indication"].desk().decider
    body = json.dumps(referral).encode()
    answer = decider.decide_json(body, at)
    store = Store(tmp_path / "store.sqlite")
    process.serve(decider, store, jobs(answer, body, {}, {"dropped": 3}))
    other = {**answer, "alerts": [{"rule": "another"}]}
    process.serve(decider, store, jobs(other, body, {}))
    counts = store.tallied(subject("old", decider.rulebook.digest))
    assert counts == {"compared": 3, "same": 2, "alerts": 1, "dropped": 3}
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_what_was_not_counted_stops_nothing(app, referral, at, caplog):
    decider = app.extensions["indication"].desk().decider
    body = json.dumps(referral).encode()

    class Broken:
        def tally(self, *_):
            raise OSError("disk full")

    process.serve(decider, Broken(), jobs(decider.decide_json(body, at), body, {}, {}))
    assert [record.getMessage() for record in caplog.records] == ["shadow: cannot count: OSError"] * 2


def test_a_referral_that_takes_too_long_ends_it(root: Path, tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-c", HANGS, str(tmp_path / "store.sqlite")],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
        check=False,
    )
    assert run.returncode == -signal.SIGALRM


def test_rules_that_do_not_load_are_told(root: Path, tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-m", "service.web.shadow.process", str(tmp_path / "none"), str(tmp_path / "store.sqlite")],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert json.loads(run.stdout) == {"errors": [f"{tmp_path}/none:1:1: no such directory"]}
    assert run.stderr == ""
