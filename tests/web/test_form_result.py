"""How a recommendation is shown: the same statuses in the same order, in one language, with nothing hidden and nothing promised."""

import copy
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.rulebook.model import MODE_KINDS, STATUSES
from service.tell.answer import OFFERED, Answer
from service.web.form import result_sheet
from service.web.form.result import OPEN_CARDS, View, view
from service.web.form.result_sheet import MOST_LESIONS
from service.web.form.result_words import badge, interval, moment, typeset
from tests.fixtures.reading import ROOT, accepted, answered, decider

LANGUAGES = ("fr", "en")
#: A4 between the margins of print.css
PAGE_MILLIMETRES = 297 - 2 * 9
SPARSE = {
    "recorded_at": "2026-11-23",
    "lesions": [
        {
            "id": "L2",
            "lesion.site": "vertebra",
            "lesion.level": "L2",
            "pain.nrs": 8,
            "lesion.matrix": "lytic",
            "pain.mechanical": True,
        }
    ],
    "patient": {"medications": {"items": ["apixaban"]}},
}
VOID = {"meta", "link", "circle", "path", "br", "input"}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(ROOT / "service" / "web" / "templates"), autoescape=True, undefined=StrictUndefined
)
_RESULT = _ENVIRONMENT.from_string('{% from "form/result.html" import result with context %}{{ result(view) }}')
_TRACE = _ENVIRONMENT.from_string('{% from "form/trace.html" import trace with context %}{{ trace(view) }}')
_PRINT = _ENVIRONMENT.get_template("form/print.html")


def context(language: str) -> dict[str, Any]:
    """What the page gives to every template."""
    return {
        "language": language,
        "t": lambda fr, en: en if language == "en" else fr,
        "field_href": lambda item, lesion=None: f"#f-{lesion or 'patient'}-{item}",
        "asset": lambda name: f"/static/{name}",
    }


def viewed(answer: Answer, labels: dict[str, str] | None = None) -> View:
    return view(answer, decider().rulebook, answer["language"], labels or {})


def shown(answer: Answer, labels: dict[str, str] | None = None) -> str:
    return _RESULT.render(view=viewed(answer, labels), **context(answer["language"]))


def traced(answer: Answer, labels: dict[str, str] | None = None) -> str:
    return _TRACE.render(view=viewed(answer, labels), **context(answer["language"]))


def printed(answer: Answer, labels: dict[str, str] | None = None, facts: Any = ()) -> str:
    return _PRINT.render(view=viewed(answer, labels), facts=facts, record="0" * 32, **context(answer["language"]))


def sparse(language: str, detail: str = "decisive") -> Answer:
    """A referral as they mostly come: hardly anything is known."""
    at = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
    return decider().decide(SPARSE, at, language, detail)  # type: ignore[arg-type]


