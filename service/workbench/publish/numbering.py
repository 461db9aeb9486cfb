"""The number of the next version: what changed says how far it must go up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.bundle.manifest import Edition, Grade

Step: TypeAlias = Literal["patch", "minor", "major"]

#: grades of which some patient is offered what was withheld before: never a patch, which is taken without much reading
_OFFERED_MORE: dict[Grade, str] = {
    "loosening": "it is a loosening: some patients are offered what they were not",
    "mixed": "it is a mixed change: some patients are offered more, others less",
}
_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\Z")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def up(self, step: Step) -> "Version":
        """The next version that is a step of this size away."""
        match step:
            case "major":
                return Version(self.major + 1, 0, 0)
            case "minor":
                return Version(self.major, self.minor + 1, 0)
            case "patch":
                return Version(self.major, self.minor, self.patch + 1)


def version(text: str) -> Version | None:
    """The version of a text like 1.4.0, or None when it is none."""
    found = _VERSION.match(text)
    return Version(*map(int, found.groups())) if found else None


@dataclass(frozen=True, slots=True)
class Numbering:
    """The lowest version that may follow, how far it is, and why it must be that far."""

    follows: Edition | None
    lowest: Version
    step: Step
    reasons: tuple[str, ...]

    def refused(self, wanted: Version) -> str | None:
        """Why `wanted` may not be the next version; None when it may."""
        if wanted >= self.lowest:
            return None
        if self.follows is None:
            return f"{wanted} is lower than {self.lowest}, which rulebook.yaml says already"
        because = "; ".join(self.reasons)
        return f"{wanted} is too low: what follows {self.follows.version} is at least {self.lowest} ({self.step}), since {because}"


def first(own: Version) -> Numbering:
    """The first publication: it follows nothing, and is what the rulebook says it is."""
    return Numbering(None, own, "patch", ("nothing was published before",))


def after(follows: Edition, grade: Grade, refusals: Sequence[str]) -> Numbering:
    """What may follow a version, from the grade of the change and the referrals that would be refused from now on."""
    before = version(follows.version)
    assert before is not None, "a rulebook's version is checked when it loads"
    if refusals:
        step: Step = "major"
        reasons = tuple(f"referrals that were accepted may be refused or read otherwise ({each})" for each in refusals)
    elif grade in _OFFERED_MORE:
        step, reasons = "minor", (_OFFERED_MORE[grade],)
    else:
        step, reasons = "patch", (f"the change as a whole is graded {grade}",)
    return Numbering(follows, before.up(step), step, reasons)
