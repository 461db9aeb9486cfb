"""What a computation is given: a draft among the rule files in use, and where the committee's cases stand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from service.decision import Decider
from service.language.vocabulary import Text
from service.referral.complaints import ReferralError
from service.rulebook.load import load_files
from service.rulebook.model import Rulebook
from service.selftest import SelfTestError, check_thoroughly
from service.workbench.adding import expectation, refusal
from service.workbench.job.outcome import Outcome, Patient

#: called with how much is done, of how much, and what is being done
Progress: TypeAlias = Callable[[int, int, Text], None]

LOADING = Text("Lecture du référentiel", "Reading the rulebook")


@dataclass(frozen=True)
class Order:
    """`text` in the place of `file` among `present`, the rule files in use; and the folder of the cases."""

    file: str
    text: str
    present: Mapping[str, bytes]
    cases: Path

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The rule files with the draft."""
        return {**self.present, self.file: self.text.encode()}

    @cached_property
    def used(self) -> Rulebook:
        """The rulebook in use."""
        return load_files(self.present)

    @cached_property
    def rulebook(self) -> Rulebook:
        """The rulebook with the draft. Raises RulebookError."""
        return load_files(self.files)

    @cached_property
    def decider(self) -> Decider:
        """Decides under the draft. Raises RulebookError; SelfTestError when no engine can be built or decide with it."""
        try:
            decider = Decider(self.rulebook)
        except (ValueError, ArithmeticError) as error:
            raise SelfTestError([f"no engine can be built from these rules: {error}"]) from error
        check_thoroughly(decider)
        return decider

    def patient(self, name: Text, referral: Any, at: str) -> Patient:
        """A patient with the answer that the draft gives: what a case would expect, once somebody has approved it."""
        try:
            expect = expectation(self.decider.decide(referral, datetime.fromisoformat(at)))
        except ReferralError as error:
            expect = refusal(error)
        return Patient(name, referral, at, expect)


Task: TypeAlias = Callable[[Order, Progress], Outcome]
