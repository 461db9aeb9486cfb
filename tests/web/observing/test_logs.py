"""What a log line holds, as text and as JSON, and what it never holds."""

import json
import logging
import subprocess
import sys

import pytest

from service.web import logs

PLANTED = "planted-1948"


def record(message, *args, error=None, level=logging.INFO, **extra):
    found = logging.LogRecord(
        "service.web.here", level, __file__, 1, message, args, error and (type(error), error, None)
    )
    found.__dict__.update(extra)
    return found


def raised():
    try:
        raise ValueError(PLANTED)
    except ValueError as error:
        return error


def test_a_line_of_json():
    line = logs.Structured().format(record("rules taken: %s", "rules\n«a»", request="0" * 32, status=200))
    told = json.loads(line)
    assert "\n" not in line
    assert told.pop("time").endswith("+00:00")
    assert told.pop("process") > 0
    assert told == {
        "level": "info",
        "logger": "service.web.here",
        "message": "rules taken: rules\n«a»",
        "request": "0" * 32,
        "status": 200,
    }


def test_a_line_of_text_stays_one_line():
    line = logs.Plain().format(record("a\nb\r%s", "c", request="0" * 32, status=200))
    assert line.endswith(f" info service.web.here a\\nb\\rc process={record('').process} status=200 request={'0' * 32}")


@pytest.mark.parametrize("formatter", [logs.Plain(), logs.Structured()])
def test_an_exception_is_told_by_its_type_and_place(formatter):
    error = raised()
    for given in (record("it failed", error=error), record("it failed: %s", error), record(error)):
        line = formatter.format(given)
        assert "ValueError" in line
        assert PLANTED not in line
    assert "test_logs.py:" in formatter.format(record("it failed", error=error))


def test_a_missing_package_is_named():
    error = ModuleNotFoundError("No module named 'somewhere'", name="somewhere")
    assert logs.whereabouts(error) == "ModuleNotFoundError(somewhere)"


def test_a_message_that_does_not_fit_its_arguments_stops_nothing():
    assert "cannot be put together" in logs.Structured().format(record("%d", PLANTED))


def test_text_or_json():
    assert isinstance(logs.formatter("text"), logs.Plain)
    assert isinstance(logs.formatter("json"), logs.Structured)
    assert isinstance(logs.formatter(None), logs.Structured), "a test's standard error is no terminal"


def test_what_is_told_of_access():
    environ = {
        "REQUEST_METHOD": "BREW",
        "PATH_INFO": f"/{PLANTED}",
        "QUERY_STRING": PLANTED,
        "HTTP_USER_AGENT": PLANTED,
        "REMOTE_ADDR": "127.0.0.1",
        "indication.notes": {"request": "1", "route": "/v1/rulebook/rules/<rule>", "door": "api"},
    }
    assert logs.access(environ, "404", 12, 3.456) == {
        "request": "1",
        "door": "api",
        "method": "OTHER",
        "route": "/v1/rulebook/rules/<rule>",
        "status": 404,
        "bytes": 12,
        "milliseconds": 3.5,
        "address": "127.0.0.1",
    }
    assert logs.access({}, "-", None, 0)["route"] == "unmatched"


STARTED = """
import logging, sys, threading, warnings
from service.web import logs
logs.start("json", "debug")
logging.getLogger("service.web.x").debug("ours")
logging.getLogger("sqlalchemy.engine").info("INSERT planted-1948")
logging.getLogger("sqlalchemy.pool").warning("theirs")
def fail(): raise ValueError("planted-1948")
thread = threading.Thread(target=fail)
thread.start(); thread.join()
fail()
"""


def test_a_process_that_logs(root):
    run = subprocess.run([sys.executable, "-c", STARTED], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    told = [json.loads(line) for line in run.stderr.splitlines()]
    assert [each["message"].partition(":")[0] for each in told] == [
        "ours",
        "theirs",
        "a thread ended",
        "this process ends",
    ]
    assert PLANTED not in run.stderr
