"""The judge of these tests finds what it is there to find."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.audit.record import Entry
from service.audit.store import Record
from tests.faults.clients import Answer, Seen, reported

AT = "2026-11-26T03:00:00.000000+00:00"


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """Two decisions, answered `a` and `b`."""
    found = Record.open(f"sqlite:///{tmp_path}/kept/record.sqlite")
    for number, digest in enumerate("ab"):
        found.append(Entry(f"{number:032x}", "decision", AT, {}, {"answer_digest": digest}))
    yield found
    found.close()


def seen(*answers: tuple[int, str], **statuses: int) -> Seen:
    acknowledged = [Answer(f"{number:032x}", digest, "") for number, digest in answers]
    return Seen(acknowledged, Counter({200: len(answers)}) + Counter({int(k[1:]): n for k, n in statuses.items()}))


def test_all_is_well(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    reported("well", 3, seen((0, "a"), (1, "b"), _503=2, _0=1), record)
    told = "well: faults 3, acknowledged 2, lost 0, duplicated 0 (refused 2, cut 1, longest wait 0.0 s)"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (((0, "a"), (2, "c")), "lost 1, duplicated 0"),
        (((0, "a"), (1, "a")), "lost 1, duplicated 0"),
        (((0, "a"), (0, "a")), "lost 0, duplicated 1"),
    ],
    ids=["missing", "another answer", "one id for two"],
)
def test_what_is_wrong_is_found(
    record: Record, capsys: pytest.CaptureFixture[str], answers: tuple[tuple[int, str], ...], told: str
) -> None:
    with pytest.raises(AssertionError):
        reported("wrong", 1, seen(*answers), record)
    assert told in capsys.readouterr().out


def test_another_status_is_found(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError):
        reported("wrong", 1, seen((0, "a"), _500=1), record)
    assert "lost 0, duplicated 0" in capsys.readouterr().out
