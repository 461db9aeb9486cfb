"""Ways in which an answer was wrong once: too few lesions, a guess for an answer, a claim about nobody, a stale memory."""

import gc
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
import z3

from service.decision import Decider
from service.language.condition import read_condition
from service.language.errors import LanguageError
from service.language.parser import ScoreHead, Words
from service.language.tree import Node
from service.prove import design
from service.prove import questions as asking
from service.prove.pairs import Pairs
from service.prove.prover import Answer, Proof, Prover
from service.prove.question import Question
from service.prove.questions import all_questions, prove
from service.prove.remembered import Remembered
from service.prove.world import World, lesions_needed
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import STATUSES, Rulebook
from service.rulebook.source import rule_files
from tests.strategies import RULES, rulebook

EVERY_STATUS = "[eligible, provisional, cautioned, undetermined, deferred, not_indicated, excluded, preempted]"
_INVARIANT = """
  - id: {id}
    options: {options}
    never: {never}
    {claim}
    because: {{fr: "Essai.", en: "Trial."}}
"""
SPOKEN = [
    ("trial.ribs", "{technique: cementoplasty}", EVERY_STATUS, 'when: {count_lesions: {where: lesion.site is rib, is: "> 15"}}'),
    ("trial.nothing", "{trait: [titanium, mri_bound]}", "[eligible]", "when: patient.age > 30 y"),
    ("trial.nobody", "{technique: surgery}", "[eligible]", "when: {all: [patient.sex is male, patient.pregnant]}"),
    ("trial.brief", "{technique: surgery}", EVERY_STATUS, "when: technique.duration < 1 min"),
    ("trial.stay", "{technique: cementoplasty, stay: ambulatory}", "[eligible]", "when: lesion.fracture"),
]  # fmt: skip


@cache
def spoken() -> Rulebook:
    """The rules with other invariants, and with no coverage."""
    entries = [
        _INVARIANT.format(id=name, options=options, never=never, claim=claim) for name, options, never, claim in SPOKEN
    ]
    return load_files({**rule_files(RULES), "invariants.yaml": ("invariants:" + "".join(entries)).encode()})


@cache
def condition(data: str) -> Node:
    book = rulebook()
    heads = {score.id: ScoreHead(score.scope, score.unit) for score in book.scores.values()}

    def complain(path: object, error: LanguageError) -> None:
        raise error

    return read_condition(data, Words(book.vocabulary, heads, book.settings), complain)


def answers(name: str) -> dict[str, tuple[Answer, str]]:
    return {finding.id: (finding.answer, finding.grade) for finding in prove(spoken(), only=[name], jobs=1)}


# ---- what an invariant says is asked ----


def test_an_invariant_may_count_more_lesions_than_any_rule_does() -> None:
    (found,) = [each for each in prove(spoken(), only=["trial.ribs"], jobs=1) if each.kind == "invariant"]
    assert found.answer == "refuted"
    assert found.witness is not None
    assert sum(lesion.get("lesion.site") == "rib" for lesion in found.witness["lesions"]) > 15
    assert Decider(spoken()).recommend(found.witness, datetime.fromisoformat(found.at or ""))


def test_of_two_patients_who_differ_in_an_item_of_lesions_other_lesions_may_count() -> None:
    book = rulebook()
    assert lesions_needed(book, (), "patient.age") == lesions_needed(book)
    assert lesions_needed(book, (), "lesion.site") > lesions_needed(book)


def test_no_more_lesions_are_looked_at_than_a_referral_may_hold() -> None:
    """Else every question about so many would be left open by a patient whom nobody can send."""
    many = read_condition(
        {"count_lesions": {"where": "lesion.site is rib", "is": "> 45"}},
        Words(rulebook().vocabulary, {}, {}),
        lambda *_: None,
    )
    assert Prover(rulebook()).never(many).answer == "proved"


def test_an_invariant_that_speaks_of_no_technique_is_a_fault() -> None:
    assert answers("trial.nothing") == {"invariant:trial.nothing": ("refuted", "fault")}


