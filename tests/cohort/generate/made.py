"""Small synthetic cohorts for the tests, made once."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from service.cohort.generate.clock import Clock
from service.cohort.generate.cohort import Part, Wanted, parts
from service.cohort.generate.design import Design
from service.cohort.generate.reading import design_of
from service.cohort.generate.streams import Streams
from service.cohort.generate.truth import Plan, Truth, draw
from tests.strategies import ROOT, rulebook

FILE = ROOT / "fixtures" / "cohort" / "distributions.yaml"
AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")


@cache
def text() -> str:
    """The project's file of distributions."""
    return FILE.read_text(encoding="utf-8")


@cache
def small() -> str:
    """A few items of it alone, which make a cohort in no time."""
    whole = text()
    site = whole[whole.index("  lesion.site:\n") : whole.index("  lesion.level:\n")]
    return whole[: whole.index("  allergies:\n")] + site + whole[whole.index("written:\n") :]


@cache
def small_design() -> Design:
    return design(small())


def design(content: str | None = None) -> Design:
    """What a file of distributions says; the project's own when none is given."""
    return _own() if content is None else design_of(content.encode(), "distributions.yaml", rulebook())


@cache
def _own() -> Design:
    return design_of(text().encode(), "distributions.yaml", rulebook())


def changed(*changes: tuple[str, str]) -> str:
    """The project's file with some of its text replaced; what is replaced must stand there once."""
    content = text()
    for before, after in changes:
        assert content.count(before) == 1, before
        content = content.replace(before, after)
    return content


def wanted(patients: int, odds: float = 1.0, faults: float = 0.0, seed: int = 3) -> Wanted:
    return Wanted(patients, seed, AT, odds, faults)


def part(patients: int, odds: float = 1.0, faults: float = 0.0, seed: int = 3, of: Design | None = None) -> Part:
    """The tables of a cohort of one chunk."""
    (only,) = parts(of or design(), rulebook(), wanted(patients, odds, faults, seed))
    return only


@cache
def columns(
    patients: int, odds: float = 1.0, faults: float = 0.0, seed: int = 3
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same as lists, by column: of the patients and of the lesions."""
    made = part(patients, odds, faults, seed)
    return made.patients.to_pydict(), made.lesions.to_pydict()


@cache
def plan() -> Plan:
    book = rulebook()
    return Plan.of(design(), book.vocabulary, Clock.of(AT, book.info.timezone))


@cache
def truth(patients: int, seed: int = 3) -> Truth:
    return draw(plan(), Streams(seed, 0), patients)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """Every file of a folder as it stands."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
