"""A rule file as a committee is changing it: what is wrong with it, and in what it differs from the one in use."""

import difflib
import time
from dataclasses import dataclass
from functools import cached_property

from service.language.errors import Mistake
from service.rulebook.load import RulebookError
from service.rulebook.model import Rulebook
from service.web.committee.workshop import Library

#: lines of the file shown around a change
_AROUND = 2


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One line of the draft, cut where the mistake begins and ends."""

    number: int
    before: str
    wrong: str
    after: str


@dataclass(frozen=True)
class Draft:
    """`text` in the place of `file`. Line ends are those of the rule files, whatever the browser sent."""

    library: Library
    file: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return rows(self.text)

    @property
    def changed(self) -> bool:
        return self.text != self.library.text(self.file)

    @cached_property
    def _read(self) -> tuple[Rulebook | None, tuple[Mistake, ...], float]:
        began = time.perf_counter()
        if not self.changed:
            return self.library.rulebook, (), 0.0
        try:
            book = self.library.redraft.with_file(self.file, self.text.encode("utf-8", "replace"))
        except RulebookError as error:
            return None, error.mistakes, time.perf_counter() - began
        return book, (), time.perf_counter() - began

    @property
    def rulebook(self) -> Rulebook | None:
        """The whole rulebook with the draft; None when it has a mistake."""
        return self._read[0]

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """In this file first, then in those that speak of what is gone."""
        return tuple(sorted(self._read[1], key=lambda mistake: (mistake.file != self.file, mistake)))

    @property
    def seconds(self) -> float:
        """What the reading took."""
        return self._read[2]

    def excerpt(self, mistake: Mistake) -> Excerpt | None:
        """The line on which a mistake stands, when it stands in this file."""
        if mistake.file != self.file or not 0 < mistake.line <= len(self.lines):
            return None
        line = self.lines[mistake.line - 1]
        start = min(mistake.column - 1, len(line))
        # The offender may be told otherwise than it is written: then the rest of the word is marked.
        end = (
            start + len(mistake.offender)
            if mistake.offender and line.startswith(mistake.offender, start)
            else len(line)
        )
        return Excerpt(mistake.line, line[:start].lstrip(), line[start:end], line[end:])

    @cached_property
    def changed_lines(self) -> list[int]:
        """Lines of the draft that are new or other than in the file in use; of what was taken out, the line after it."""
        matcher = difflib.SequenceMatcher(None, rows(self.library.text(self.file)), self.lines, autojunk=False)
        found: set[int] = set()
        for tag, _, _, start, end in matcher.get_opcodes():
            if tag != "equal":
                found |= set(range(start + 1, end + 1)) or {min(start + 1, max(1, len(self.lines)))}
        return sorted(found)

    def difference(self) -> str:
        """A unified diff that `patch -p1` and `git apply` take, from the folder that holds the rules folder."""
        name = f"rules/{self.file}"
        sides = [[f"{row}\n" for row in text.split("\n")] for text in (self.library.text(self.file), self.text)]
        # What stands after the last line feed: nothing, or a line without one.
        sides = [[*side[:-1], side[-1][:-1]] if side[-1] != "\n" else side[:-1] for side in sides]
        lines = difflib.unified_diff(sides[0], sides[1], f"a/{name}", f"b/{name}")
        # What patch expects of a last line without its line end.
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    @cached_property
    def shown(self) -> list[tuple[str, str]]:
        """The same to be read: («gone» | «new» | «kept» | «skip», line)."""
        kinds = {"-": "gone", "+": "new", " ": "kept", "@": "skip"}
        lines = difflib.unified_diff(rows(self.library.text(self.file)), self.lines, n=_AROUND, lineterm="")
        return [(kinds[line[0]], line[1:] if line[0] != "@" else "") for line in list(lines)[2:]][1:]


def rows(text: str) -> list[str]:
    """Lines as an editor numbers them: only a line feed ends one."""
    return text.removesuffix("\n").split("\n")


def normal(text: str) -> str:
    """A text as a browser sends it, with the line ends of a rule file."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
