"""What rules must pass before they are published: the committee's own commands `check`, `prove` and `test`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

from service.decision import Decider, Language
from service.prove.prover import Answer
from service.prove.questions import prove
from service.rulebook.lints import lint
from service.rulebook.model import Rulebook
from service.run.adapter import EngineError
from service.selftest import errors_of
from service.workbench.cases import read_cases
from service.workbench.held import not_held
from service.workbench.trying import Outcome, try_cases

#: (done, of)
Progress: TypeAlias = Callable[[int, int], None]


_ANSWERS: dict[Answer, str] = {"proved": "proved", "refuted": "refuted", "undecided": "not decided in time"}


@dataclass(frozen=True, slots=True)
class Draft:
    """The rules to be published, as they were read, and the folder that they and the committee's cases stand in."""

    folder: Path
    files: Mapping[str, bytes]
    rulebook: Rulebook
    cases: Path
    today: date
    language: Language
    #: processes, and the file of earlier answers, for `prove`
    jobs: int = 2
    memory: Path | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing to pass: the name of its command, and what it finds wrong, one line each."""

    command: str
    faults: Callable[[Draft, Progress], list[str]]


def _check(draft: Draft, progress: Progress) -> list[str]:
    progress(0, 1)
    remarks = lint(draft.rulebook, draft.files, draft.today)
    faults = [f"{draft.folder}/{remark}" for remark in remarks if remark.grade == "fault"]
    return [*errors_of(draft.folder), *faults]


def _prove(draft: Draft, progress: Progress) -> list[str]:
    findings = prove(draft.rulebook, jobs=draft.jobs, today=draft.today, memory=draft.memory, progress=progress)
    return [
        f"{draft.folder}/{finding.where}: {finding.claim.in_(draft.language)} [{_ANSWERS[finding.answer]}: {', '.join(finding.subjects)}]"
        for finding in findings
        if finding.fails
    ]


def _test(draft: Draft, progress: Progress) -> list[str]:
    try:
        cases, mistakes = read_cases(draft.cases)
        decider = Decider(draft.rulebook)
    except OSError as error:
        return [f"{draft.cases}: the cases cannot be read: {error.strerror or error}"]
    except (EngineError, ValueError, ArithmeticError) as error:
        return [f"{draft.folder}: no engine can be built from these rules: {error}"]
    if not cases:
        return [f"{draft.cases}: no case here, so nothing was tested; name the folder of the cases with --cases"]
    outcomes = try_cases(decider, cases.values(), mistakes, draft.language)
    faults = []
    for done, outcome in enumerate(outcomes, start=1):
        progress(done, len(cases))
        if not outcome.passed:
            faults.append(f"{draft.cases}/{outcome.case.name}.yaml: {_why(outcome)}")
    return [*faults, *not_held(draft.rulebook, draft.cases)]


def _why(outcome: Outcome) -> str:
    told = [difference.text for difference in outcome.differences] or [str(each) for each in outcome.mistakes]
    return "; ".join(told or [outcome.fault])


GATES = (Gate("check", _check), Gate("prove", _prove), Gate("test", _test))
