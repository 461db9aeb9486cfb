"""Copies of the rule files with something wrong in them, and what the loader says of it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from service.language.errors import Mistake
from service.rulebook.load import RulebookError, load_rulebook
from tests.fixtures.reading import RULES


class Copy:
    """A copy of `rules/` to spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "rules"
        shutil.copytree(RULES, self.folder)

    def write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, file: str, old: str, new: str) -> tuple[int, int]:
        """Replaces the first `old`; line and column (from 1) where it stood."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds {old!r}: the test needs another victim"
        before, _, after = text.partition(old)
        path.write_text(before + new + after, encoding="utf-8")
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def change(self, file: str, pattern: str, new: str | Callable[["re.Match[str]"], str]) -> None:
        """Replaces the first match of `pattern`, by lines."""
        path = self.folder / file
        text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
        assert count == 1, f"{file} no longer matches {pattern!r}: the test needs another victim"
        path.write_text(text, encoding="utf-8")

    def mistakes(self) -> tuple[Mistake, ...]:
        """Everything the loader complains of; nothing when the copy loads."""
        try:
            load_rulebook(self.folder)
        except RulebookError as error:
            return error.mistakes
        return ()
