"""Faulty rulebooks: small changes to the real rules, and what each tool of the workbench says of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from service.decision import Decider
from service.prove import asked_of_invariants, asked_of_options, asked_of_rules
from service.prove.prover import Prover
from service.prove.question import Question
from service.rulebook.lints import Subject, remarks
from service.rulebook.load import RulebookError
from service.rulebook.model import Rulebook
from service.rulebook.redraft import Redraft
from service.rulebook.source import Document, read_bytes, rule_files
from service.workbench import diff
from service.workbench.borderline.review import Dialogue, review
from service.workbench.cases import read_cases
from service.workbench.trying import try_cases
from tests.fixtures.reading import REFERRALS, RULES, read_yaml

DEFECTS = Path(__file__).with_name("defects.yaml")
#: the day on which every rulebook is read
TODAY = date(2026, 11, 25)
#: seconds for one proof: far above what any of these takes, so that a busy machine changes nothing
PATIENCE = 60.0
TOOLS = ("check", "prove", "test", "borderline", "diff")


@dataclass(frozen=True)
class Defect:
    """One faulty rulebook: changes to one file, which tool must find it, and what it must say."""

    data: Mapping[str, Any]

    def __str__(self) -> str:
        return str(self.data["id"])

    @property
    def tool(self) -> str:
        return str(self.data["found_by"])

    @property
    def file(self) -> str:
        return str(self.data["file"])

    @property
    def says(self) -> list[str]:
        """Pieces that stand together in one message."""
        said = self.data["says"]
        return said if isinstance(said, list) else [said]

    def faulty(self, text: str) -> str:
        """The file with its changes. `in` names the rule, item or other entry after which `find` is looked for."""
        for edit in self.data["edits"]:
            if "add" in edit:
                text = text.rstrip("\n") + "\n\n" + edit["add"]
                continue
            start = text.index(edit["in"]) if "in" in edit else 0
            assert edit["find"] in text[start:], f"{self}: {self.file} no longer holds {edit['find']!r}"
            text = text[:start] + text[start:].replace(edit["find"], edit["put"], 1)
        return text

    def found_in(self, messages: Iterable[str]) -> list[str]:
        return [message for message in messages if all(piece in message for piece in self.says)]


@cache
def defects() -> tuple[Defect, ...]:
    return tuple(Defect(data) for data in read_yaml(DEFECTS))


@dataclass(frozen=True)
class Draft:
    """A rulebook that may be faulty: with its files and documents, or the mistakes for which it does not load.

    What the tools make of it is made once: the real rulebook is asked about every defect.
    """

    files: Mapping[str, bytes]
    documents: Mapping[str, Document]
    rulebook: Rulebook | None
    mistakes: tuple[str, ...] = ()

    @property
    def loaded(self) -> Rulebook:
        assert self.rulebook is not None, f"this rulebook does not load: {self.mistakes[0]}"
        return self.rulebook

    @cached_property
    def checked(self) -> list[str]:
        if self.rulebook is None:
            return list(self.mistakes)
        return [str(each) for each in remarks(Subject(self.rulebook, self.documents, TODAY))]

    @cached_property
    def decider(self) -> Decider:
        return Decider(self.loaded)

    @cached_property
    def prover(self) -> Prover:
        return Prover(self.loaded, PATIENCE, TODAY)

    def question(self, name: str) -> Question | None:
        """The question of this id. They are made one after the other: to make them all takes longer than an answer."""
        for part in (asked_of_invariants, asked_of_options, asked_of_rules):
            for question in part.questions(self.loaded):
                if question.id == name:
                    return question
        return None


class Bench:
    """The real rules, read once, and the tools. Each gives its messages as sentences."""

    def __init__(self) -> None:
        files = rule_files(RULES)
        self._redraft = Redraft(files)
        documents = {name: read_bytes(content, name)[0] for name, content in files.items()}
        self.clean = Draft(files, documents, self._redraft.with_file("rulebook.yaml", files["rulebook.yaml"]))

    def seeded(self, defect: Defect) -> Draft:
        """The real rulebook with this defect."""
        content = defect.faulty(self.clean.files[defect.file].decode()).encode()
        files = {**self.clean.files, defect.file: content}
        try:
            rulebook = self._redraft.with_file(defect.file, content)
        except RulebookError as error:
            return Draft(files, {}, None, tuple(map(str, error.mistakes)))
        documents = {**self.clean.documents, defect.file: read_bytes(content, defect.file)[0]}
        return Draft(files, documents, rulebook)

    def messages(self, defect: Defect, draft: Draft) -> list[str]:
        """What the tool that must find the defect says of a rulebook, asked only about what changed."""
        match defect.tool:
            case "check":
                return draft.checked
            case "prove":
                return list(_proof(draft, defect.data["ask"]))
            case "test":
                return list(_cases(draft, defect.data["cases"]))
            case "borderline":
                return list(self._borderline(draft.loaded, defect.data["rules"]))
            case "diff":
                return self._differences(draft)
        raise ValueError(defect.tool)

    def _borderline(self, rulebook: Rulebook, names: list[str]) -> Iterator[str]:
        """What is said of cases that were all approved under the real rules and no longer hold."""
        for name in names:
            questions = [question for each in review(self.clean.loaded, [name], ()) for question in each.questions]
            dialogue = Dialogue(tuple(questions))
            for _ in questions:
                dialogue = dialogue.press("y")
            approved = dialogue.result((), "the committee", TODAY.isoformat())
            assert len(approved) == len(questions)
            for each in review(rulebook, [name], approved):
                for outdated in (old for question in each.questions for old in question.outdated):
                    yield from outdated.contradictions

    def _differences(self, draft: Draft) -> list[str]:
        found = diff.compare(
            self.clean.loaded,
            draft.loaded,
            lambda rulebook: Prover(rulebook, PATIENCE, TODAY),
            old_files=self.clean.files,
            new_files=draft.files,
        )
        return [f"{each.where}: [{each.grade}] {each.what.en}" for each in found.changes]


def _cases(draft: Draft, names: list[str]) -> Iterator[str]:
    cases, mistakes = read_cases(REFERRALS, names)
    assert not mistakes
    for outcome in try_cases(draft.decider, cases.values(), language="en"):
        assert outcome.verdict in ("passed", "failed"), (outcome.mistakes, outcome.fault)
        for different in outcome.differences:
            yield f"{outcome.case.name}: {different.text}"


def _proof(draft: Draft, asked: str) -> Iterator[str]:
    """What the answer to one question, by its id, holds against the rulebook."""
    question = draft.question(asked)
    if question is None:
        return
    proof = question.ask(draft.prover)
    assert proof.answer != "undecided", asked
    if proof.answer == "refuted" and question.declared is None:
        yield f"{question.where}: {question.id}: not so: {question.claim.en} {question.advice.en}"
