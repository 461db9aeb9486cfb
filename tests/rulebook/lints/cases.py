"""A small rulebook without a fault, and for each lint the ways to spoil it that must be found, and those that must not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from service.rulebook.lints import Remark, lint
from service.rulebook.load import load_files
from service.rulebook.source import rule_files
from tests.fixtures.reading import read_yaml

HERE = Path(__file__).parent
CASES = HERE / "cases"
#: the day on which every case is read
TODAY = date(2026, 11, 25)


@dataclass(frozen=True)
class Case:
    """One change to the small rulebook; `says` and `at` (a part of the line pointed at) when it must be found."""

    lint: str
    data: Mapping[str, Any]

    @property
    def edits(self) -> list[Mapping[str, Any]]:
        return [self.data, *self.data.get("also", [])]

    def __str__(self) -> str:
        return f"{self.lint}: {self.data['why']}"


@cache
def small() -> Mapping[str, bytes]:
    return rule_files(HERE / "small")


def spoilt(edits: list[Mapping[str, Any]]) -> dict[str, bytes]:
    """The small rulebook with each `find` replaced by its `put`."""
    files = dict(small())
    for edit in edits:
        text = files[edit["file"]].decode()
        assert text.count(edit["find"]) >= 1, f"{edit['file']} no longer holds {edit['find']!r}"
        files[edit["file"]] = text.replace(edit["find"], edit["put"], 1).encode()
    return files


def remarks(files: Mapping[str, bytes]) -> tuple[Remark, ...]:
    return lint(load_files(files), files, TODAY)


def cases(kind: str) -> list[Case]:
    """Every case of one kind, `fails` or `passes`."""
    return [Case(path.stem, data) for path in sorted(CASES.glob("*.yaml")) for data in read_yaml(path)[kind]]
