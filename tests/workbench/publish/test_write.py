"""All files, or none."""

from pathlib import Path

import pytest

from service.workbench.publish.write import write_all


@pytest.fixture
def three(tmp_path):
    (tmp_path / "a").write_bytes(b"old a")
    (tmp_path / "b").write_bytes(b"old b")
    (tmp_path / "b").chmod(0o640)
    return {tmp_path / "new": b"new", tmp_path / "a": b"new a", tmp_path / "b": b"new b"}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all(three, tmp_path):
    write_all(three)
    assert contents(tmp_path) == {"new": b"new", "a": b"new a", "b": b"new b"}
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("fails_at", [1, 2, 3])
@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_none_when_one_cannot_take_its_place(three, tmp_path, monkeypatch, fails_at, fault):
    before = contents(tmp_path)
    taken = 0
    replace = Path.replace

    def failing(self, target):
        nonlocal taken
        taken += 1
        if taken == fails_at:
            raise fault
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(type(fault)):
        write_all(three)
    assert contents(tmp_path) == before


def test_none_when_one_cannot_be_written(three, tmp_path):
    before = contents(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        write_all({**three, tmp_path / "nowhere" / "c": b"c"})
    assert contents(tmp_path) == before
