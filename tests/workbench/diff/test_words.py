"""Changes of settings, scores, vocabulary, techniques and the files of which there is one."""

from datetime import date

import pytest

from service.prove.prover import Prover
from service.workbench.diff import Grade, compare
from tests.workbench.diff.mini import OLD, Edit, book, compared, only, verdict

PATIENT, LESION = "vocabulary/patient.yaml", "vocabulary/lesion.yaml"
GLUE, FRAILTY, BLOOD = "techniques/glue.yaml", "scores/frailty.yaml", "safety/blood.yaml"
SESSION, RANKING, INVARIANTS = "session.yaml", "ranking.yaml", "invariants.yaml"

KINDS: list[tuple[str, Edit, Grade, str, str]] = [
    (
        "setting up",
        ("site.yaml", "value: 1.5", "value: 1.8"),
        "loosening",
        "setting.value",
        "Site setting — Highest INR: 1.5 → 1.8 (loosening: blood.inr-high)",
    ),
    (
        "setting down",
        ("site.yaml", "value: 1.5", "value: 1.2"),
        "tightening",
        "setting.value",
        "Site setting — Highest INR: 1.5 → 1.2 (tightening: blood.inr-high)",
    ),
    (
        "setting, evidence",
        ("site.yaml", "sources: [BOOK]", "sources: [PAPER]"),
        "evidence",
        "setting.evidence",
        "Site setting — Highest INR, evidence: consensus, BOOK → consensus, PAPER",
    ),
    (
        "points",
        (FRAILTY, "{points: 2, when: lesion.site is spine}", "{points: 1, when: lesion.site is spine}"),
        "loosening",
        "score.points",
        "Frailty score — Site, site: spine: 2 → 1 point(s)",
    ),
    (
        "points that no rule can see",
        (FRAILTY, "{points: 1, when: pain.night}", "{points: 2, when: pain.night}"),
        "wording",
        "score.points",
        "Frailty score — Pain, pain at night: yes: 1 → 2 point(s)",
    ),
    (
        "row",
        (FRAILTY, "when: lesion.site is spine}", "when: 'lesion.site in [spine, hip]'}"),
        "tightening",
        "score.points",
        "Frailty score — Site, site: added “hip”",
    ),
    (
        "fresh for less",
        (PATIENT, "fresh_for: 7 d", "fresh_for: 3 d"),
        "tightening",
        "item.fresh_for",
        "Platelets — valid for: 1 week → 3 days",
    ),
    (
        "fresh for longer",
        (PATIENT, "fresh_for: 7 d", "fresh_for: 14 d"),
        "loosening",
        "item.fresh_for",
        "Platelets — valid for: 1 week → 2 weeks",
    ),
    (
        "does not age",
        (PATIENT, "    fresh_for: 7 d\n", ""),
        "loosening",
        "item.fresh_for",
        "Platelets — valid for: 1 week → does not age",
    ),
    (
        "range",
        (PATIENT, "range: [1, 2000]", "range: [1, 1500]"),
        "tightening",
        "item.range",
        "Platelets — plausible values: 1 to 2000 G/L → 1 to 1500 G/L",
    ),
    (
        "factor",
        (PATIENT, "/uL: 0.001", "/uL: 0.01"),
        "mixed",
        "item.units",
        "Platelets — unit /uL, factor: 0.001 → 0.01",
    ),
    (
        "word added",
        (LESION, "      hip:", "      arm: {label: {fr: bras, en: arm}}\n      hip:"),
        "loosening",
        "item.choices",
        "Site — word — added: “arm”",
    ),
    (
        "label",
        (PATIENT, "en: Platelets", "en: Platelet count"),
        "wording",
        "item.text",
        "Platelet count — name: Platelets → Platelet count",
    ),
    (
        "item added",
        (
            LESION,
            "  pain.night:",
            "  lesion.size: {type: number, label: {fr: Taille, en: Size}, range: [1, 200]}\n  pain.night:",
        ),
        "wording",
        "item.added",
        "Item added to the vocabulary: size",
    ),
    (
        "checklist",
        ("checklist.yaml", "[allergies]", "[allergies, blood.inr]"),
        "loosening",
        "checklist",
        "Item added to the pre-procedure checklist: INR",
    ),
    (
        "checklist, shorter",
        ("checklist.yaml", "[allergies]", "[]"),
        "tightening",
        "checklist",
        "Item removed from the pre-procedure checklist: allergies",
    ),
    (
        "form",
        ("referral_form.yaml", "[lesion.site, pain.nrs]", "[pain.nrs, lesion.site]"),
        "wording",
        "referral_form",
        "Order of the form’s first questions changed",
    ),
    (
        "ranking",
        (RANKING, "  - {key: burden, label: {fr: lourdeur, en: burden}}\n", ""),
        "mixed",
        "ranking.keys",
        "Ranking, keys in order: indication, strength, status and burden → indication, strength and status",
    ),
    (
        "deferred",
        (RANKING, "deferred_within: 7 d", "deferred_within: 3 d"),
        "mixed",
        "ranking.deferred_within",
        "Ranking, “now”: deferred options admitted up to 1 week → 3 days",
    ),
    ("more sites", (SESSION, "value: 3", "value: 4"), "loosening", "session.max_sites", "Session: at most 3 → 4 sites"),
    (
        "which first",
        (SESSION, "highest: true", "highest: false"),
        "mixed",
        "session.order",
        "Session, which lesion first: pain → pain",
    ),
    (
        "duration",
        (GLUE, "duration: 45 min", "duration: 90 min"),
        "tightening",
        "technique.duration",
        "Glueing — duration: 45 min → 90 min",
    ),
    (
        "duration that no rule sees",
        (GLUE, "duration: 45 min", "duration: 50 min"),
        "wording",
        "technique.duration",
        "Glueing — duration: 45 min → 50 min",
    ),
    (
        "trait lost",
        (GLUE, "traits: [bleeding, cement]", "traits: [bleeding]"),
        "loosening",
        "technique.traits",
        "Glueing — trait removed: “cement”; rules that no longer bear on it: blood.allergy",
    ),
    (
        "trait gained",
        ("techniques/rays.yaml", "traits: []", "traits: [cement]"),
        "tightening",
        "technique.traits",
        "Rays — trait added: “cement”; rules that now bear on it: blood.allergy",
    ),
    (
        "mode fewer",
        (GLUE, "[light, deep]", "[light]"),
        "tightening",
        "technique.anaesthesia",
        "Glueing — anaesthesia: light and deep → light",
    ),
    (
        "modes, order",
        (GLUE, "[light, deep]", "[deep, light]"),
        "mixed",
        "technique.anaesthesia",
        "Glueing — anaesthesia: light and deep → deep and light",
    ),
    (
        "burden",
        (GLUE, "burden: 2", "burden: 3"),
        "mixed",
        "technique.burden",
        "Glueing — burden for the patient: 2 → 3",
    ),
    (
        "summary",
        (GLUE, "en: Glues the bone.", "en: Glues bone."),
        "wording",
        "technique.text",
        "Glueing — summary: Glues the bone. → Glues bone.",
    ),
    (
        "mode's name",
        ("anaesthesia/deep.yaml", "label: {fr: Profonde, en: Deep}", "label: {fr: Profonde, en: Very deep}"),
        "wording",
        "mode.text",
        "Anaesthesia: very deep: Deep → Very deep",
    ),
    (
        "source",
        ("sources.yaml", "A paper", "A long paper"),
        "evidence",
        "source",
        "Source PAPER: A paper → A long paper",
    ),
    (
        "trait's name",
        ("traits.yaml", "en: cement", "en: bone cement"),
        "wording",
        "trait",
        "Trait: cement → bone cement",
    ),
    (
        "version",
        ("rulebook.yaml", "version: 1.0.0", "version: 1.1.0"),
        "wording",
        "rulebook",
        "Rulebook, version: 1.0.0 → 1.1.0",
    ),
    (
        "time zone",
        ("rulebook.yaml", "Europe/Paris", "Europe/London"),
        "mixed",
        "rulebook",
        "Rulebook, time zone: Europe/Paris → Europe/London",
    ),
    (
        "impossible, wider",
        ("impossible.yaml", "pain.nrs == 0, ", ""),
        "tightening",
        "impossible",
        "Impossible, impossible.no-pain: criterion dropped: pain = 0",
    ),
    (
        "invariant, fewer statuses",
        (INVARIANTS, "[eligible, provisional]", "[eligible]"),
        "loosening",
        "invariant",
        "Invariant cement.allergy, never: eligible and eligible, subject to the pre-procedure checks → eligible",
    ),
    (
        "invariant, wider",
        (INVARIANTS, "allergies includes resin", "allergies includes any of [resin, latex]"),
        "tightening",
        "invariant",
        "Invariant cement.allergy, condition: while allergies: resin → while allergies: latex or resin",
    ),
    (
        "title of a topic",
        (BLOOD, "en: Blood}", "en: The blood}"),
        "wording",
        "remark",
        "safety/blood.yaml, label: Blood → The blood",
    ),
    (
        "review date",
        (BLOOD, "topic: blood", 'topic: blood\nreview_by: "2027-05-01"'),
        "wording",
        "review_by",
        "To be read again by (safety/blood.yaml): – → 2027-05-01",
    ),
]


