"""What the tests of faults share."""

from pathlib import Path

import pytest

from tests.faults import library


@pytest.fixture(scope="session")
def disk_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What writes down, or refuses, all that a process does to a folder (disk.c)."""
    return library.compiled(tmp_path_factory.mktemp("library"))
