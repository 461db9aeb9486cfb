"""The project's own rules, read once."""

from pathlib import Path

import pytest

from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from tests.strategies import rulebook


@pytest.fixture(scope="session")
def files(root: Path) -> dict[str, bytes]:
    return rule_files(root / "rules")


@pytest.fixture(scope="session")
def book() -> Rulebook:
    return rulebook()
