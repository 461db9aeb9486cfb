"""What can be wrong with a rule file, said so that its author can mend it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

#: characters of what is wrong that a mistake shows
MOST_SHOWN = 200


class LanguageError(Exception):
    """One mistake inside one line of a rule.

    `column` counts from 0 within the text given to the parser; `offender` is the part of it that is wrong;
    `suggestion` is the nearest right word, if any comes near.
    """

    def __init__(self, message: str, *, column: int = 0, offender: str = "", suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.offender = offender
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a rule file, placed. `line` and `column` count from 1, as editors do."""

    file: str
    line: int
    column: int
    message: str
    offender: str = ""
    suggestion: str | None = None

    def __str__(self) -> str:
        offender = f" «{_brief(self.offender)}»" if self.offender else ""
        hint = f"; did you mean «{self.suggestion}»?" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{offender}{hint}"


def _brief(text: str) -> str:
    """A whole file may stand where a word is expected: enough of it is shown to find it."""
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None when nothing is close enough to be a slip of the pen."""
    candidates = list(known)
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if close:
        return close[0]
    # `platelets` for `blood.platelets`: the right last word without its section is the commonest slip.
    tails = [candidate for candidate in candidates if candidate.rpartition(".")[2] == word.rpartition(".")[2]]
    return tails[0] if tails else None