class Page(HTMLParser):
    """Collects what a browser would run, style, jump to or leave open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.details: list[str | None] = []
        self.forbidden: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag == "a":
            self.targets.append(str(values["href"]))
        if tag == "details":
            self.details.append(values.get("id"))
        self.forbidden += [name for name in values if name == "style" or name.startswith("on")]
        self.forbidden += [tag] if tag in ("script", "style", "iframe") else []
        self.forbidden += [str(value) for value in values.values() if str(value).startswith(("data:", "javascript:"))]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def cards(answer: Answer) -> Iterator[tuple[Answer, Any]]:
    """Every offered option of an answer with its card."""
    for told, lesion in zip(answer["lesions"], viewed(answer).lesions, strict=True):
        offered = [option for option in told["options"] if option["status"] in OFFERED]
        yield from zip(offered, lesion.offered, strict=True)


# ---- faithful ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", accepted())
def test_the_view_has_the_statuses_and_the_order_of_the_answer(name: str, language: str) -> None:
    answer = answered(name, language)
    for told, lesion in zip(answer["lesions"], viewed(answer).lesions, strict=True):
        seen = [(card.rank, card.technique, card.badge.status) for card in lesion.offered]
        seen += [(each.rank, each.technique, group.badge.status) for group in lesion.rest for each in group.options]
        offered = [option for option in told["options"] if option["status"] in OFFERED]
        rest = [option for option in told["options"] if option["status"] not in OFFERED]
        assert seen == [(each["rank"], each["technique"], each["status"]) for each in offered + rest]
        assert len(lesion.cards) == min(OPEN_CARDS, len(offered))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", accepted())
def test_what_is_shown_runs_nothing_styles_nothing_and_is_well_formed(name: str, language: str) -> None:
    answer = answered(name, language)
    for text in (shown(answer), printed(answer, facts=[("Âge", "61 ans")])):
        page = Page(text)
        assert not page.forbidden
        assert not page.open
        assert "style=" not in text
        assert [each for each, count in Counter(page.ids).items() if count > 1] == []
        assert None not in page.details
        assert {target[1:] for target in page.targets if not target.startswith("#f-")} <= set(page.ids)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", accepted()[::24])
def test_so_is_the_trace(name: str, language: str) -> None:
    text = traced(answered(name, language, "full"))
    page = Page(text)
    assert not page.forbidden
    assert not page.open
    assert "style=" not in text
    assert [each for each, count in Counter(page.ids).items() if count > 1] == []
    assert None not in page.details
    assert {target[1:] for target in page.targets} <= set(page.ids)


@pytest.mark.parametrize("name", accepted()[::8])
def test_an_english_page_has_no_french_punctuation(name: str) -> None:
    answer = answered(name, "en")
    for text in (shown(answer), printed(answer)):
        assert not re.search(r"\u00a0[:;?!]", text)
        assert not re.search(r"\d,\d", text)


def test_a_french_page_never_begins_a_line_with_a_colon() -> None:
    for name in accepted()[::8]:
        for text in (shown(answered(name, "fr")), printed(answered(name, "fr"))):
            words = re.sub(r"<[^>]+>", "", text)
            assert not re.search(r"\w [:;?!%]", words)


def test_result_and_trace_can_stand_on_one_page() -> None:
    answer = answered("five-vertebrae", "fr", "full")
    ids = Page(shown(answer) + traced(answer)).ids
    assert len(ids) == len(set(ids))


# ---- escaped ----------------------------------------------------------------------------------------------------------


def test_nothing_that_was_typed_is_taken_for_markup() -> None:
    labels = {"L2": "<u>L2</u>", "T12": "<u>T12</u>", "L5": "<u>L5</u>"}
    for name in ("apixaban-yesterday", "two-lesions-one-unstable"):
        answer = answered(name, "fr", "full")
        for text in (shown(answer, labels), traced(answer, labels), printed(answer, labels, [("<u>", "<i>x</i>")])):
            assert "<u>T12" not in text
            assert "<u>L2" not in text
            assert "<i>x" not in text
            assert "&lt;u&gt;" in text


def test_a_hostile_answer_is_escaped() -> None:
    answer = copy.deepcopy(answered("apixaban-yesterday", "fr"))
    answer["lesions"][0]["options"][0]["label"] = "<script>alert(1)</script>"
    answer["lesions"][0]["options"][0]["corrections"][0]["by"] = '"><img src=x>'
    for text in (shown(answer), printed(answer)):
        assert "<script>" not in text
        assert "<img" not in text


# ---- signs and words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_status_has_a_sign_and_a_word_of_its_own(language: str) -> None:
    module = _ENVIRONMENT.get_template("form/result.html").make_module(context(language))
    signs = {status: str(module.sign(status)) for status in STATUSES}  # type: ignore[attr-defined]
    assert len(set(signs.values())) == len(STATUSES)
    assert all("<path" in sign and 'aria-hidden="true"' in sign for sign in signs.values())
    words = {status: badge(status, language).word for status in STATUSES}
    assert len(set(words.values())) == len(STATUSES)
    for status in STATUSES:
        text = str(module.status(badge(status, language)))  # type: ignore[attr-defined]
        assert signs[status] in text
        assert words[status] in text


def test_an_alert_is_told_in_words_with_what_to_do_and_how_fast() -> None:
    for language, word in (("fr", "ALERTE"), ("en", "ALERT")):
        answer = answered("alert-cord-compression", language)
        (alert,) = answer["alerts"]
        for text in (shown(answer), printed(answer)):
            assert word in text
            assert typeset(alert["action"]) in text
            assert alert["within"] in text
        assert text.index(alert["label"]) < text.index(answer["lesions"][0]["options"][0]["label"])
        assert all(f'href="#src-{source}"' in shown(answer) for source in alert["sources"])


def test_an_alert_without_a_checked_figure_says_so() -> None:
    answer = answered("alert-hypercalcaemia", "fr")
    assert not answer["alerts"][0]["verified"]
    section = shown(answer).partition("r-lesion")[0]
    assert "chiffre non vérifié" in section
    assert "chiffre non vérifié" not in shown(answered("alert-cord-compression", "fr")).partition("r-lesion")[0]


# ---- unchecked figures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", accepted())
def test_a_card_is_marked_exactly_when_something_behind_it_is_unchecked(name: str) -> None:
    answer = answered(name, "fr")
    module = _ENVIRONMENT.get_template("form/result.html").make_module(context("fr"))
    for option, card in cards(answer):
        unchecked = bool(option["unverified"]) or any(not each["verified"] for each in option["benefits"])
        assert card.unchecked == unchecked
        text = str(module.body(card))  # type: ignore[attr-defined]
        assert ("chiffre non vérifié" in text) == unchecked
        assert (f'id="d-{card.anchor}-unchecked"' in text) == unchecked


@pytest.mark.parametrize("name", ["apixaban-yesterday", "neuro-status-unknown", "three-sites"])
def test_unchecked_rules_that_are_told_apart_are_known_to_hold_and_the_others_to_be_open(name: str) -> None:
    answer = answered(name, "fr", "full")
    for lesion, seen in zip(answer["lesions"], viewed(answer).lesions, strict=True):
        verdicts: dict[str, set[str]] = {}
        for rule in lesion["rules"].values():
            verdicts.setdefault(rule["rule"], set()).add(rule["verdict"])
        offered = [option for option in lesion["options"] if option["status"] in OFFERED]
        for option, card in zip(offered, seen.offered, strict=True):
            open_rules = [rule for rule in option["unverified"] if "yes" not in verdicts[rule]]
            assert card.unverified_open >= len(open_rules)
            assert all("unknown" in verdicts[rule] for rule in open_rules)


# ---- one card ---------------------------------------------------------------------------------------------------------


def test_a_deferral_says_what_to_do_first_and_from_when() -> None:
    card = viewed(answered("apixaban-yesterday", "fr")).lesions[0].cards[0]
    assert card.badge.status == "deferred"
    assert card.earliest == "25\u00a0novembre 2026"
    (correction,) = card.corrections
    assert correction.by == "Arrêter l’apixaban\u00a0: dernière prise à J-3, sans relais."
    assert (correction.lead_time, correction.earliest) == ("3 jours", "25\u00a0novembre 2026")
    assert correction.by not in card.why
    assert card.change is not None
    assert [(step.before, step.after) for step in card.change.steps] == [("il y a 9 h", "il y a 3 jours")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_option_to_be_settled_tells_its_conditions_once_and_three_of_them_open(language: str) -> None:
    answer = sparse(language)
    _, card = next(cards(answer))
    assert len(card.provided_that) > 30
    module = _ENVIRONMENT.get_template("form/result.html").make_module(context(language))
    text = str(module.body(card))  # type: ignore[attr-defined]
    open_part = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    assert open_part.count("<li>") - open_part.count('<li><span class="r-number') == 3
    assert all(text.count(f"<li>{condition.replace('<', '&lt;')}</li>") <= 1 for condition in card.provided_that)
    assert f'id="d-{card.anchor}-provided"' in text


@pytest.mark.parametrize("name", accepted())
def test_the_sentence_of_a_card_is_the_beginning_of_the_answer_s_own(name: str) -> None:
    for option, card in cards(answered(name, "fr")):
        assert typeset(option["why"]).startswith(card.why)
        assert all(condition not in card.why for condition in card.provided_that)


def test_questions_come_the_most_telling_first_and_lead_to_their_field() -> None:
    answer = sparse("fr")
    order = [(question["item"], question.get("lesion")) for question in answer["questions"]]
    for option, card in cards(answer):
        places = [order.index((link.item, link.lesion)) for link in card.questions if (link.item, link.lesion) in order]
        assert places == sorted(places)
        assert len(card.questions) == len(option["questions"])
    assert 'href="#f-patient-neuro.gait_change"' in shown(answer)
    assert 'href="#f-L2-lesion.epidural' in shown(answer)


def test_the_chosen_mode_comes_first_and_every_other_with_its_status_and_reason() -> None:
    for option, card in cards(answered("apixaban-yesterday", "fr")):
        for modes in card.modes:
            told = option[modes.kind]
            assert [modes.chosen.label, *(mode.label for mode in modes.others)] == [mode["label"] for mode in told]
            assert [modes.chosen.badge.status, *(mode.badge.status for mode in modes.others)] == [
                mode["status"] for mode in told
            ]
        assert [modes.kind for modes in card.modes] == [kind for kind in MODE_KINDS if option[kind]]
    guidance = next(cards(answered("apixaban-yesterday", "fr")))[1].modes[1]
    assert guidance.others[-1].reasons == ("Au scanner seul, une fuite de ciment se voit trop tard.",)


def test_figures_are_written_as_the_language_has_them() -> None:
    assert interval(0.0, 5.1, "fr") == "0–5,1"
    assert interval(0.0, 5.1, "en") == "0–5.1"
    assert interval(7.0, 7.0, "fr") == "7"
    kyphoplasty = {
        language: viewed(answered("apixaban-yesterday", language)).lesions[0].cards[2] for language in LANGUAGES
    }
    assert [each.value for each in kyphoplasty["fr"].benefit.figures] == ["0–5,1\u00a0points", "4,05\u00a0points"]  # type: ignore[union-attr]
    assert [each.value for each in kyphoplasty["en"].benefit.figures] == ["0–5.1\u00a0points", "4.05\u00a0points"]  # type: ignore[union-attr]
    assert moment("2026-12-01", "fr") == "1er\u00a0décembre 2026"
    assert moment("2026-11-23T09:00:00+01:00", "en") == "23\u00a0November 2026 at 09:00"


def test_a_benefit_without_a_moment_is_listed_and_not_drawn() -> None:
    card = viewed(answered("apixaban-yesterday", "fr")).lesions[0].cards[0]
    assert card.benefit is not None
    assert [each.drawn for each in card.benefit.figures] == [False, True, False]
    assert [mark.number for chart in card.benefit.charts for mark in chart.marks] == [2]
    assert card.benefit.figures[0].when == "moment non précisé"


# ---- what is not offered ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", accepted())
def test_each_option_that_is_not_offered_has_its_reason(name: str) -> None:
    answer = answered(name, "fr")
    text = shown(answer)
    for told, lesion in zip(answer["lesions"], viewed(answer).lesions, strict=True):
        reasons = {each.technique: group.why for group in lesion.rest for each in group.options}
        rest = {each["technique"]: typeset(each["why"]) for each in told["options"] if each["status"] not in OFFERED}
        assert reasons == rest
        for reason in set(rest.values()):
            assert reason in text


def test_an_excluded_option_says_why() -> None:
    answer = answered("pmma-allergy-vertebra", "fr")
    groups = [group for group in viewed(answer).lesions[0].rest if group.badge.status == "excluded"]
    excluded = {each.technique: group.why for group in groups for each in group.options}
    assert "PMMA" in excluded["vertebroplasty"] or "ciment" in excluded["vertebroplasty"]


# ---- scores -----------------------------------------------------------------------------------------------------------


def test_a_score_with_missing_components_is_an_interval_and_says_which() -> None:
    (sins,) = viewed(sparse("fr")).lesions[0].scores
    assert (sins.value, sins.out_of, sins.bands) == ("7–17", "18", "potentiellement instable à instable")
    assert sins.open == ("Alignement", "Tassement du corps vertébral", "Atteinte postéro-latérale")
    assert [part.points for part in sins.components] == ["2", "3", "2", "0–4", "0–3", "0–3"]


def test_a_score_of_which_nothing_is_known_is_not_an_interval() -> None:
    view_of = viewed(sparse("fr"))
    assert {score.id: score.value for score in view_of.scores} == {
        "bmi": "",
        "creatinine_clearance": "",
        "medd": "",
        "stop": "",
        "stop_bang": "",
    }
    text = shown(sparse("fr"))
    assert "4062" not in text
    assert text.count("pas encore connu") == 5


def test_without_bands_only_what_is_certain_is_told() -> None:
    answer = copy.deepcopy(answered("apixaban-yesterday", "fr"))
    medd = answer["lesions"][0]["scores"]["medd"]
    medd["total"] = [60.0, 560.0]
    medd["components"][1]["points"] = [0.0, 500.0]
    score = next(score for score in viewed(answer).scores if score.id == "medd")
    assert (score.value, score.unit) == ("au moins\u00a060", "mg/j")
    assert score.open == (medd["components"][1]["label"],)


def test_a_known_score_is_one_figure() -> None:
    found = {score.id: score for score in viewed(answered("apixaban-yesterday", "fr")).scores}
    assert (found["bmi"].value, found["bmi"].unit, found["bmi"].open) == ("23,8", "kg/m²", ())


def test_an_answer_without_the_components_of_its_scores_is_shown_without_scores() -> None:
    answer = copy.deepcopy(answered("apixaban-yesterday", "fr"))
    for score in answer["lesions"][0]["scores"].values():
        for key in ("label", "bands", "components", "unit"):
            score.pop(key, None)
    assert viewed(answer).lesions[0].scores == viewed(answer).scores == ()
    assert "r-cards" in shown(answer)


# ---- several lesions --------------------------------------------------------------------------------------------------


def test_the_plan_keeps_the_answer_s_order_and_names_lesions_as_the_clinician_does() -> None:
    answer = answered("three-sites", "fr")
    labels = {"A1": "Acétabulum droit", "L1": "Vertèbre L1", "R6": "6e côte"}
    plan = viewed(answer, labels).plan
    assert plan is not None
    assert [turn.lesion.id for turn in plan.turns] == answer["session"]["order"]
    assert [(turn.lesion.label, turn.session) for turn in plan.turns] == [
        ("Acétabulum droit", 1),
        ("Vertèbre L1", 1),
        ("6e côte", 0),
    ]
    assert plan.sessions[0].anaesthesia == "Neuroleptanalgésie"
    assert viewed(answered("apixaban-yesterday", "fr")).plan is None


# ---- the sources ------------------------------------------------------------------------------------------------------


def test_the_bibliography_holds_what_the_shown_options_rest_on_and_nothing_else() -> None:
    answer = answered("apixaban-yesterday", "fr")
    keys = {source.key for source in viewed(answer).sources}
    assert {"RCTMA21", "CHEW11", "GIHP15"} <= keys
    used = {
        source
        for option in answer["lesions"][0]["options"]
        for each in option.get("benefits", ())
        for source in each["sources"]
    }
    used |= {source for rule in answer["lesions"][0]["rules"].values() for source in rule["sources"]}
    assert keys <= used
    assert decider().rulebook.sources["RCTMA21"].citation in shown(answer)


# ---- the trace --------------------------------------------------------------------------------------------------------


def test_every_rule_is_told_once_and_every_argument_leads_to_one() -> None:
    for name in ("apixaban-yesterday", "three-sites"):
        answer = answered(name, "fr", "full")
        trace = viewed(answer).trace
        assert trace is not None
        shared = {rule.id: rule for _, rules in trace.shared.by_verdict for rule in rules} if trace.shared else {}
        for told, lesion in zip(answer["lesions"], trace.lesions, strict=True):
            own = {rule.id: rule for _, rules in lesion.rules.by_verdict for rule in rules}
            assert not own.keys() & shared.keys()
            found = {**shared, **own}
            assert {key: rule.verdict for key, rule in found.items()} == {
                key: rule["verdict"] for key, rule in told["rules"].items()
            }
            anchors = {key: rule.anchor for key, rule in found.items()}
            for option, seen in zip(told["options"], lesion.options, strict=True):
                arguments = {
                    (each.rule, word): each.anchor
                    for group in seen.groups
                    for word, references in group.by_verdict
                    for each in references
                }
                expected = {pair for rules in option["arguments"].values() for pair in rules.items()}
                assert arguments.keys() == expected
                assert all(anchors[rule] == anchor for (rule, _), anchor in arguments.items())


def test_a_criterion_tells_its_value_with_its_unit_its_date_and_its_limit() -> None:
    text = traced(answered("platelets-32", "fr", "full"))
    assert re.search(r"plaquettes &lt; 50 G/L — <b>32 G/L</b> <i>\d+\u00a0novembre 2026</i>", text)
    text = traced(sparse("fr", "full"))
    assert "plaquettes &lt; 50 G/L — <b>non renseigné</b>" in text
    assert "apixaban (liste incomplète)" in text
    assert "<b>7–17 points</b>" in text
    text = traced(answered("apixaban-yesterday", "fr", "full"))
    assert re.search(
        r"jours depuis dernière prise d’apixaban &lt; 3 — <b>1 jour \(depuis le 22\u00a0novembre 2026", text
    )


def test_the_trace_is_there_only_when_it_was_asked_for() -> None:
    assert viewed(answered("apixaban-yesterday", "fr")).trace is None


# ---- the printed sheet ------------------------------------------------------------------------------------------------


def many(lesions: int, alerts: int, source: Answer | None = None) -> Answer:
    """A crowded answer: one lesion and every alert, many times."""
    answer = copy.deepcopy(source or sparse("fr"))
    ids = [f"L{number}" for number in range(lesions)]
    alert = answered("alert-epidural-grade-2", "fr")["alerts"][0]
    first = answer["lesions"][0]
    answer["lesions"] = [{**first, "id": each} for each in ids]
    answer["alerts"] = [{**alert, "rule": f"alert.{number}", "lesions": ids} for number in range(alerts)]
    answer["session"]["order"] = ids
    answer["session"]["sessions"] = [
        {
            "lesions": ids[at : at + 3],
            "anaesthesia": "local",
            "anaesthesia_label": "Anesthésie locale",
            "status": "undetermined",
        }
        for at in range(0, lesions, 3)
    ]
    answer["questions"] = [
        {key: value for key, value in question.items() if key != "lesion"} for question in answer["questions"]
    ]
    return answer


@pytest.mark.parametrize("alerts", [0, 1, 4, 10])
@pytest.mark.parametrize("lesions", [1, 2, 3, 5, 6, 12, 13, 40])
def test_the_sheet_is_reckoned_to_fit_and_counts_what_it_leaves_out(lesions: int, alerts: int) -> None:
    offered = viewed(sparse("fr")).lesions[0].offered
    sessions = ceil(lesions / 3) if lesions > 1 else 0
    sheet = result_sheet.sheet([("Fémur", offered)] * lesions, alerts, sessions, 67, "fr")
    printed_options = [len(offered)] * len(sheet.blocks)
    assert result_sheet.height(sheet.room, printed_options, alerts, sessions, 67) <= PAGE_MILLIMETRES
    assert len(sheet.blocks) + sheet.left_out == lesions
    assert len(sheet.blocks) <= MOST_LESIONS
    assert [block.number for block in sheet.blocks] == list(range(1, len(sheet.blocks) + 1))
    for block in sheet.blocks:
        assert len(block.rows) + block.left_out == len(offered)
    allowed = 4 if lesions <= 2 else 2 if lesions <= 5 else 1
    assert sheet.room.options <= allowed
    if alerts <= 1:
        assert sheet.room.options == allowed
        assert len(sheet.blocks) == min(lesions, MOST_LESIONS)


def test_the_sheet_leaves_room_to_name_the_patient_by_hand_and_says_what_it_is() -> None:
    answer = answered("apixaban-yesterday", "fr")
    text = printed(answer, {"L2": "Vertèbre L2"}, [("Âge", "61 ans")])
    for words in (
        "Référence patient",
        "Date de naissance",
        "23\u00a0novembre 2026 à 09:00",
        "Vertèbre L2",
        "61 ans",
        answer["rulebook"]["digest"],
        answer["rulebook"]["version"],
        answer["engine_version"],
        typeset(answer["notice"]),
    ):
        assert words in text


def test_the_sheet_names_every_alert_however_many() -> None:
    answer = many(2, 10)
    for number, alert in enumerate(answer["alerts"]):
        alert["label"] = f"Alerte numéro {number}"
    assert all(f"Alerte numéro {number}" in printed(answer) for number in range(10))


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser to print with")
@pytest.mark.parametrize(("lesions", "alerts"), [(2, 1), (5, 1), (12, 2), (40, 10)])
def test_the_sheet_prints_on_one_page(tmp_path: Path, lesions: int, alerts: int) -> None:
    labels = {f"L{number}": "Fémur droit, région sous-trochantérienne, métastase lytique" for number in range(lesions)}
    facts = [("Libellé assez long d’un élément de la situation", "valeur longue qui dit beaucoup de choses")] * 20
    text = printed(many(lesions, alerts), labels, facts)
    text = text.replace("/static/", f"{(ROOT / 'service' / 'web' / 'static').as_uri()}/")
    (tmp_path / "sheet.html").write_text(text, encoding="utf-8")
    subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--allow-file-access-from-files",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={tmp_path / 'sheet.pdf'}",
            (tmp_path / "sheet.html").as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    pages = re.findall(rb"/Type\s*/Page\b(?!s)", (tmp_path / "sheet.pdf").read_bytes())
    assert len(pages) == 1
