"""Decided twice: a fault in either engine is refused, never answered, and the next good request is answered."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from service.decision import Decider
from service.language import meaning
from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.recommend.judge import Disagreement
from service.rulebook import bearing
from service.rulebook.bearing import status_of
from service.run import reading
from service.run.adapter import EngineError, Ruleset
from tests.strategies import Sent, decider, fixture, rulebook, usable_fixtures

REFUSED = (Disagreement, EngineError)


def some_fixtures() -> Iterator[Sent]:
    """Some ordinary ones, one of which much is unknown, and one whose lists are not complete."""
    yield fixture("seed-typical-patient")
    incomplete = fixture("seed-typical-patient")
    for item in rulebook().vocabulary.of("patient").values():
        if item.type == "set":
            incomplete.data["patient"][item.id] = {"items": [], "complete": False}
    yield incomplete
    yield from (fixture(name) for name in usable_fixtures()[::4])


def refuses_some(by: Decider) -> bool:
    for sent in some_fixtures():
        try:
            by.recommend(sent.data, sent.at)
        except REFUSED:
            return True
    return False


def test_a_sound_decider_refuses_none() -> None:
    assert not refuses_some(decider())


# ---- faults in the reference meaning ---------------------------------------------------------------------------------


def _misread(make: Callable[..., meaning.Condition], wrong: Callable[[Verdict], Verdict]) -> Any:
    def made(*arguments: Any) -> meaning.Condition:
        atom = make(*arguments)
        return lambda situation: wrong(atom(situation))

    return made


FAULTS: dict[str, Callable[[Verdict], Verdict]] = {
    "unknown is no": lambda verdict: NO if verdict == UNKNOWN else verdict,
    "unknown is yes": lambda verdict: YES if verdict == UNKNOWN else verdict,
    "no is yes": lambda verdict: YES if verdict == NO else verdict,
    "yes is unknown": lambda verdict: UNKNOWN if verdict == YES else verdict,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("form", ["_flag", "_member", "_includes", "_number", "_since", "_days_since"])
def test_a_criterion_that_the_reference_misreads_is_refused(
    form: str, fault: str, monkeypatch: pytest.MonkeyPatch, misread: dict[str, Decider]
) -> None:
    """Every form of criterion, in every way in which a verdict can be wrong."""
    with monkeypatch.context() as patch:
        patch.setattr(meaning, form, _misread(getattr(meaning, form), FAULTS[fault]))
        tables = {
            scope: meaning.Table(
                meaning.Meaning(rulebook().vocabulary, rulebook().scores),
                [bound.when for bound in rulebook().bound if bound.scope == scope],
            )
            for scope in ("patient", "lesion")
        }
    with monkeypatch.context() as patch:
        patch.setattr(misread["decider"]._judge, "_tables", tables)
        assert refuses_some(misread["decider"])
    good = fixture("seed-typical-patient")
    assert misread["decider"].recommend(good.data, good.at)


@pytest.fixture(scope="module")
def misread() -> dict[str, Decider]:
    """A decider of our own, so that the other tests keep theirs unspoilt."""
    return {"decider": Decider(rulebook())}


def test_one_misread_criterion_names_its_rules_and_no_value_of_the_patient(
    misread: dict[str, Decider], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = misread["decider"]._judge
    shared = judge._tables["patient"]
    sent = fixture("platelets-32")
    leaf = next(leaf for leaf in shared._index if getattr(leaf, "text", "") == "blood.platelets < 50 G/L")
    atoms = list(shared._atoms)
    atoms[shared._index[leaf]] = lambda situation: NO
    with monkeypatch.context() as patch:
        patch.setattr(shared, "_atoms", atoms)
        with pytest.raises(Disagreement) as refused:
            misread["decider"].recommend(sent.data, sent.at)
    assert any("platelets" in rule for rule in refused.value.what)
    assert set(refused.value.what) <= set(rulebook().rules)
    assert "32" not in str(refused.value)
    assert misread["decider"].recommend(sent.data, sent.at)


# ---- faults in the engine --------------------------------------------------------------------------------------------


def _dropping(conclude: Any) -> Any:
    def dropped(self: Ruleset, values: Mapping[str, float]) -> set[str]:
        fired: set[str] = conclude(self, values)
        return fired - {max(fired)} if fired else fired

    return dropped


def _adding(conclude: Any) -> Any:
    def added(self: Ruleset, values: Mapping[str, float]) -> set[str]:
        fired: set[str] = conclude(self, values)
        known = {name.partition("/")[0] for name in self._definition}
        others = sorted(known - fired)
        return {*fired, others[0]} if others else fired

    return added


def _swapping(conclude: Any) -> Any:
    def swapped(self: Ruleset, values: Mapping[str, float]) -> set[str]:
        opposite = {"+": "-", "-": "+"}
        return {opposite.get(name[0], name[0]) + name[1:] for name in conclude(self, values)}

    return swapped


@pytest.mark.parametrize("fault", [_dropping, _adding, _swapping], ids=lambda fault: fault.__name__.strip("_"))
def test_a_conclusion_that_the_engine_gets_wrong_is_refused(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = fixture("seed-typical-patient")
    with monkeypatch.context() as patch:
        patch.setattr(Ruleset, "conclude", fault(Ruleset.conclude))
        with pytest.raises(REFUSED):
            decider().recommend(sent.data, sent.at)
    assert decider().recommend(sent.data, sent.at)


def test_an_unknown_value_that_the_engine_is_told_as_no_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = reading.properties_of

    def guessing(known: Any, vocabulary: Any) -> dict[str, float]:
        guesses = {item.id: 0.0 for item in vocabulary if item.type == "flag"}
        return {**guesses, **honest(known, vocabulary)}

    sent = fixture("seed-typical-patient")
    with monkeypatch.context() as patch:
        patch.setattr(reading, "properties_of", guessing)
        with pytest.raises(REFUSED):
            decider().recommend(sent.data, sent.at)
    assert decider().recommend(sent.data, sent.at)


def test_a_status_that_the_reference_gets_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A danger in the summing up, not in any rule: unknown questions taken for none."""
    sent = fixture("platelets-unknown")
    with monkeypatch.context() as patch:
        patch.setattr(
            "service.recommend.options.status_of", lambda bears: status_of(bears._replace(asked=NO, excluding=NO))
        )
        with pytest.raises(Disagreement, match="status"):
            decider().recommend(sent.data, sent.at)
    assert decider().recommend(sent.data, sent.at)
    assert bearing.status_of is status_of


def test_an_engine_that_fails_is_refused_and_serves_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = fixture("seed-typical-patient")

    def broken(known: Any, vocabulary: Any) -> dict[str, float]:
        return {item.id: float("nan") for item in vocabulary if item.type == "number"}

    before = decider().recommend(sent.data, sent.at)[0]
    with monkeypatch.context() as patch:
        patch.setattr(reading, "properties_of", broken)
        for _ in range(5):
            with pytest.raises(EngineError):
                decider().recommend(sent.data, sent.at)
    after = decider().recommend(sent.data, sent.at)[0]
    assert [lesion.judgement.verdicts for lesion in after.lesions] == [
        lesion.judgement.verdicts for lesion in before.lesions
    ]
