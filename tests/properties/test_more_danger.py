"""More danger never helps: a danger that is added moves no option up, and one that is removed moves none down.

Two ways to add one: a rule about a real patient is given a worse verdict, or a committee writes one rule more.
"""

import copy
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decision import Decider
from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.open_items import OpenItem
from service.recommend.judge import LesionJudgement
from service.recommend.options import OptionMaker
from service.recommend.ranking import Ranked, rank
from service.recommend.recommendation import LesionRecommendation
from service.rulebook.load import load_rulebook
from service.rulebook.model import STATUSES
from tests.strategies import RULES, Sent, examples, fixture, recommended, referrals, rulebook, usable_fixtures

#: of what an unknown danger wants to know: an item that must be asked, and one that is verified just before the act
ASKED, VERIFIED = "blood.platelets", "allergies"


def with_verdict(judgement: LesionJudgement, place: int, verdict: Verdict, item: str) -> LesionJudgement:
    """The same judgement with another verdict of one rule; when that is unknown, for want of `item`."""
    edited = copy.copy(judgement)
    edited.__dict__.pop("to_verify", None)
    edited.verdicts = [verdict if at == place else was for at, was in enumerate(judgement.verdicts)]
    edited._open = {**judgement._open, place: frozenset({OpenItem(None, item)} if verdict == UNKNOWN else ())}
    edited._possible_items = [
        frozenset({item}) if at == place else items for at, items in enumerate(judgement._possible_items)
    ]
    return edited


def ranked_again(lesion: LesionRecommendation, judgement: LesionJudgement) -> list[Ranked]:
    maker = OptionMaker(rulebook(), judgement, lesion.maker._at)
    return rank(maker.options(), rulebook(), judgement, maker)


def helped(safer: Iterable[Ranked], worse: Iterable[Ranked], touched: set[str]) -> list[str]:
    """Options that the danger of `worse` has moved up."""
    before = {ranked.option.technique.id: ranked for ranked in safer}
    after = {ranked.option.technique.id: ranked for ranked in worse}
    found = []
    for name, was in before.items():
        now = after[name]
        old, new = ([value for _, value in entry.keys] for entry in (was, now))
        if new < old:
            found.append(f"{name}: {was.keys} became {now.keys}")
        if name not in touched and was.option.status != now.option.status:
            found.append(f"{name} is not concerned, and was {was.option.status}, is {now.option.status}")
        if STATUSES.index(now.option.status) < STATUSES.index(was.option.status) and (
            was.option.status,
            now.option.status,
        ) != ("provisional", "eligible"):
            found.append(f"{name}: {was.option.status} became {now.option.status}")
    for name in touched & before.keys():
        found += [
            f"{name} has passed {other}"
            for other in before.keys() - touched
            if before[name].rank > before[other].rank and after[name].rank < after[other].rank
        ]
    return found


def dangers() -> list[int]:
    """Places of the rules that only stand against something."""
    return [bound.place for bound in rulebook().bound if bound.rule.claim in ("contraindicates", "preempts")]


def touched_by(place: int) -> set[str]:
    return {
        name
        for name, dossier in rulebook().dossiers.items()
        if any(
            place in arguments.all()
            for arguments in (dossier.own, *(mode for kind in dossier.modes.values() for mode in kind.values()))
        )
    }


@examples(25)
@given(referrals(), st.randoms(use_true_random=False), st.sampled_from([ASKED, VERIFIED]))
def test_a_worse_verdict_of_a_danger_moves_no_option_up(sent: Sent, random, item: str) -> None:
    for lesion in recommended(sent).lesions:
        for place in random.sample(dangers(), 7):
            verdicts: list[Verdict] = [NO, UNKNOWN, YES]
            orders = [ranked_again(lesion, with_verdict(lesion.judgement, place, to, item)) for to in verdicts]
            for safer, worse in ((0, 1), (1, 2), (0, 2)):
                rule = rulebook().bound[place].rule.id
                assert helped(orders[safer], orders[worse], touched_by(place)) == [], (rule, safer, worse)


BECAUSE = (
    "because: {fr: Un danger de plus, en: One danger more}\n"
    "    evidence: {certainty: consensus, sources: [PRACTICE], verified: false}"
)
ADDED = {
    "absolute": "contraindicates: {trait: cement}\n    severity: absolute\n    when: pain.nrs >= 4",
    "correctable in a month": "contraindicates: {anaesthesia: general}\n    severity: absolute\n    when: always\n"
    "    correctable: {by: {fr: Attendre, en: Wait}, lead_time: 30 d}",
    "mode excluded": "contraindicates: {anaesthesia: neuroleptanalgesia}\n    severity: absolute\n    when: always",
    "relative": "contraindicates: {trait: needle}\n    severity: relative\n    when: patient.age > 60 y\n"
    "    precaution: {fr: Surveiller, en: Watch}",
    "alert": "preempts: {trait: cement}\n    when: lesion.fracture\n    within: 4 h\n"
    "    label: {fr: Alerte, en: Alert}\n    action: {fr: Agir, en: Act}",
}


def with_rules(folder: Path, *rules: str) -> Decider:
    """The project's rules and these."""
    shutil.copytree(RULES, folder)
    (folder / "safety" / "added.yaml").write_text(
        "topic: added\nlabel: {fr: Ajout, en: Addition}\nrules:\n"
        + "".join(f"  - id: added.danger{at or ''}\n    {rule}\n    {BECAUSE}\n" for at, rule in enumerate(rules)),
        encoding="utf-8",
    )
    return Decider(load_rulebook(folder))


@pytest.mark.parametrize("kind", ADDED)
def test_a_rule_that_is_added_to_the_rulebook_moves_no_option_up(kind: str, tmp_path: Path) -> None:
    stricter = with_rules(tmp_path / "rules", ADDED[kind])
    place = next(bound.place for bound in stricter.rulebook.bound if bound.rule.id == "added.danger")
    touched = {
        name
        for name, dossier in stricter.rulebook.dossiers.items()
        if any(
            place in arguments.all()
            for arguments in (dossier.own, *(mode for modes in dossier.modes.values() for mode in modes.values()))
        )
    }
    assert touched
    for name in usable_fixtures()[::7]:
        sent = fixture(name)
        for before, after in zip(recommended(sent).lesions, recommended(sent, stricter).lesions, strict=True):
            assert helped(before.ranked, after.ranked, touched) == [], name


def deferring(mode: str, wait: str) -> str:
    return (
        f"contraindicates: {{anaesthesia: {mode}}}\n    severity: absolute\n    when: always\n"
        f"    correctable: {{by: {{fr: Attendre, en: Wait}}, lead_time: {wait}}}"
    )


def test_a_mode_that_is_excluded_brings_no_option_forward(tmp_path: Path) -> None:
    """When every mode is deferred, excluding the one that waits longest must not make the act possible sooner."""
    waits = [deferring("neuroleptanalgesia", "40 d"), deferring("local", "1 d"), deferring("general", "1 d")]
    before = with_rules(tmp_path / "before", *waits)
    after = with_rules(
        tmp_path / "after",
        *waits,
        "contraindicates: {anaesthesia: neuroleptanalgesia}\n    severity: absolute\n    when: always",
    )
    for name in usable_fixtures()[::12]:
        sent = fixture(name)
        pairs = zip(recommended(sent, before).lesions, recommended(sent, after).lesions, strict=True)
        for safer, worse in pairs:
            assert helped(safer.ranked, worse.ranked, {*rulebook().techniques}) == [], name
