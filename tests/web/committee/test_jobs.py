"""The life of a long computation: known to every worker, one at a time, ended when nobody wants it, gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.web.committee.jobs import Busy, Jobs, Limits
from tests.web.committee.conftest import SLOW, command, ended, until

ORDER = {"task": "test", "file": "a.yaml", "text": "a draft", "rule": ""}
#: a child of its own, whose number it prints
WITH_CHILD = """
    import json, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(json.dumps({"progress": {"pid": child.pid}}), flush=True)
    time.sleep(600)
"""
Make = Callable[..., Jobs]


def gone(pid: int) -> bool:
    """Whether a process is no more, or only waits for its parent to hear of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def child_of(job) -> int:
    return until(lambda: (job.state().progress or {}).get("pid"))


def keeper_of(home: Path) -> int:
    """The number of the process that keeps a job of this folder."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                words = (path / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.endswith(b"keeper.py") for word in words) and any(str(home).encode() in word for word in words):
                return int(path.name)
    raise AssertionError("no keeper")


def test_a_computation_says_how_far_it_is_and_what_it_found(jobs_of: Make, home: Path) -> None:
    jobs = jobs_of("""
        import json, sys, time
        order = json.load(sys.stdin)
        print(json.dumps({"progress": {"done": 1, "of": 2}}), flush=True)
        time.sleep(0.5)
        print(json.dumps({"result": {"heard": order["text"], "more": order["more"]}}))
    """)
    job = jobs.start(ORDER, {"more": [1]})
    # As another worker would find it.
    same = Jobs(home=home).find(job.name)
    assert same is not None
    assert until(lambda: same.state().progress) == {"done": 1, "of": 2}
    assert same.state().how == "running"
    state = ended(same)
    assert (state.how, state.result) == ("done", {"heard": "a draft", "more": [1]})
    assert state.seconds >= 0.5
    assert same.order() == ORDER


def test_one_at_a_time_and_the_second_hears_who_is_before_it(jobs_of: Make) -> None:
    jobs = jobs_of(SLOW, longest=60)
    first = jobs.start(ORDER, {})
    time.sleep(0.3)
    with pytest.raises(Busy) as busy:
        jobs.start({**ORDER, "task": "check"}, {})
    assert busy.value.task == "test"
    assert 0.2 < busy.value.running < 10
    assert 50 < busy.value.left < 60
    first.cancel()
    assert jobs.start(ORDER, {}).state().how == "running"


def test_cancelling_ends_the_computation_and_its_helpers(jobs_of: Make) -> None:
    jobs = jobs_of(WITH_CHILD)
    job = jobs.start(ORDER, {})
    child = child_of(job)
    assert not gone(child)
    job.cancel()
    assert job.state().how == "cancelled"
    until(lambda: gone(child), 5)


def test_a_computation_ends_when_its_page_is_silent(jobs_of: Make) -> None:
    jobs = jobs_of(WITH_CHILD, silence=0.8)
    job = jobs.start(ORDER, {})
    for _ in range(6):
        time.sleep(0.3)
        job.seen()
    assert job.state().how == "running"
    child = child_of(job)
    assert ended(job).how == "silent"
    assert gone(child)


def test_a_computation_ends_when_its_time_is_over(jobs_of: Make) -> None:
    job = jobs_of(WITH_CHILD, longest=1.0).start(ORDER, {})
    child = child_of(job)
    state = ended(job)
    assert state.how == "too-long"
    assert 1.0 <= state.seconds < 5
    assert gone(child)


def test_a_result_is_kept_for_a_while_and_then_nothing_is_left(jobs_of: Make, home: Path) -> None:
    jobs = jobs_of("print('{\"result\": {}}')", keep=1.0)
    job = jobs.start(ORDER, {})
    assert ended(job).how == "done"
    assert jobs.find(job.name) is not None
    until(lambda: jobs.find(job.name) is None)
    assert [path.name for path in home.iterdir()] == ["slot"]
    assert "draft" not in (home / "slot").read_text()


def test_old_results_make_room(jobs_of: Make) -> None:
    jobs = jobs_of("print('{\"result\": {}}')", most=2)
    names = []
    for _ in range(3):
        job = until(lambda: _started(jobs))
        names.append(job.name)
        ended(job)
    assert [jobs.find(name) is not None for name in names] == [False, True, True]


def _started(jobs: Jobs):
    try:
        return jobs.start(ORDER, {})
    except Busy:
        # The last one has ended, but its keeper has not yet given up the place.
        return None


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
        ('print(\'{"fault": "KeyError (diff.py:7)"}\'); raise SystemExit(1)', "KeyError (diff.py:7)"),
        ("print('no JSON at all')", ""),
        ("import os; os.kill(os.getpid(), 9)", ""),
    ],
)
def test_a_failure_is_told_as_one(jobs_of: Make, body: str, fault: str) -> None:
    state = ended(jobs_of(body).start(ORDER, {}))
    assert (state.how, state.result, state.fault) == ("failed", None, fault)


def test_a_computation_that_prints_without_end_is_ended(jobs_of: Make, home: Path) -> None:
    job = jobs_of("while True: print('x' * 100_000)").start(ORDER, {})
    assert ended(job).how == "failed"
    assert (home / job.name / "events").stat().st_size <= 16_000_000


def test_without_its_keeper_a_job_has_failed_and_the_place_is_free(jobs_of: Make, home: Path) -> None:
    jobs = jobs_of(SLOW)
    job = jobs.start(ORDER, {})
    keeper = keeper_of(home)
    (computing,) = map(int, until(lambda: Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()))
    os.kill(keeper, signal.SIGKILL)
    assert ended(job).how == "failed"
    os.kill(computing, signal.SIGKILL)
    assert until(lambda: _started(jobs)).state().how == "running"
    # What nobody keeps any more is removed.
    assert jobs.find(job.name) is None


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_with_the_server_everything_ends(tmp_path: Path, root: Path, end: signal.Signals) -> None:
    home = tmp_path / "jobs"
    body = f"""
        import time
        from pathlib import Path
        from service.web.committee.jobs import Jobs
        job = Jobs({command(WITH_CHILD)!r}, home=Path({str(home)!r})).start({ORDER!r}, {{}})
        while not (progress := job.state().progress): time.sleep(0.05)
        print(progress["pid"], flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(command(body), cwd=root, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        child = int(server.stdout.readline())
        assert not gone(child)
        server.send_signal(end)
        server.wait(10)
    until(lambda: gone(child))
    until(lambda: not home.exists())


def test_the_folder_is_this_users_alone(jobs_of: Make, home: Path) -> None:
    job = jobs_of(SLOW).start(ORDER, {})
    for path in (home, home / job.name):
        assert path.stat().st_mode & 0o777 == 0o700
    assert len(job.name) == 43
    other = home.parent / "others"
    other.mkdir(mode=0o755)
    with pytest.raises(PermissionError):
        Jobs(command(SLOW), home=other).start(ORDER, {})


@pytest.mark.parametrize("name", ["", "..", "../jobs", "slot", "a" * 43, "a" * 42 + "/"])
def test_a_name_that_is_none_finds_nothing(jobs_of: Make, name: str) -> None:
    jobs = jobs_of(SLOW)
    jobs.start(ORDER, {})
    assert jobs.find(name) is None


def test_the_draft_is_nowhere_but_in_the_jobs_folder(jobs_of: Make, home: Path) -> None:
    """The computation's temporary files stand there too, and are gone with its end."""
    jobs = jobs_of("""
        import json, tempfile
        file = tempfile.NamedTemporaryFile(delete=False)
        print(json.dumps({"result": {"where": file.name}}))
    """)
    job = jobs.start(ORDER, {})
    state = ended(job)
    assert state.result is not None
    where = Path(state.result["where"])
    assert where.is_relative_to(home / job.name)
    assert not where.exists()


def test_limits_have_sensible_defaults() -> None:
    assert Limits() == Limits(longest=300, silence=30, keep=600, most=20)
    assert Jobs().limits == Limits()


def test_what_a_killed_server_left_is_cleared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("service.web.committee.jobs._base", lambda: tmp_path)
    user = os.getuid()
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    left, living, other = (tmp_path / f"indication-committee-{user}-{name}" for name in (dead.pid, os.getppid(), "x"))
    for folder in (left, living, other):
        (folder / "job").mkdir(parents=True)
    assert Jobs(command("print('{\"result\": 1}')")).find("a" * 43) is None
    assert [folder.exists() for folder in (left, living, other)] == [False, True, True]
