"""The service takes every drawn patient, and the rules meet patients for whom they hold."""

from collections import Counter

import pytest

from service.cohort.generate.referrals import referrals
from service.language.kleene import YES
from service.language.meaning import Meaning, situations
from service.referral.case import CaseMaker
from service.referral.schema import ReferralReader
from service.rulebook.model import STATUSES
from tests.cohort.generate.made import AT, design, wanted
from tests.strategies import decider, rulebook


def test_nine_rules_in_ten_hold_for_somebody_among_200_complete_patients() -> None:
    # Measured: 96 % of those that anybody can fulfil among 300, 99.8 % among 20 000 (docs/synthetic-cohorts.md).
    book = rulebook()
    meaning, reader, maker = Meaning(book.vocabulary, book.scores), ReferralReader(book.vocabulary), CaseMaker(book)
    waiting = {
        place: (bound.rule.id, meaning.condition(bound.when))
        for place, bound in enumerate(book.bound)
        if bound.rule.dormant is None
    }
    rules = {rule for rule, _ in waiting.values()}
    met: set[str] = set()
    for _, referral in referrals(design(), book, wanted(200, 0.0)):
        for situation in situations(maker.make(reader.read(referral), AT))[1]:
            held = {rule for rule, holds in waiting.values() if rule not in met and holds(situation) == YES}
            met |= held
        waiting = {place: each for place, each in waiting.items() if each[0] not in met}
    assert len(met) >= 0.9 * len(rules), sorted(rules - met)


@pytest.mark.parametrize(("odds", "faults"), [(0.0, 0.0), (1.0, 0.0), (4.0, 0.3)])
def test_the_service_decides_every_drawn_patient(odds: float, faults: float) -> None:
    book = rulebook()
    reader, maker = ReferralReader(book.vocabulary), CaseMaker(book)
    for number, (patient, referral) in enumerate(referrals(design(), book, wanted(80, odds, faults)), 1):
        assert patient == f"synthetic-{number:07d}"
        # Raises when anything of it is refused.
        maker.make(reader.read(referral), AT)


def test_statuses_of_all_kinds_come_of_them() -> None:
    found: Counter[str] = Counter()
    for odds in (0.0, 1.0):
        for _, referral in referrals(design(), rulebook(), wanted(10, odds)):
            recommendation, _ = decider().recommend(referral, AT)
            found.update(ranked.option.status for lesion in recommendation.lesions for ranked in lesion.ranked)
    assert set(found) == set(STATUSES)
