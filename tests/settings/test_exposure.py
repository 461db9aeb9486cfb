"""Safe by default: nothing that asks nobody is served beyond this machine, unless somebody said so."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.settings.exposure import is_here, refusal
from service.settings.read import read
from tests.serving import START_SECONDS, start
from tests.strategies import ROOT

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is to listen there, which is what is tested
#: everything asks
CLOSED = {"INDICATION_ACCESS_API": "clients", "INDICATION_FORM": "proxy", "INDICATION_COMMITTEE": "off"}


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1:8000", True),
        ("127.9.9.9", True),
        ("[::1]:8000", True),
        ("::1", True),
        ("[::ffff:127.0.0.1]:80", True),
        ("localhost:8000", True),
        ("unix:/run/indication.sock", True),
        ("/run/indication.sock", True),
        ("0.0.0.0:8000", False),
        ("[::]:8000", False),
        ("::", False),
        ("192.0.2.7:8000", False),
        ("[::ffff:192.0.2.7]:80", False),
        ("service.example:8000", False),
        ("localhost.example:8000", False),
        ("127.0.0.1.example", False),
        ("", False),
        (":8000", False),
    ],
)
def test_which_addresses_are_this_machine_alone(address: str, here: bool) -> None:
    assert is_here(address) is here


def test_on_this_machine_anything_may_be_open() -> None:
    assert refusal(read({"INDICATION_CDS_OPEN": "1"}), ["127.0.0.1:8000", "unix:/run/x"]) is None


def test_beyond_it_the_message_names_every_setting_to_change() -> None:
    told = refusal(read({"INDICATION_CDS_OPEN": "1"}), ["127.0.0.1:8000", "0.0.0.0:8000"])
    assert told is not None
    assert told.startswith("0.0.0.0:8000 can be reached")
    for change in (
        "set access.api: clients (INDICATION_ACCESS_API=clients)",
        "set pages.form: proxy (INDICATION_FORM=proxy)",
        "set pages.committee: off (INDICATION_COMMITTEE=off)",
        "set access.cds_open: false (INDICATION_CDS_OPEN=false)",
        "access.exposed: true (INDICATION_EXPOSED=1)",
    ):
        assert change in told


@pytest.mark.parametrize("left", [*CLOSED, "INDICATION_CDS_OPEN"])
def test_one_that_is_left_open_is_enough(left: str) -> None:
    settings = {**CLOSED, "INDICATION_CDS_OPEN": "true"} if left == "INDICATION_CDS_OPEN" else {**CLOSED, left: ""}
    told = refusal(read(settings), ["0.0.0.0:8000"])
    assert told is not None
    assert told.count("set ") == 1
    assert refusal(read({**settings, "INDICATION_EXPOSED": "1"}), ["0.0.0.0:8000"]) is None


def test_when_everything_asks_it_may_be_reached() -> None:
    assert refusal(read(CLOSED), ["0.0.0.0:8000", "[::]:8000"]) is None
    assert refusal(read({**CLOSED, "INDICATION_FORM": "off", "INDICATION_COMMITTEE": "proxy"}), ["[::]:80"]) is None


# ---- for real --------------------------------------------------------------------------------------------------------


def clean(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("INDICATION_")} | more


def test_gunicorn_does_not_start(tmp_path: Path) -> None:
    with start(ROOT, ROOT / "rules", 0, subprocess.PIPE, settings={"HOST": EVERYWHERE}) as server:
        try:
            output, _ = server.communicate(timeout=START_SECONDS)
        finally:
            server.kill()
    assert server.returncode != 0
    assert b"0.0.0.0:0 can be reached from other machines" in output
    assert b"INDICATION_ACCESS_API=clients" in output
    assert b"Traceback" not in output
    assert b"Listening at" not in output


def test_nor_with_an_address_on_its_command_line() -> None:
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", "[::]:0", "wsgi:app"]
    run = subprocess.run(command, cwd=ROOT, env=clean(), capture_output=True, text=True, timeout=START_SECONDS)
    assert run.returncode != 0
    assert "[::]:0 can be reached from other machines" in run.stderr


def test_nor_on_a_socket_that_systemd_opened_for_it() -> None:
    """Its address stands in no setting: the socket itself is asked."""
    with socket.socket() as given:
        given.bind((EVERYWHERE, 0))
        given.listen()
        command = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True); "
            "os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())}; "
            "os.execv(sys.executable, [sys.executable, '-m', 'gunicorn', '--config', 'gunicorn.conf.py', 'wsgi:app'])"
        )
        run = subprocess.run(
            [sys.executable, "-c", command, str(given.fileno())],
            cwd=ROOT,
            env=clean(INDICATION_STATE=os.environ["INDICATION_STATE"]),
            pass_fds=[given.fileno()],
            capture_output=True,
            text=True,
            timeout=START_SECONDS * 2,
        )
    assert run.returncode != 0
    assert "can be reached from other machines" in run.stderr


def test_nor_does_flask_run() -> None:
    command = [sys.executable, "-m", "flask", "run", "--host", EVERYWHERE, "--port", "0"]
    run = subprocess.run(command, cwd=ROOT, env=clean(), capture_output=True, text=True, timeout=START_SECONDS)
    assert run.returncode != 0
    assert "0.0.0.0 can be reached from other machines" in run.stderr


def test_an_address_of_ipv6_is_listened_on(tmp_path: Path) -> None:
    """Its colons are told from the port's."""
    with (tmp_path / "log").open("wb") as log:
        server = start(ROOT, ROOT / "rules", 0, log, settings={"HOST": "::1"})
    try:
        end = time.monotonic() + START_SECONDS
        while "Listening at: http://[::1]:" not in (told := (tmp_path / "log").read_text()) and time.monotonic() < end:
            assert server.poll() is None, told
            time.sleep(0.1)
        assert "Listening at: http://[::1]:" in told
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with (tmp_path / "log").open("wb") as log:
        server = start(ROOT, ROOT / "rules", 0, log, settings={"HOST": f"unix:{path}"})
    try:
        status = 0
        end = time.monotonic() + START_SECONDS * 2
        while status != 200 and time.monotonic() < end:
            assert server.poll() is None, (tmp_path / "log").read_text()
            connection = http.client.HTTPConnection("localhost", timeout=10)
            connection.sock = socket.socket(socket.AF_UNIX)
            try:
                connection.sock.connect(str(path))
                connection.request("GET", "/livez")
                status = connection.getresponse().status
            except OSError:
                time.sleep(0.1)
            finally:
                connection.close()
        assert status == 200
    finally:
        server.terminate()
        server.wait(timeout=30)
