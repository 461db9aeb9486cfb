"""Files that went wrong: of every kind that the service reads. Only its own refusals, each with its place, and soon.

Coverage-guided runs of the same, by hand and longer, found what `test_mended.py` pins.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.clients.file import read_file
from service.clients.model import load
from service.language.errors import Mistake
from service.rulebook.drafting import Draft
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook
from service.rulebook.schema import kind_of
from service.rulebook.source import read_bytes, rule_files
from service.settings.read import FILE, SettingsError, read
from service.settings.table import SETTINGS
from tests.fuzz.mutating import mutated
from tests.strategies import RULES, examples, seeded

SEEDS = st.integers(0, 2**32)
FILES = rule_files(RULES)
NAMES = sorted(FILES)
#: of processor time; a whole rulebook takes one
MOST_SECONDS = 10
EXAMPLE = RULES.parent / "docs" / "settings.example.yaml"
CLIENTS = RULES.parent / "docs" / "clients.example.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def soon(call: Callable[[], Any]) -> Any:
    start = time.process_time()
    found = call()
    assert time.process_time() - start < MOST_SECONDS
    return found


def placed(mistakes: list[Mistake] | tuple[Mistake, ...]) -> None:
    """There are some; each says something, at a place that an editor can go to."""
    assert mistakes
    for mistake in mistakes:
        assert mistake.message
        assert mistake.line >= 1
        assert mistake.column >= 1
        assert len(str(mistake)) < 2_000


def rulebook_or_mistakes(files: dict[str, bytes]) -> Rulebook | None:
    try:
        book: Rulebook = soon(lambda: load_files(files))
    except RulebookError as error:
        placed(error.mistakes)
        return None
    return book


@given(name=st.sampled_from(NAMES), seed=SEEDS)
@examples(250)
def test_a_rule_file_that_went_wrong_is_read_or_refused(name: str, seed: int) -> None:
    content = mutated(FILES[name], seeded(seed))
    document, mistakes = soon(lambda: read_bytes(content, name))
    draft = Draft()
    soon(lambda: draft.add(str(kind_of(name)), document, mistakes))
    if draft.mistakes:
        placed(draft.mistakes)
    assert document.data is not None or mistakes


@given(name=st.sampled_from(NAMES), seed=SEEDS)
@examples(150)
def test_so_it_is_alone(name: str, seed: int) -> None:
    """Nothing that it speaks of is there: what follows the reading must bear that too."""
    assert rulebook_or_mistakes({name: mutated(FILES[name], seeded(seed))}) is None


@given(name=st.sampled_from(NAMES), seed=SEEDS)
@examples(4)
def test_so_it_is_among_the_others(name: str, seed: int) -> None:
    rulebook_or_mistakes({**FILES, name: mutated(FILES[name], seeded(seed))})


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@examples(200)
def test_so_is_anything_else(content: bytes) -> None:
    document, mistakes = soon(lambda: read_bytes(content, "a.yaml"))
    if mistakes:
        placed(mistakes)
    assert document.data is not None or mistakes


def _spoken() -> bytes:
    """The example of all settings with none of them a comment."""
    return EXAMPLE.read_bytes().replace(b"\n  # ", b"\n  ").replace(b"\n# ", b"\n")


@given(seed=SEEDS, whole=st.booleans())
@examples(200)
def test_settings_that_went_wrong_are_refused_in_words(seed: int, whole: bool, folder: Path) -> None:
    path = folder / "settings.yaml"
    text = yaml.safe_dump({"server": {"port": 8001}, "audit": {"keep": "digest"}, "access": {"proxies": ["127.0.0.1"]}})
    path.write_bytes(mutated(_spoken() if whole else text.encode(), seeded(seed)))
    try:
        soon(lambda: read({FILE: str(path)}))
    except SettingsError as error:
        placed(error.mistakes)


VARIABLES = sorted({setting.variable for setting in SETTINGS.values()})
ODD = (
    "9" * 5_000,
    "http://[",
    "sqlite://",
    "postgresql://[::1",
    "http://x:99999/",
    "::ffff:1/200",
    "1_0",
    "\u0661",
    "~",
    "\u2028",
)


@given(
    name=st.sampled_from(VARIABLES),
    text=st.sampled_from(ODD) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
)
@examples(300)
def test_so_are_variables(name: str, text: str) -> None:
    try:
        read({name: text})
    except SettingsError as error:
        placed(error.mistakes)


@given(seed=SEEDS)
@examples(150)
def test_a_file_of_clients_that_went_wrong_lets_nobody_in(seed: int, folder: Path) -> None:
    path = folder / "clients.yaml"
    path.write_bytes(mutated(CLIENTS.read_bytes(), seeded(seed)))
    entries, mistakes = soon(lambda: read_file(path))
    if mistakes:
        placed(mistakes)
    assert not (entries and mistakes)
    clients = soon(lambda: load(path, open_=False))
    assert not (clients.mistakes and clients.entries)
