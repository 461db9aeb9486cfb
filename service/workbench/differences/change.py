"""One change between two rulebooks, and the whole of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from service.language.vocabulary import Text

Grade: TypeAlias = Literal["wording", "evidence", "tightening", "mixed", "loosening"]

#: from what a reader need fear least to what most; `docs/workbench/diff.md` says what each means
GRADES: tuple[Grade, ...] = ("wording", "evidence", "tightening", "mixed", "loosening")

#: some patients each way, or not decided in time. The vocabulary has the same word, so it stands in this file alone.
MIXED: Final = "mixed"

GRADE_WORDS: dict[Grade, Text] = {
    "wording": Text("rédaction", "wording"),
    "evidence": Text("preuves", "evidence"),
    "tightening": Text("plus strict", "tightening"),
    "mixed": Text("mixte", "mixed"),
    "loosening": Text("plus permissif", "loosening"),
}


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient whom a change treats otherwise: a referral in plain JSON data, decided at `at` (ISO 8601)."""

    referral: dict[str, Any]
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs between the old and the new rulebook."""

    #: what sort of thing changed: `rule.condition`, `setting.value`, `item.fresh_for` …
    kind: str
    #: file:line, in the new rulebook, or in the old one when `gone`
    where: str
    #: what changed, in a sentence a clinician reads
    what: Text
    grade: Grade
    #: a referral that the change treats otherwise: more permissively if there is such a patient, else more strictly
    witness: dict[str, Any] | None = None
    #: the moment at which `witness` is decided
    at: str | None = None
    #: of a mixed change, a patient treated more strictly, beside `witness` who is treated more permissively
    other: Patient | None = None
    #: how the grade was come by, where the change alone does not say it
    reason: Text | None = None
    #: the rule, item, score, technique … that changed
    of: str = ""
    #: what changed is in the old rulebook only
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Diff:
    """Every change from one rulebook to another, in the order of the files."""

    changes: tuple[Change, ...]
    #: the worst grade among the changes; `wording` when there are none
    overall: Grade
    #: digests of both rulebooks
    old: str = ""
    new: str = ""
    #: seconds spent on proofs
    seconds: float = field(default=0.0, compare=False)


def worst(grades: Iterable[Grade]) -> Grade:
    """The grade of several changes taken together."""
    return max(grades, key=GRADES.index, default="wording")