def test_an_invariant_about_patients_who_cannot_be_is_a_fault() -> None:
    found = answers("trial.nobody")
    assert found["invariant:trial.nobody:surgery"] == ("proved", "fine")
    assert found["can-hold:invariant:trial.nobody"] == ("refuted", "fault")


def test_what_an_invariant_says_of_the_technique_is_settled_for_each() -> None:
    """No technique is that brief, so there is nobody to find; but then the invariant says nothing, which is told."""
    assert answers("trial.brief") == {
        "invariant:trial.brief:surgery": ("proved", "fine"),
        "can-hold:invariant:trial.brief": ("refuted", "fault"),
    }


def test_what_bears_on_a_stay_is_asked_and_remembered_when_an_invariant_speaks_of_one() -> None:
    (question,) = [each for each in all_questions(spoken()) if each.id == "invariant:trial.stay:cementoplasty"]
    bearing = spoken().dossiers["cementoplasty"].modes["stay"]["ambulatory"].all()
    assert bearing
    assert all(repr(spoken().bound[place].when) in question.content for place in bearing)


def test_coverage_cannot_speak_of_the_technique() -> None:
    text = 'invariants: []\ncoverage:\n  - id: trial.cover\n    when: technique.duration > 1 min\n    besides: [surgery]\n    because: {fr: "a", en: "a"}\n'  # noqa: E501
    with pytest.raises(RulebookError, match="only a rule can speak of the technique"):
        load_files({**rule_files(RULES), "invariants.yaml": text.encode()})


# ---- more danger ----


def test_another_mode_that_a_danger_brings_forward_is_part_of_more_danger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preferred mode that is provisional gains a caution, and one that is eligible is chosen: better, unless they tie."""
    question = of_kind("more-danger")
    assert question.ask(Prover(rulebook())).answer == "proved"
    monkeypatch.setattr(design, "tier", STATUSES.index)
    assert question.ask(Prover(rulebook())).answer == "refuted"


# ---- a solver that gives up has answered nothing ----


@pytest.mark.parametrize("kind", ["adds-something", "consistent"])
def test_what_the_solver_cannot_decide_is_not_told_as_proved(kind: str) -> None:
    class Hesitant(Prover):
        def always(self, world: World, claim: z3.BoolRef) -> Answer:
            return "undecided"

    asked = [question for question in all_questions(rulebook()) if question.kind == kind]
    assert asked
    assert {question.ask(Hesitant(rulebook())).answer for question in asked[:6]} == {"undecided"}


def test_a_patient_whom_no_referral_can_describe_refutes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an option, too: a witness that would be refused leaves the question open."""
    prover = Prover(rulebook())
    monkeypatch.setattr(prover, "case", lambda shown: None)
    world = prover.world(())
    assert prover.refute(world, z3.BoolVal(True)).answer == "undecided"


def test_a_condition_that_is_settled_for_no_technique_is_not_decided() -> None:
    (brief,) = [invariant.when for invariant in spoken().invariants if invariant.id == "trial.brief"]
    assert brief is not None
    assert Prover(rulebook()).never(brief).answer == "undecided"


# ---- what is remembered ----


def key_of(name: str, book: Rulebook) -> str:
    (question,) = [each for each in all_questions(book) if each.id == name]
    return Remembered(None, book, 20.0).key(question)


def of_kind(kind: str) -> Question:
    return next(question for question in all_questions(rulebook()) if question.kind == kind)


def with_rule(name: str, **changes: object) -> Rulebook:
    """The same rulebook, of which one rule says something else. What it is bound to is left as it was."""
    book = rulebook()
    rule = replace(book.rules[name], **changes)  # type: ignore[arg-type]
    bound = tuple(replace(each, rule=rule) if each.rule.id == name else each for each in book.bound)
    return replace(book, rules={**book.rules, name: rule}, bound=bound)


def test_whether_a_contraindication_is_absolute_is_part_of_a_contradiction() -> None:
    question = next(
        question
        for question in all_questions(rulebook())
        if question.kind == "consistent" and rulebook().rules[question.subjects[0]].claim == "favours"
        and rulebook().rules[question.subjects[1]].absolute
    )  # fmt: skip
    relative = with_rule(question.subjects[1], absolute=False, correction=None)
    assert key_of(question.id, relative) != key_of(question.id, rulebook())