@pytest.mark.parametrize(
    ("edit", "grade", "kind", "english"), [each[1:] for each in KINDS], ids=[each[0] for each in KINDS]
)
def test_each_part_of_a_rulebook_has_its_words_and_its_grade(edit: Edit, grade: Grade, kind: str, english: str) -> None:
    change = only(compared(edit))
    assert (change.grade, change.kind) == (grade, kind)
    assert change.what.en == english
    assert change.what.fr != change.what.en or kind in ("rulebook", "remark")
    assert change.where.partition(":")[0] == edit[0]


def test_a_setting_is_told_once_and_not_again_with_each_rule() -> None:
    change = only(compared(("site.yaml", "value: 1.5", "value: 1.8")))
    assert change.witness is not None
    new = book(("site.yaml", "value: 1.5", "value: 1.8"))
    judged = [verdict(each, "blood.inr-high", change.witness, change.at) for each in (OLD, new)]
    assert judged == [2, 0]


def test_a_rule_that_changed_itself_is_told_beside_the_setting() -> None:
    edits = (
        ("site.yaml", "value: 1.5", "value: 1.8"),
        (BLOOD, "blood.inr > site.inr_limit", "blood.inr >= site.inr_limit"),
    )
    diff = compared(*edits)
    assert {change.kind: change.grade for change in diff.changes} == {
        "rule.condition": "loosening",
        "setting.value": "wording",
    }


