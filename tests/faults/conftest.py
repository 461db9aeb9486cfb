"""What the tests of faults share."""

from pathlib import Path

import pytest

from tests.faults import library, small_rules


@pytest.fixture(scope="session")
def disk_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What writes down, or refuses, all that a process does to a folder (disk.c)."""
    return library.compiled("disk", tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def clock_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What sets the clock of a process (clock.c)."""
    return library.compiled("clock", tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of small rules."""
    return small_rules.write(tmp_path_factory.mktemp("small") / "rules")
