"""Kleene's strong three-valued logic over plain integers.

`NO < UNKNOWN < YES`, so that "and" is `min`, "or" is `max` and "not" is a reflection. Plain integers rather than an
enum: a decision takes some thousands of these, and `min` of small integers is the fastest thing Python has.

Source: S. C. Kleene, Introduction to Metamathematics, 1952, section 64.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal[0, 1, 2]

NO: Verdict = 0
UNKNOWN: Verdict = 1
YES: Verdict = 2

WORDS = ("no", "unknown", "yes")
#: the verdict of each word
VERDICTS: dict[str, Verdict] = {"no": NO, "unknown": UNKNOWN, "yes": YES}


def negation(verdict: Verdict) -> Verdict:
    return NO if verdict == YES else YES if verdict == NO else UNKNOWN


def conjunction(verdicts: Iterable[Verdict]) -> Verdict:
    """`yes` of nothing at all, as for every "all of"."""
    return min(verdicts, default=YES)


def disjunction(verdicts: Iterable[Verdict]) -> Verdict:
    """`no` of nothing at all, as for every "any of"."""
    return max(verdicts, default=NO)