def test_a_score_is_compared_with_what_it_was() -> None:
    edit = (FRAILTY, "{points: 2, when: lesion.site is spine}", "{points: 1, when: lesion.site is spine}")
    change = only(compared(edit))
    assert change.witness is not None
    judged = [verdict(each, "glue.frail", change.witness, change.at) for each in (OLD, book(edit))]
    assert judged[1] < judged[0]


def test_the_patient_of_a_freshness_is_too_old_for_the_shorter_one_only() -> None:
    change = only(compared((PATIENT, "fresh_for: 7 d", "fresh_for: 3 d")))
    assert change.witness is not None
    dated = change.witness["patient"]["blood.platelets"]["date"]
    assert (date.fromisoformat(change.witness["recorded_at"]) - date.fromisoformat(dated)).days == 4


def test_an_item_of_another_type_makes_its_rules_incomparable() -> None:
    edits = (
        (LESION, "pain.night: {type: flag,", "pain.night: {type: number, range: [0, 10],"),
        (GLUE, "            - pain.night\n", "            - pain.night >= 4\n"),
        (GLUE, "lesion.site is rib, pain.night", "lesion.site is rib, pain.night >= 4"),
        ("alerts/pain.yaml", "pain.nrs >= 10, pain.night", "pain.nrs >= 10, pain.night >= 4"),
        ("impossible.yaml", "pain.nrs == 0, pain.night", "pain.nrs == 0, pain.night >= 4"),
        (FRAILTY, "when: pain.night", "when: pain.night >= 4"),
    )
    diff = compared(*edits)
    assert diff.overall == "mixed"
    conditions = [change for change in diff.changes if change.kind == "rule.condition"]
    assert [change.of for change in conditions] == ["alert.extreme-pain", "glue.painful", "glue.rib"]
    assert all(change.reason and change.reason.en.startswith("cannot be compared") for change in conditions)


def test_a_technique_added_brings_its_rules() -> None:
    text = """
technique: knife
label: {fr: Couteau, en: Knife}
summary: {fr: Coupe., en: Cuts.}
traits: [bleeding]
duration: 90 min
position: any
burden: 5
anaesthesia: [deep]
guidance: []
stay: [day]
indications:
  - id: knife.last-resort
    strength: weak
    when: pain.nrs >= 9
    because: {fr: En dernier., en: Last.}
    evidence: {certainty: low, sources: [BOOK], verified: false}
"""
    diff = compared(("techniques/knife.yaml", "", text))
    assert {change.kind: change.grade for change in diff.changes} == {
        "technique.added": "loosening",
        "rule.added": "loosening",
    }
    back = compare(book(("techniques/knife.yaml", "", text)), OLD, Prover)
    assert {change.kind: change.grade for change in back.changes} == {
        "technique.removed": "tightening",
        "rule.removed": "tightening",
    }


def test_nothing_that_differs_goes_unsaid() -> None:
    """Of what no comparison accounts for, the file at least is named, and it counts as mixed."""
    order = ("traits: [bleeding, cement]", "traits: [cement, bleeding]")
    change = only(compared((GLUE, *order)))
    assert (change.kind, change.grade, change.what.en) == (
        "file",
        "wording",
        "techniques/glue.yaml: same content, in another order",
    )
    moved = compared((LESION, "section: lesion", "section: tumour"))
    assert moved.changes
