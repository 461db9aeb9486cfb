"""A signed bundle of the project's own rules."""

from pathlib import Path

import pytest

from service.rulebook.source import rule_files
from service.workbench.publish.prepare import Prepared
from tests.publishing import Signer, published, signer


@pytest.fixture(scope="session")
def files(root: Path) -> dict[str, bytes]:
    return rule_files(root / "rules")


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Somebody whom nobody trusts."""
    return signer(tmp_path_factory.mktemp("theirs"))


@pytest.fixture(scope="session")
def ready(files: dict[str, bytes], ours: Signer) -> Prepared:
    return published(files, key=ours.key)
