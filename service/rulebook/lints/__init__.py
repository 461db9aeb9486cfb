"""Checks that a rulebook which loads should pass as well: slips that are well formed and say something nobody meant.

Each check is one function over a `Subject`; `LINTS` lists them. docs/workbench/lints.md is written from that list.
"""

from collections.abc import Mapping
from datetime import date

from service.rulebook.lints.conditions import CONDITIONS
from service.rulebook.lints.corrections import CORRECTIONS
from service.rulebook.lints.evidence import EVIDENCE
from service.rulebook.lints.scores import SCORES
from service.rulebook.lints.sentences import SENTENCES
from service.rulebook.lints.subject import Lint, Remark, Subject, subject
from service.rulebook.lints.thresholds import THRESHOLDS
from service.rulebook.lints.unknowns import UNKNOWNS
from service.rulebook.model import Rulebook

__all__ = ["LINTS", "Lint", "Remark", "Subject", "lint", "remarks"]

#: in the order of docs/workbench/lints.md
LINTS: tuple[Lint, ...] = (
    *SENTENCES,
    *THRESHOLDS,
    *CONDITIONS,
    *CORRECTIONS,
    *UNKNOWNS,
    *SCORES,
    *EVIDENCE,
)


def lint(rulebook: Rulebook, files: Mapping[str, bytes], today: date) -> tuple[Remark, ...]:
    """Everything the checks find in a rulebook that was read from `files`, in order of file and line.

    `today` is the day on which it is read: a review may be overdue.
    """
    return remarks(subject(rulebook, files, today))


def remarks(looked_at: Subject) -> tuple[Remark, ...]:
    return tuple(
        sorted(
            Remark(found.file, found.line, each.id, each.grade, found.message)
            for each in LINTS
            for found in each.look(looked_at)
        )
    )
