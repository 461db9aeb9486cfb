"""The rules as they are, and drafts of them with one line changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.rulebook.load import load_files
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.workbench.borderline.case import Case
from service.workbench.borderline.search import Searcher, Undecisive

BLEEDING = "safety/bleeding.yaml"


@pytest.fixture(scope="session")
def files(root: Path) -> dict[str, bytes]:
    return rule_files(root / "rules")


@pytest.fixture(scope="session")
def drafted(files: dict[str, bytes]) -> Callable[[str, str], Rulebook]:
    """The rulebook with a text of the rules on bleeding replaced, the first time it stands there."""

    def drafted(good: str, other: str) -> Rulebook:
        text = files[BLEEDING].decode()
        assert good in text
        return load_files({**files, BLEEDING: text.replace(good, other, 1).encode()})

    return drafted


@pytest.fixture(scope="session")
def found(rulebook: Rulebook) -> dict[str, list[Case | Undecisive]]:
    """All cases of all rules."""
    searcher = Searcher(rulebook)
    return {rule: list(searcher.of(rule)) for rule in rulebook.rules}


@pytest.fixture(scope="session")
def cases(found: dict[str, list[Case | Undecisive]]) -> dict[str, list[Case]]:
    return {rule: [each for each in listed if isinstance(each, Case)] for rule, listed in found.items()}
