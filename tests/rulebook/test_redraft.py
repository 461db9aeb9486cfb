"""A rulebook of which one file was read anew is the one that reading them all gives."""

import pytest

from service.rulebook.load import RulebookError, load_files
from service.rulebook.redraft import Redraft
from service.rulebook.source import rule_files

BLEEDING = "safety/bleeding.yaml"


@pytest.fixture(scope="module")
def files(root) -> dict[str, bytes]:
    return rule_files(root / "rules")


@pytest.fixture(scope="module")
def redraft(files) -> Redraft:
    return Redraft(files)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (BLEEDING, "blood.platelets < 50 G/L", "blood.platelets < 45 G/L"),
        ("techniques/vertebroplasty.yaml", "duration: 45 min", "duration: 50 min"),
        ("vocabulary/blood.yaml", "fresh_for: 7 d", "fresh_for: 6 d"),
        ("site.yaml", "value: ", "value: 0"),
    ],
)
def test_the_same_rulebook(files, redraft, name, old, new):
    content = files[name].replace(old.encode(), new.encode(), 1)
    assert (content != files[name]) == (old != new)
    read = redraft.with_file(name, content)
    whole = load_files({**files, name: content})
    assert read == whole
    assert read.digest == whole.digest


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (BLEEDING, "blood.platelets < 50", "blod.platelets < 50"),
        (BLEEDING, "- id: bleeding.platelets-low\n", "- id: bleeding.platelets-very-low\n"),
        ("vocabulary/blood.yaml", "blood.platelets:", "blood.thrombocytes:"),
        ("techniques/vertebroplasty.yaml", "technique: vertebroplasty", "technique: vertebro"),
        ("ranking.yaml", "standing:", "standings:"),
    ],
)
def test_the_same_mistakes(files, redraft, name, old, new):
    content = files[name].replace(old.encode(), new.encode(), 1)
    assert content != files[name]
    with pytest.raises(RulebookError) as whole:
        load_files({**files, name: content})
    with pytest.raises(RulebookError) as read:
        redraft.with_file(name, content)
    assert _places(read.value) == _places(whole.value)


def _places(error):
    """Which of two like names is called the second depends on which file is read last."""
    return {(mistake.message.partition(" (")[0], mistake.offender, mistake.file) for mistake in error.mistakes}


def test_what_is_read_does_not_stay(files, redraft):
    with pytest.raises(RulebookError):
        redraft.with_file(BLEEDING, b"{}")
    assert redraft.with_file(BLEEDING, files[BLEEDING]) == load_files(files)


def test_only_a_file_that_is_there_can_be_changed(redraft):
    with pytest.raises(KeyError):
        redraft.with_file("safety/none.yaml", b"")
