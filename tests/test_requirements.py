"""What is installed is what is pinned, each package once and to the digit; and docs/dependencies.md says why."""

import re
from importlib.metadata import distributions
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: each contains the one before it, as script/setup installs them
FILES = ("requirements.txt", "requirements-cohort.txt", "requirements-spark.txt", "requirements-dev.txt")
#: what Python itself puts into a new environment
COME_WITH_PYTHON = {"pip", "setuptools", "wheel"}


def lines(file: str) -> list[str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return [line for line in (line.partition("#")[0].strip() for line in text.splitlines()) if line]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> list[tuple[str, str]]:
    found = []
    for file in FILES:
        for line in lines(file):
            if not line.startswith("-r "):
                name, _, version = line.partition("==")
                assert re.fullmatch(r"[\w.]+", version), f"{file}: {line}: no exact version"
                found.append((normal(name), version))
    return found


def test_each_file_contains_the_one_before() -> None:
    for before, after in pairwise(FILES):
        assert [line for line in lines(after) if line.startswith("-r ")] == [f"-r {before}"]


def test_each_package_is_pinned_once() -> None:
    names = [name for name, _ in pins()]
    assert sorted(set(names)) == sorted(names)


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {(normal(each.name), each.version) for each in distributions()}
    assert {(name, version) for name, version in installed if name not in COME_WITH_PYTHON} == set(pins())


@pytest.mark.parametrize("file", FILES)
def test_what_is_chosen_is_explained(file: str) -> None:
    told = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").lower()
    text = (ROOT / file).read_text(encoding="utf-8")
    direct = re.findall(r"^([\w.-]+)==", text.partition("# direct")[2].partition("# needed by")[0], re.MULTILINE)
    assert direct
    explained = {normal(word) for word in re.findall(r"[\w.-]+", told)}
    assert [name for name in direct if normal(name) not in explained] == []
