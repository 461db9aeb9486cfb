"""The sentences that a committee reads, written here by hand."""

from itertools import chain

import pytest

from service.rulebook.model import Rulebook
from service.workbench.borderline.case import Case
from service.workbench.borderline.told import Telling


@pytest.fixture(scope="module")
def told(rulebook: Rulebook, cases):
    """The sentence for a rule's criterion on something, with ordinary spaces."""
    telling = {language: Telling(rulebook, language) for language in ("fr", "en")}

    def told(rule: str, on: str, language: str, at: int = 0) -> str:
        found = [case for case in cases[rule] if case.on == on]
        return telling[language].case(found[at]).replace("\u00a0", " ")

    return told


@pytest.mark.parametrize(
    ("rule", "on", "fr", "en"),
    [
        (
            "bleeding.platelets-low",
            "blood.platelets",
            "Plaquettes 49 G/L : la règle s’applique ; 50 G/L : elle ne s’applique pas ; non connu : elle reste ouverte.",
            "Platelets 49 G/L: the rule holds; 50 G/L: it does not; not known: it stays open.",
        ),
        (
            "bleeding.clotting-one-test",
            "blood.pt_activity",
            "Taux de prothrombine (TP) 59 % : la règle s’applique ; 60 % : elle ne s’applique pas ; "
            "non connu : elle reste ouverte, chez un patient par ailleurs avec INR 1,4.",
            "Prothrombin activity (PT %) 59 %: the rule holds; 60 %: it does not; "
            "not known: it stays open, in a patient otherwise with INR 1.4.",
        ),
        (
            "bleeding.platelets-refractory",
            "blood.platelets_refractory",
            "État réfractaire aux transfusions plaquettaires, oui : la règle s’applique ; non : elle ne s’applique pas ; "
            "non connu : elle reste ouverte, chez un patient par ailleurs avec plaquettes 40 G/L.",
            "Refractory to platelet transfusion, yes: the rule holds; no: it does not; "
            "not known: it stays open, in a patient otherwise with platelets 40 G/L.",
        ),
        (
            "antiplatelet.clopidogrel-hold",
            "last_dose.clopidogrel",
            "Dernière prise de clopidogrel, à J-4 : la règle s’applique ; à J-5 : elle ne s’applique pas ; "
            "non connu : elle reste ouverte, chez un patient par ailleurs avec traitements en cours : clopidogrel.",
            "Last intake of clopidogrel, on D-4: the rule holds; on D-5: it does not; "
            "not known: it stays open, in a patient otherwise with current medication: clopidogrel.",
        ),
        (
            "general.long",
            "technique.duration",
            "Durée du geste 91 min : la règle s’applique ; 90 min : elle ne s’applique pas.",
            "Duration of the act 91 min: the rule holds; 90 min: it does not.",
        ),
        (
            "peripheral_neurolysis.brachial-plexus",
            "lesion.site",
            "Siège de la lésion, clavicule ou scapula : la règle s’applique ; toute autre réponse : elle ne s’applique pas ; "
            "non connu : elle reste ouverte.",
            "Site of the lesion, clavicle or scapula: the rule holds; any other answer: it does not; "
            "not known: it stays open.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_a_case_in_one_sentence(told, rule: str, on: str, fr: str, en: str) -> None:
    assert told(rule, on, "fr") == fr
    assert told(rule, on, "en") == en


def test_any_other_is_told_after_what_it_is_other_than(told) -> None:
    assert told("embolisation.kidney-thyroid", "lesion.site", "en").startswith(
        "Site of the lesion, upper abdomen (visceral pain): the rule does not hold; any other answer: it does; "
    )


def test_a_score_with_parts_missing(told) -> None:
    text = told("alert.unstable-spine", "score.sins", "en")
    assert (
        "(SINS) 13 points: the rule holds; 12 points: it does not; between 12 and 13 points, with parts missing:"
        in text
    )


def test_a_list_that_holds_all_other_words_is_told_by_what_it_lacks(told) -> None:
    text = told("anticoagulant.apixaban-hold", "medications", "fr")
    assert "apixaban : la règle s’applique ; liste complète sans apixaban : elle ne s’applique pas" in text


def test_one_lesion_more_is_told_apart_from_the_others(told) -> None:
    text = told("spine.many-levels", "lesions", "en", at=1)
    assert text.startswith("Beside lesions (3 with site of the lesion: vertebra and ")
    assert "), one more with site of the lesion: vertebra" in text
    assert "with site of the lesion: other than vertebra" in text


def test_french_colons_do_not_begin_a_line(rulebook: Rulebook, cases) -> None:
    text = Telling(rulebook, "fr").case(cases["bleeding.platelets-low"][0])
    assert "\u00a0:" in text
    assert " :" not in text


def test_every_case_and_every_rule_can_be_told(rulebook: Rulebook, cases) -> None:
    for language in ("fr", "en"):
        telling = Telling(rulebook, language)
        for case in chain.from_iterable(cases.values()):
            text = telling.case(case)
            assert text.endswith(".")
            assert "None" not in text
            assert case.on == "lesions" or case.on not in text
        assert all(telling.follows(rule).endswith(".") for rule in rulebook.rules.values())


def test_a_criterion_on_which_no_patient_turns(rulebook: Rulebook, found) -> None:
    criterion = next(each.criterion for each in found["alert.unstable-spine"] if not isinstance(each, Case))
    assert criterion in Telling(rulebook, "fr").undecisive(criterion)
    assert "No possible patient turns on" in Telling(rulebook, "en").undecisive(criterion)
