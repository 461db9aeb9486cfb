"""The tests' own PostgreSQL server ends with them, however they end."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

# A shell that starts the tests in the background has them ignore Ctrl-C, and whatever they start inherits that.
PROGRAM = """
import signal, time
from tests.postgres_server import running
signal.signal(signal.SIGINT, signal.default_int_handler)
with running() as server, server.database() as url:
    print(url, flush=True)
    time.sleep(600)
"""


def reachable(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_it_ends_with_the_tests(root: Path, ending: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        with psycopg.connect(url) as session:
            ((data,),) = session.execute("SHOW data_directory").fetchall()
    finally:
        process.send_signal(ending)
        process.wait(timeout=60)
        process.stdout.close()
    for _ in range(100):
        if not reachable(url):
            break
        time.sleep(0.1)
    assert not reachable(url)
    folder = Path(data).parent
    # Who is killed cannot tidy up; that is left to us.
    assert folder.exists() == (ending == signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