def test_a_rule_that_moves_from_one_mode_to_another_is_asked_about_again() -> None:
    """Its condition stays the same, and so does the order of all conditions."""
    book = rulebook()
    name, dossier = next(iter(book.dossiers.items()))
    first, second = list(dossier.modes["anaesthesia"])[:2]
    empty = dossier.own.__class__()
    rule = empty.__class__(excluding=(0,))

    def moved(one: object, other: object) -> Rulebook:
        modes = {**dossier.modes, "anaesthesia": {first: one, second: other}}
        changed = replace(dossier, modes=modes)  # type: ignore[arg-type]
        return replace(book, dossiers={**book.dossiers, name: changed})

    question = f"no-silent-risk:{name}"
    assert key_of(question, moved(rule, empty)) != key_of(question, moved(empty, rule))


def test_how_long_a_technique_takes_is_part_of_what_rules_about_it_say() -> None:
    book = rulebook()
    pairs = Pairs(book)
    question = next(
        question
        for question in all_questions(book)
        if question.kind in ("adds-something", "consistent")
        and any(bound.technique for name in question.subjects for bound in pairs.bound[name])
    )
    name = next(name for name in question.subjects if any(bound.technique for bound in pairs.bound[name]))
    other = replace(
        book,
        bound=tuple(replace(each, when=condition("always")) if each.rule.id == name else each for each in book.bound),
    )
    assert key_of(question.id, other) != key_of(question.id, book)


def test_a_memory_that_holds_no_answer_is_not_believed(tmp_path: Path) -> None:
    memory = tmp_path / "proofs.json"
    question = of_kind("more-danger")
    key = Remembered(None, rulebook(), 20.0).key(question)
    memory.write_text(f'{{"{key}": {{"answer": "perhaps", "seconds": 1.0}}}}', encoding="utf-8")
    assert Remembered(memory, rulebook(), 20.0).answer(question) is None


# ---- processes ----


def test_a_process_that_dies_leaves_its_questions_undecided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(asking._Asker, "answer", die)
    found = prove(rulebook(), only=["more-danger", "cement.pmma-allergy"], jobs=2, memory=tmp_path / "proofs.json")
    assert found
    assert {(finding.answer, finding.grade) for finding in found} == {("undecided", "open")}


def test_who_interrupts_does_not_wait_for_the_questions_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = [question.id for question in all_questions(rulebook()) if "cement.pmma-allergy" in question.subjects]

    def answer(_: object, name: str) -> tuple[str, Proof]:
        if name != first:
            time.sleep(60)
        return name, Proof("proved", 0.0)

    def interrupted(*_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asking._Asker, "answer", answer)
    monkeypatch.setattr(asking, "_parts", lambda questions, size: [[question] for question in questions])
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        prove(rulebook(), only=["cement.pmma-allergy"], jobs=2, progress=interrupted)
    gc.collect()
    assert time.monotonic() - began < 40
    assert not multiprocessing.active_children()


# ---- limits that meet ----


def test_two_limits_one_step_apart_meet_whatever_their_binary_fractions_are() -> None:
    """1.1 and 1.0 lie a little more than 0.1 apart as binary fractions: the gap between them went unasked."""
    item = next(item for item in rulebook().vocabulary if item.type == "number" and item.step == 0.1)
    below, above = (condition(f"{item.id} {limit} {item.unit or ''}") for limit in ("< 1.0", ">= 1.1"))
    book = rulebook()
    one, other = [rule.id for rule in book.rules.values() if rule.claim == "favours"][:2]
    rules: dict[str, Node] = {one: below, other: above}
    changed = replace(
        book,
        rules={name: replace(rule, when=rules[name]) if name in rules else rule for name, rule in book.rules.items()},
    )
    assert (one, other) in [(a.rule, b.rule) for a, b in Pairs(changed).neighbours()]
