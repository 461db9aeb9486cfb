"""Sound on partial data: what is said before everything is known is still true when it is."""

from hypothesis import given
from hypothesis import strategies as st

from service.language.kleene import UNKNOWN
from service.recommend.recommendation import Recommendation
from tests.strategies import (
    Sent,
    completed,
    examples,
    fixture,
    fixture_names,
    guided,
    recommended,
    referrals,
    rulebook,
    seeded,
)


def differences(before: Recommendation, after: Recommendation, *, everything_known: bool) -> list[str]:
    """What `before` claimed and `after`, which knows more, contradicts."""
    found = []
    for partial, complete in zip(before.lesions, after.lesions, strict=True):
        for bound in rulebook().bound:
            was, became = partial.judgement.verdicts[bound.place], complete.judgement.verdicts[bound.place]
            if was not in (UNKNOWN, became):
                found.append(f"{bound.rule.id}: {was} became {became}")
        now = {ranked.option.technique.id: ranked.option for ranked in complete.ranked}
        for ranked in partial.ranked:
            option, later = ranked.option, now[ranked.option.technique.id]
            name = option.technique.id
            if not later.possible <= option.possible:
                found.append(f"{name}: {sorted(later.possible - option.possible)} was not possible")
            if everything_known and later.status not in option.possible:
                found.append(f"{name}: {later.status} was not among {sorted(option.possible)}")
            # What the answer calls final.
            if option.possible == {option.status} and later.status != option.status:
                found.append(f"{name}: {option.status} was final and became {later.status}")
    return found


@examples(40)
@given(referrals(), st.integers(0, 2**32))
def test_every_completion_ends_in_a_status_that_was_said_to_be_possible(sent: Sent, seed: int) -> None:
    before = recommended(sent)
    complete = completed(sent, before.case, seeded(seed))
    assert differences(before, recommended(complete), everything_known=True) == []


@examples(40)
@given(referrals(), st.integers(0, 2**32), st.sampled_from([0.03, 0.2, 0.6]))
def test_learning_a_little_more_never_contradicts_what_was_said(sent: Sent, seed: int, share: float) -> None:
    before = recommended(sent)
    told = completed(sent, before.case, seeded(seed), share=share)
    assert differences(before, recommended(told), everything_known=False) == []


@examples(60)
@given(fixture_names(), st.integers(0, 2**32), st.sampled_from([1, 2, 5, 20, 100]))
def test_a_real_referral_is_a_completion_of_itself_with_less_told(name: str, seed: int, count: int) -> None:
    whole, less = fixture(name), fixture(name)
    random = seeded(seed)
    for part in (less.data["patient"], *less.data["lesions"]):
        names = sorted(set(part) - {"id"})
        for item in random.sample(names, min(count, len(names))):
            del part[item]
    assert differences(recommended(less), recommended(whole), everything_known=False) == []


@examples(25)
@given(guided(), st.integers(0, 2**32))
def test_nothing_is_unknown_or_asked_once_everything_is_told(sent: Sent, seed: int) -> None:
    after = recommended(completed(sent, recommended(sent).case, seeded(seed)))
    assert not after.questions
    for lesion in after.lesions:
        assert UNKNOWN not in lesion.judgement.verdicts
        assert all(ranked.option.status not in ("undetermined", "provisional") for ranked in lesion.ranked)
        assert all(ranked.option.possible == {ranked.option.status} for ranked in lesion.ranked)
