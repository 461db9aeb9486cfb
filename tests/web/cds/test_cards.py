"""What stands in a card, and that nothing a patient's record says is anything but text there."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from service.fhir.unused import Unused
from service.language.vocabulary import Text
from service.rulebook.model import Rulebook
from service.web.cds import override
from service.web.cds.cards import BOOKABLE, Material, cards, held_acts
from service.web.cds.markdown import bullets, escaped, table
from tests.strategies import examples
from tests.web.cds.conftest import SELECT, call_body, holds, service_request

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")
#: what an attacker, or a careless terminology, would put into a name
NASTY = [
    "<script>alert(1)</script>",
    "a | b",
    "`code",
    "[here](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example www.evil.example x@evil.example",
    "# heading",
    "1. one",
    "- a\n- b",
    "\\| \\",
    "&lt;b&gt;",
    "*bold* _it_ ~~no~~",
    "a\u2028b\x00c\u202ed",
    "|\n|---|",
    "---",
    "===",
    "\ud800",
]
TEXTS = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=60), st.text(alphabet="<>|`[]()!*_\\#-+=.:/@&~ \nahtpsw1", max_size=40)
)


def kinds(markdown: str) -> set[str]:
    """What a renderer makes of it."""
    found = set()
    for token in RENDERER.parse(markdown):
        found.add(token.type)
        found |= {child.type for child in token.children or ()}
    return found


HARMLESS = {"text", "text_special", "inline"}


@given(TEXTS)
@examples(300)
def test_a_text_in_a_table_is_nothing_but_text(text):
    drawn = table(["a", "b"], [[escaped(text), "x"]])
    allowed = HARMLESS | {
        f"{tag}_{end}" for tag in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")
    }
    assert kinds(drawn) <= allowed
    assert sum(token.type == "td_open" for token in RENDERER.parse(drawn)) == 2


@given(TEXTS)
@examples(300)
def test_a_text_in_a_list_is_nothing_but_text(text):
    allowed = HARMLESS | {
        f"{tag}_{end}" for tag in ("bullet_list", "list_item", "paragraph") for end in ("open", "close")
    }
    assert kinds(bullets([escaped(text), f"**{'x'}** {escaped(text)}"])) - {"strong_open", "strong_close"} <= allowed


@given(TEXTS)
@examples(300)
def test_an_escaped_text_holds_nothing_that_acts(text):
    told = escaped(text)
    assert "<" not in told
    assert ">" not in told
    assert "\n" not in told
    bare = re.sub(r"\\[\\`*_\[\]|~!#+\-=:.)]", "", told)
    assert not re.search(r"[`|\[\]*_\\]", bare)
    assert not re.search(r"&(?!amp;|lt;|gt;)", told)
    assert "://" not in told
    assert not re.search(r"@\w", told)
    assert not re.search(r"www\.\w", told)


@given(TEXTS)
@examples(100)
def test_what_is_read_is_what_was_written(text):
    """Escaping hides nothing: a reader sees the characters that were sent."""
    visible = "".join(each for each in text if each.isalnum())
    rendered = "".join(
        child.content for token in RENDERER.parse(f"x {escaped(text, 1000)}") for child in token.children or ()
    )
    assert "".join(each for each in rendered if each.isalnum()) == "x" + visible


@given(name=TEXTS, reason=TEXTS)
@examples(40)
def test_no_card_carries_html_or_a_link_of_a_record(answered, name, reason):
    material = Material(
        **answered,
        unused=[Unused(name, "unit", Text(reason, reason))],
        language="en",
        seed="s",
        subject="Patient/test-1",
    )
    for card in cards(material):
        found = kinds(card["detail"])
        assert not found & {"html_inline", "html_block", "link_open", "image", "code_inline", "fence", "code_block"}
        assert "<" not in card["detail"]


@pytest.fixture(scope="session")
def answered(cds_app, at: datetime) -> dict[str, Any]:
    """An answer, and what it rests on."""
    from tests.web.cds.conftest import ROOT

    referral = json.loads((ROOT / "docs" / "seed-patient.json").read_text(encoding="utf-8"))
    answer = cds_app.extensions["indication"].desk().decider.decide(referral, at, "en")
    return {"answer": answer, "referral": referral, "origins": {}}


@pytest.mark.parametrize("text", NASTY)
def test_nasty_identifiers_do_no_harm_on_the_way_through(ehr, reads, referral, text):
    unused = tuple(Unused(f"Observation/{text}", "unit", Text(text, text)) for _ in range(2))
    reads(referral, unused=unused, origins={("", "blood.inr"): f"Observation/{text}"})
    request = service_request(
        code={"text": text}, reasonReference=[{"reference": f"Condition/{text}"}], note=[{"text": text}]
    )
    body = call_body(SELECT, request)
    for card in ehr.cards(SELECT, body):
        assert not kinds(card["detail"]) & {"html_inline", "html_block", "link_open", "image", "code_inline"}


# ---- the info card ---------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_for_each_option_or_says_that_it_has_not(ehr, reads, seed, cds_app, at):
    reads(seed)
    (card,) = ehr.cards(SELECT)
    answer = cds_app.extensions["indication"].desk().decider.decide(seed, at, "en")
    for option in answer["lesions"][0]["options"]:
        assert escaped(option["label"]) in card["detail"], option["technique"]
    first = answer["lesions"][0]["options"][0]
    row = next(line for line in card["detail"].splitlines() if line.startswith("| 1 |"))
    for value in (first["label"], first["status_label"], first["anaesthesia"][0]["label"]):
        assert value in row


def test_the_summary_names_no_value(ehr, reads, seed):
    seed["patient"]["patient.age"] = 97
    reads(seed)
    (card,) = ehr.cards(SELECT)
    assert card["summary"].startswith("Bone metastasis, options: 3 possible, 6 to be settled")
    assert "97" not in card["summary"]


def test_missing_data_come_in_the_order_of_the_questions(ehr, reads, seed, cds_app, at):
    reads(seed)
    (card,) = ehr.cards(SELECT)
    answer = cds_app.extensions["indication"].desk().decider.decide(seed, at, "en")
    places = [card["detail"].index(escaped(question["label"])) for question in answer["questions"][:3]]
    assert places
    assert f"{len(answer['questions'])} data missing" in card["summary"]


def test_the_age_of_the_data_is_told(ehr, reads, seed):
    reads(seed, origins={("", "blood.inr"): "Observation/o1,Observation/o2", ("L2", "pain.nrs"): "Observation/o3"})
    (card,) = ehr.cards(SELECT)
    assert "Computed at 2026-11-23 09:00" in card["detail"]
    assert "data of 2026-11-20" in card["detail"]
    assert "resources used: 3" in card["detail"]


def test_what_was_not_used_is_told_with_the_reason(ehr, reads, seed):
    unused = tuple(Unused(f"Observation/o{at}", "unit", Text("unité inconnue", "unknown unit")) for at in range(14))
    reads(seed, unused=unused)
    (card,) = ehr.cards(SELECT)
    assert "Observation/o9: unknown unit" in card["detail"]
    assert "Observation/o10" not in card["detail"]
    assert "and 4 more" in card["detail"]
    (french,) = ehr.cards(SELECT, language="fr")
    assert "Observation/o9 : unité inconnue" in french["detail"]


def test_an_alert_is_a_card_of_its_own(ehr, reads, referral):
    referral["patient"] |= {"neuro.new_deficit": True}
    referral["lesions"][0] |= {"lesion.epidural_grade": "grade_3"}
    reads(referral)
    warning, info = ehr.cards(SELECT)
    assert (warning["indicator"], info["indicator"]) == ("warning", "info")
    assert warning["summary"].startswith("Alert: ")
    assert "suggestions" not in warning


def test_a_long_alert_still_has_a_short_summary(answered):
    alert = {"rule": "a.b", "label": "word " * 80, "because": "", "action": "", "within": "", "sources": []}
    answer = answered["answer"] | {"alerts": [alert, alert]}
    material = Material(**answered | {"answer": answer}, unused=(), language="en", seed="s", subject="Patient/x")
    warning, _ = cards(material)
    assert len(warning["summary"]) < 140
    assert warning["summary"].endswith("… (+1)")


def test_an_act_that_must_wait_for_one_lesion_is_told_whatever_another_allows():
    def lesion(name: str, **statuses: str) -> dict[str, Any]:
        return {"id": name, "options": [{"technique": act, "status": status} for act, status in statuses.items()]}

    both = frozenset({"x", "y"})
    answer = {"lesions": [lesion("a", x="excluded", y="deferred"), lesion("b", x="eligible", y="not_indicated")]}
    assert [(name, option["technique"]) for name, option in held_acts(answer, both)] == [("a", "x"), ("a", "y")]
    assert held_acts(answer, frozenset()) == []


# ---- suggestions -----------------------------------------------------------------------------------------------------


def test_the_first_options_may_be_ordered(ehr, reads, seed, cds_app, at):
    reads(seed, origins={("L2", "lesion.site"): "Condition/c1"})
    (card,) = ehr.cards(SELECT)
    options = cds_app.extensions["indication"].desk().decider.decide(seed, at, "en")["lesions"][0]["options"]
    bookable = [each["label"] for each in options if each["status"] in BOOKABLE]
    resources = [each["actions"][0]["resource"] for each in card["suggestions"]]
    labels = [resource["code"]["text"] for resource in resources]
    assert labels == [label for label in bookable if label in labels]
    assert labels[0] == options[0]["label"]
    assert [each.get("isRecommended") for each in card["suggestions"]] == [True] + [None] * (len(labels) - 1)
    for resource in resources:
        assert resource["subject"] == {"reference": "Patient/test-1"}
        assert resource["intent"] == "proposal"
        assert resource["reasonReference"] == [{"reference": "Condition/c1"}]
        assert any("0.1.0" in note["text"] for note in resource["note"])


def test_an_option_without_an_act_is_not_ordered(ehr, reads, seed, rulebook: Rulebook):
    """Medical treatment alone may be cautioned: there is nothing to book."""
    reads(seed)
    (card,) = ehr.cards(SELECT)
    idle = [
        each.label.en for each in rulebook.techniques.values() if not each.traits - {"comparator", "no_anaesthesia"}
    ]
    assert idle
    assert not [each for each in card["suggestions"] for label in idle if label in each["label"]]


def test_of_several_lesions_the_first_to_be_treated_comes_first(ehr, reads, referral, cds_app, at):
    reads(referral)
    (card,) = ehr.cards(SELECT)
    order = cds_app.extensions["indication"].desk().decider.decide(referral, at, "en")["session"]["order"]
    assert re.findall(r"^### Lesion (.+)$", card["detail"], re.MULTILINE) == [escaped(each) for each in order]


def test_forty_lesions_are_still_one_card(ehr, reads, referral):
    lesion = referral["lesions"][0]
    referral["lesions"] = [{**lesion, "id": f"n{at}"} for at in range(40)]
    reads(referral)
    (card,) = ehr.cards(SELECT)
    assert "n39" in card["detail"]
    assert len(card["detail"]) < 30_000


# ---- override reasons ------------------------------------------------------------------------------------------------


def test_override_reasons_are_the_standard_ones_in_both_languages():
    assert override.SYSTEM == "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
    french, english = override.reasons("fr"), override.reasons("en")
    assert 6 <= len(french) <= 8
    for one, other in zip(french, english, strict=True):
        assert one["code"] == other["code"]
        assert one["display"] != other["display"]


def test_nothing_is_left_of_a_card_that_is_null_or_empty(answered):
    material = Material(**answered, unused=(), language="fr", seed="s", subject="Patient/test-1")
    (card,) = cards(material)
    assert "links" not in card
    assert "url" not in card["source"]
    holds({"cards": [card]})
