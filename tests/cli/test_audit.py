"""`flask audit`, over a record that a service has just written."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from service.audit.record import Entry
from service.audit.store import Record
from service.cli import register
from service.cli.audit import content
from service.web import create_app
from tests.strategies import ROOT

AT = "2026-11-23T09:00:00+01:00"
PLANTED = "lesion-of-a-test"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flask, list[str], Path]:
    """An application that has decided thrice, the ids of its records, and the file of the record."""
    file = tmp_path_factory.mktemp("audit") / "record.sqlite"
    app = create_app(
        {
            "RULES": ROOT / "rules",
            "TESTING": True,
            "AUDIT_STORE": f"sqlite:///{file}",
            "AUDIT_RETENTION_DAYS": 30,
        }
    )
    register(app)
    client = app.test_client()
    ids = []
    for nrs in (4, 6, 8):
        referral = {
            "recorded_at": "2026-11-23",
            "patient": {},
            "lesions": [{"id": PLANTED, "lesion.site": "vertebra", "pain.nrs": nrs}],
        }
        response = client.post("/v1/recommendations", json=referral, query_string={"at": AT})
        ids.append(response.headers["Indication-Record"])
    return app, ids, file


@pytest.fixture
def copied(written: tuple[Flask, list[str], Path], tmp_path: Path) -> tuple[Flask, list[str], Path]:
    """The same over a copy, to be spoilt."""
    _, ids, file = written
    mine = tmp_path / "record.sqlite"
    with sqlite3.connect(file) as source, sqlite3.connect(mine) as target:
        source.backup(target)
    mine.chmod(0o600)
    tmp_path.chmod(0o700)
    app = create_app(
        {"RULES": ROOT / "rules", "TESTING": True, "AUDIT_STORE": f"sqlite:///{mine}", "AUDIT_RETENTION_DAYS": 30}
    )
    register(app)
    return app, ids, mine


def run(app: Flask, *arguments: str, code: int = 0) -> Result:
    result = app.test_cli_runner().invoke(args=["audit", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_whole_record_is_verified_against_its_head(written: tuple[Flask, list[str], Path]) -> None:
    app, _, _ = written
    head = run(app, "head").output.strip()
    assert run(app, "verify", "--anchor", head).output.startswith("whole: 3 records")
    # 1 would be the end of a record that was altered.
    assert "SEQ:HASH" in run(app, "verify", "--anchor", "3", code=2).output


@pytest.mark.parametrize("command", [("head",), ("verify",), ("export",), ("drain",), ("show", "0" * 32)])
def test_a_record_that_is_not_there_is_not_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    """An empty record is whole: a timer that lost its settings would say so for ever."""
    file = tmp_path / "elsewhere" / "record.sqlite"
    app = create_app({"RULES": ROOT / "rules", "TESTING": True, "AUDIT_STORE": f"sqlite:///{file}"})
    register(app)
    assert f"there is no record at {file}" in run(app, *command, code=2).output
    assert not file.parent.exists()


def test_an_erasure_waits_for_whoever_reads(
    copied: tuple[Flask, list[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, ids, file = copied
    monkeypatch.setattr(content, "PATIENCE_SECONDS", 0.2)
    asked = ("erase", ids[0], "--reason", "asked for", "--yes")
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM record").fetchone()
        told = run(app, *asked, code=1).output
        assert "erased: 1" in told
        assert "still holds the contents: somebody still reads the record after 0.2 s" in told
        reader.execute("ROLLBACK")
    assert run(app, *asked).output.strip() == "erased: 0"
    assert PLANTED not in run(app, "show", ids[0]).output


def test_an_altered_record_is_named(copied: tuple[Flask, list[str], Path]) -> None:
    app, ids, file = copied
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE record SET line = replace(line, 'anonymous', 'somebody') WHERE seq = 2")
    assert f"record 2 ({ids[1]}): altered" in run(app, "verify", code=1).output


def test_a_record_that_is_gone_is_named(copied: tuple[Flask, list[str], Path]) -> None:
    app, _, file = copied
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM content WHERE id IN (SELECT id FROM record WHERE seq = 2)")
        connection.execute("DELETE FROM record WHERE seq = 2")
    assert "record 2: missing" in run(app, "verify", code=1).output


def test_decisions_are_made_again_byte_for_byte(written: tuple[Flask, list[str], Path]) -> None:
    app, ids, _ = written
    output = run(app, "replay", *ids).output
    assert output.count("the same answer, byte for byte") == 3
    told = run(app, "replay", ids[0], "--show").output.splitlines()[-1]
    assert json.loads(told)["lesions"][0]["id"] == PLANTED
    assert "there is no record" in run(app, "replay", "0" * 32, code=1).output


def test_another_answer_is_told(copied: tuple[Flask, list[str], Path]) -> None:
    """As after a change of the engine: the recorded digest is another one."""
    app, ids, file = copied
    with sqlite3.connect(file) as connection:
        (body,) = connection.execute("SELECT body FROM content WHERE id = ?", (ids[0],)).fetchone()
        spoilt = {**json.loads(body), "answer_digest": "0" * 64, "alerts": ["another.alert"]}
        connection.execute("UPDATE content SET body = ? WHERE id = ?", (json.dumps(spoilt), ids[0]))
    output = run(app, "replay", ids[0], code=1).output
    assert "ANOTHER ANSWER" in output
    assert "another.alert" in output


def test_a_record_is_shown(written: tuple[Flask, list[str], Path]) -> None:
    app, ids, _ = written
    told = json.loads(run(app, "show", ids[1]).output)
    assert (told["seq"], told["line"]["door"], told["line"]["client"]) == (2, "api", "anonymous")
    assert told["content"]["input"]["lesions"][0]["id"] == PLANTED
    assert told["feedback"] == []


def test_an_export_holds_nothing_personal_unless_asked(written: tuple[Flask, list[str], Path], tmp_path: Path) -> None:
    app, ids, _ = written
    plain = run(app, "export").output
    assert [json.loads(line)["id"] for line in plain.splitlines()] == ids
    assert PLANTED not in plain
    assert PLANTED in run(app, "export", "--contents").output
    events = [json.loads(line) for line in run(app, "export", "--format", "fhir").output.splitlines()]
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    assert PLANTED not in json.dumps(events)
    assert run(app, "export", "--since", "2999-01-01").output == ""
    assert run(app, "export", "--door", "form").output == ""
    assert "'fhir'" in run(app, "export", "--door", "fihr", code=2).output
    run(app, "export", "--out", str(tmp_path / "all.ndjson"))
    assert (tmp_path / "all.ndjson").read_text() == plain


def test_erased_content_is_gone_and_the_chain_is_whole(copied: tuple[Flask, list[str], Path]) -> None:
    app, ids, file = copied
    assert "Erase the content of 1 record" in run(app, "erase", ids[0], "--reason", "asked for", code=1).output
    run(app, "erase", ids[0], "--reason", "asked for", "--yes")
    assert run(app, "verify").output.startswith("whole: 4 records")
    assert "erased" in run(app, "replay", ids[0], code=1).output
    with sqlite3.connect(file) as connection:
        held = [row[0] for row in connection.execute("SELECT id FROM content WHERE trim(body, '0') != ''")]
    assert ids[0] not in held
    assert ids[1] in held
    assert run(app, "erase", "--expired", "--reason", "retention", "--yes").output == "nothing to erase\n"


def test_a_backup_restores_the_same_record(written: tuple[Flask, list[str], Path], tmp_path: Path) -> None:
    app, ids, _ = written
    file = tmp_path / "backup.sqlite"
    head = run(app, "head").output.strip()
    assert f"head {head}" in run(app, "backup", str(file)).output
    assert "not overwritten" in run(app, "backup", str(file), code=1).output
    home = tmp_path / "new"
    home.mkdir(mode=0o700)
    other = create_app({"RULES": ROOT / "rules", "TESTING": True, "AUDIT_STORE": f"sqlite:///{home / 'record.sqlite'}"})
    register(other)
    run(other, "restore", str(file))
    assert run(other, "verify", "--anchor", head).output.startswith("whole: 3 records")
    assert run(other, "replay", ids[2]).output.count("the same answer") == 1
    assert "nothing was restored" in run(app, "restore", str(file), code=1).output


def test_a_service_without_a_record_says_so(tmp_path: Path) -> None:
    app = create_app({"RULES": ROOT / "rules", "AUDIT_STORE": "off", "TESTING": True})
    register(app)
    assert "nothing is recorded here" in run(app, "verify", code=1).output


def test_a_damaged_file_is_told(copied: tuple[Flask, list[str], Path]) -> None:
    app, _, file = copied
    shutil.copyfile(ROOT / "README.md", file)
    assert "cannot be" in run(app, "verify", code=1).output


def test_nothing_of_an_entry_is_lost_in_an_event(written: tuple[Flask, list[str], Path]) -> None:
    app, ids, _ = written
    (event,) = (json.loads(line) for line in run(app, "export", "--format", "fhir").output.splitlines()[:1])
    told: dict[str, Any] = {each["type"]: each["valueString"] for each in event["entity"][0]["detail"]}
    assert told["sequence"] == "1"
    assert event["id"].replace("-", "") == ids[0]
    assert {"rulebook", "engine", "evaluated-at", "door", "hash"} <= told.keys()


def test_feedback_is_erased_with_the_decision_that_it_is_about(copied: tuple[Flask, list[str], Path]) -> None:
    app, _, file = copied
    at = "2026-11-26T09:00:00.000000+00:00"
    kept = Record.open(f"sqlite:///{file}")
    kept.append(Entry("a" * 32, "decision", at, {"door": "cds-hooks"}, {"cards": ["card-1"]}))
    for name, card in (("b", "card-1"), ("c", "card-2")):
        kept.append(Entry(name * 32, "feedback", at, {"card": card, "outcome": "overridden"}, {"comment": PLANTED}))
    run(app, "erase", "a" * 32, "--reason", "asked for", "--yes")
    assert [kept.get(name * 32).content is None for name in "abc"] == [True, True, False]
    assert kept.verify() is None
    kept.close()
