"""Drawn patients could exist: what goes together goes together, and nothing contradicts `rules/impossible.yaml`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from service.cohort.generate.conditions import Verdicts
from service.cohort.generate.design import Along
from service.cohort.generate.streams import Streams
from service.cohort.generate.truth import _Drawing, draw
from service.language.condition import read_condition
from service.language.kleene import NO, YES
from service.language.meaning import Meaning, situations
from service.language.parser import Words
from service.language.tree import Node
from service.referral.case import CaseMaker
from service.referral.schema import ReferralReader
from tests.cohort.generate.made import AT, columns, design, plan, truth, wanted
from tests.strategies import rulebook

PATIENTS = 12_000


@pytest.fixture(scope="module")
def drawing() -> _Drawing:
    made = _Drawing(plan(), Streams(3, 0), PATIENTS)
    made.draw()
    return made


def asked(drawing: _Drawing, text: Any, scope: Any) -> Verdicts:
    mistakes: list[Any] = []
    node = read_condition(text, Words(rulebook().vocabulary, {}, {}), lambda path, error: mistakes.append(error))
    assert not mistakes
    return drawing._rows.ask(node, scope)


def test_nobody_is_impossible(drawing: _Drawing) -> None:
    for entry in rulebook().impossible:
        assert not drawing._rows.ask(entry.when, entry.scope).yes.any(), entry.id


@pytest.mark.parametrize(
    ("never", "scope"),
    [
        ({"all": ["lesion.site is vertebra", "lesion.level in [S1, S2, S3, S4, S5]"]}, "lesion"),
        ({"all": ["lesion.site not in [vertebra, sacrum]", "lesion.level not in [C1]"]}, "lesion"),
        ({"all": ["patient.sex is male", {"not": "patient.pregnant"}]}, "patient"),
        ({"all": [{"not": "lesion.radiotherapy_received"}, "lesion.radiotherapy_failed"]}, "lesion"),
        ({"all": ["cardiac.stent is none", "days_since(cardiac.stent_date) >= 0"]}, "patient"),
        ({"all": [{"not": "medications includes warfarin"}, "days_since(last_dose.warfarin) >= 0"]}, "patient"),
        ({"all": [{"not": "opioids includes morphine"}, "dose.morphine >= 0 mg/d"]}, "patient"),
    ],
)  # fmt: skip
def test_what_excludes_one_another_never_comes_together(drawing: _Drawing, never: Any, scope: Any) -> None:
    assert not asked(drawing, never, scope).yes.any()


def test_neutrophils_are_no_more_than_the_white_cells() -> None:
    patients, _ = columns(2500, 0.0)
    units = rulebook().vocabulary["blood.neutrophils"]
    pairs = zip(
        *(patients[f"blood__{name}{what}"] for name in ("neutrophils", "white_cells") for what in ("", "__unit")),
        strict=True,
    )
    for part, part_unit, whole, whole_unit in pairs:
        assert units.in_unit(part, part_unit) <= units.in_unit(whole, whole_unit) + 0.1


def test_each_drug_has_its_last_dose_and_each_opioid_its_dose() -> None:
    patients, _ = columns(2500, 0.0)
    for prefix, kept in (("last_dose__", "medications"), ("dose__", "opioids")):
        for name in [name for name in patients if name.startswith(prefix) and "__" not in name.removeprefix(prefix)]:
            word = name.removeprefix(prefix)
            takes = [word in words for words in patients[kept]]
            assert [value is not None for value in patients[name]] == takes, name
            assert any(takes) or word == "dabigatran", name


def test_no_two_lesions_of_a_patient_are_the_same_vertebra() -> None:
    _, lesions = columns(2500, 0.0)
    pairs = [pair for pair in zip(lesions["patient"], lesions["lesion__level"], strict=True) if pair[1] is not None]
    assert len(pairs) == len(set(pairs)) > 2000


def test_published_figures_are_met(drawing: _Drawing) -> None:
    # Of symptomatic metastases of the spine 70 % are thoracic, 20 % lumbar, 10 % cervical (MEDSCAPE).
    vertebrae = asked(drawing, "lesion.site is vertebra", "lesion").yes
    for letter, number, share in (("T", 12, 70), ("L", 5, 20), ("C", 7, 10)):
        levels = ", ".join(f"{letter}{at + 1}" for at in range(number))
        here = asked(drawing, f"lesion.level in [{levels}]", "lesion").yes
        assert 100 * here[vertebrae].mean() == pytest.approx(share, abs=2.5)
    # Lesions outside the spine measure 45 mm on average (EXTRA19).
    own = next(each for each in design().drawn if each.item.id == "lesion.size")
    assert isinstance(own.cases[-1].draw, Along)
    size = truth(PATIENTS).codes["lesion.size"]
    values = next(each for each in plan().items if each.drawn.item.id == "lesion.size").table
    assert values is not None
    assert values.values[size[~vertebrae]].mean() == pytest.approx(45, abs=4)


def test_fewer_patients_are_the_first_of_more() -> None:
    few, many = draw(plan(), Streams(3, 0), 700), truth(PATIENTS)
    assert (few.owner == many.owner[: len(few.owner)]).all()
    for item, codes in few.codes.items():
        assert (codes == many.codes[item][: len(codes)]).all(), item


# ---- the conditions of the file mean what the same conditions mean in a rule ----


def conditions() -> Iterator[tuple[Node, str]]:
    for each in design().drawn:
        whens = [*(case.when for case in each.cases), *(handful.when for handful in each.handfuls), each.applies]
        yield from ((when, each.item.scope) for when in whens if when is not None)


def test_conditions_agree_with_the_reference_meaning() -> None:
    book, number = rulebook(), 120
    from service.cohort.generate.referrals import referrals

    made = _Drawing(plan(), Streams(3, 0), number)
    made.draw()
    meaning, reader, maker = Meaning(book.vocabulary, {}), ReferralReader(book.vocabulary), CaseMaker(book)
    whens = [(node, scope, made._rows.ask(node, scope)) for node, scope in conditions()]
    seen = 0
    for at, (_, referral) in enumerate(referrals(design(), book, wanted(number, 0.0))):
        patient, lesions = situations(maker.make(reader.read(referral), AT))
        # The API sorts lesions by their id, as a text.
        ids = [f"lesion-{number + 1}" for number in range(len(lesions))]
        rows = np.flatnonzero(made._truth.owner == at)[[ids.index(each) for each in sorted(ids)]]
        for node, scope, verdicts in whens:
            held = meaning.condition(node)
            pairs = [(patient, at)] if scope == "patient" else list(zip(lesions, rows, strict=True))
            for situation, row in pairs:
                verdict = held(situation)
                assert verdicts.yes[row] == (verdict == YES)
                assert verdicts.no[row] == (verdict == NO)
                seen += verdict == YES
    assert seen > 2500
