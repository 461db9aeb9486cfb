"""Changes of rules beyond their condition: those that came, went or were renamed, severity, correction, target, evidence, words."""

import pytest

from service.prove.prover import Prover
from service.workbench.diff import Grade, compare
from tests.workbench.diff.mini import OLD, Edit, book, compared, only, verdict

BLOOD, GLUE, ALERT = "safety/blood.yaml", "techniques/glue.yaml", "alerts/pain.yaml"
CORRECTABLE = """    correctable:
      by: {fr: Transfuser., en: Transfuse.}
      lead_time: 1 d
      recheck: blood.platelets
"""
PLATELETS = "    when: blood.platelets < 50 G/L\n"
ALLERGY = """  - id: blood.allergy
    contraindicates: {trait: cement}
    severity: absolute
    when: allergies includes resin
    because: {fr: Allergie., en: Allergy.}
    evidence: {certainty: consensus, sources: [BOOK], verified: true}
"""


def rule(name: str, when: str, claim: str = "contraindicates: {trait: bleeding}", severity: str = "absolute") -> str:
    return f"""  - id: {name}
    {claim}
    severity: {severity}
    when: {when}
    because: {{fr: Parce que., en: Because.}}
    evidence: {{certainty: consensus, sources: [BOOK], verified: true}}
"""


ORDERED: list[tuple[str, Edit, Grade, str, str]] = [
    (
        "no longer correctable",
        (BLOOD, CORRECTABLE + "    because: {fr: Au", "    because: {fr: Au"),
        "tightening",
        "rule.severity",
        "severity: absolute but correctable (defers) → absolute, not correctable (excludes)",
    ),
    (
        "correctable",
        (BLOOD, "    when: allergies includes resin\n", "    when: allergies includes resin\n" + CORRECTABLE),
        "loosening",
        "rule.severity",
        "severity: absolute, not correctable (excludes) → absolute but correctable (defers)",
    ),
    (
        "absolute",
        (GLUE, "severity: relative", "severity: absolute"),
        "tightening",
        "rule.severity",
        "severity: relative (precaution) → absolute, not correctable (excludes)",
    ),
    (
        "longer to correct",
        (BLOOD, "lead_time: 1 d", "lead_time: 2 d"),
        "tightening",
        "rule.lead_time",
        "time to correct: 24 h → 2 days",
    ),
    (
        "sooner corrected",
        (BLOOD, "lead_time: 1 d", "lead_time: 12 h"),
        "loosening",
        "rule.lead_time",
        "time to correct: 24 h → 12 h",
    ),
    (
        "later date",
        (BLOOD, "days_after(last_dose, 3)", "days_after(last_dose, 4)"),
        "tightening",
        "rule.earliest",
        "at the earliest: 3 d after last intake → 4 d after last intake",
    ),
    (
        "weaker indication",
        (GLUE, "strength: strong", "strength: weak"),
        "tightening",
        "rule.strength",
        "strength: strong → weak",
    ),
    (
        "stronger indication",
        ("techniques/rays.yaml", "strength: weak", "strength: moderate"),
        "loosening",
        "rule.strength",
        "strength: weak → moderate",
    ),
    (
        "more urgent",
        (ALERT, "within: 24 h", "within: 6 h"),
        "tightening",
        "rule.within",
        "to be acted on within: 24 h → 6 h",
    ),
    (
        "less urgent",
        (ALERT, "within: 24 h", "within: 2 d"),
        "loosening",
        "rule.within",
        "to be acted on within: 24 h → 2 days",
    ),
    (
        "certainty",
        (GLUE, "certainty: moderate", "certainty: low"),
        "evidence",
        "rule.evidence",
        "evidence: moderate; BOOK; checked → low; BOOK; checked",
    ),
    (
        "source swapped",
        (GLUE, "moderate, sources: [BOOK]", "moderate, sources: [PAPER]"),
        "evidence",
        "rule.evidence",
        "evidence: moderate; BOOK; checked → moderate; PAPER; checked",
    ),
    (
        "not verified",
        (GLUE, "moderate, sources: [BOOK], verified: true", "moderate, sources: [BOOK], verified: false"),
        "evidence",
        "rule.evidence",
        "evidence: moderate; BOOK; checked → moderate; BOOK; not checked",
    ),
    (
        "reworded",
        (GLUE, "en: Glue relieves.", "en: Glue helps."),
        "wording",
        "rule.text",
        "reason given: Glue relieves. → Glue helps.",
    ),
    ("precaution", (GLUE, "en: Beware.", "en: Take care."), "wording", "rule.text", "precaution: Beware. → Take care."),
    ("what to do", (ALERT, "en: Call.", "en: Call now."), "wording", "rule.text", "what to do: Call. → Call now."),
]


@pytest.mark.parametrize(
    ("edit", "grade", "kind", "english"), [each[1:] for each in ORDERED], ids=[each[0] for each in ORDERED]
)
def test_each_aspect_has_its_words_and_its_order(edit: Edit, grade: Grade, kind: str, english: str) -> None:
    change = only(compared(edit))
    assert (change.grade, change.kind) == (grade, kind)
    assert change.what.en.partition(" — ")[2] == english
    assert (change.witness is not None) == (grade in ("tightening", "loosening"))
    if change.witness is not None:
        # The rule must be able to bear on the patient it is shown on.
        assert verdict(OLD, change.of, change.witness, change.at) != 0


def test_a_severity_of_what_can_hold_of_nobody_changes_nothing() -> None:
    never = (GLUE, "when: score.frailty >= 5", "when: score.frailty >= 6")
    sooner = compare(book(never), book(never, (GLUE, "severity: relative", "severity: absolute")), Prover)
    assert only(sooner).grade == "wording"


# ---- came, went, renamed ----


def test_a_rule_added_is_graded_by_its_claim() -> None:
    against = only(compared((BLOOD, ALLERGY, ALLERGY + rule("blood.latex", "allergies includes latex"))))
    assert (against.kind, against.grade) == ("rule.added", "tightening")
    assert against.what.en == "Rule added — Contraindication (“act that bleeds”): Because."
    assert against.witness is not None
    assert against.witness["patient"]["allergies"]["items"] == ["latex"]
    indication = rule("more.spine", "lesion.site is spine", "indicates: {technique: glue}").replace(
        "severity: absolute", "strength: weak"
    )
    freer = only(compared((BLOOD, ALLERGY, ALLERGY + indication)))
    assert (freer.kind, freer.grade) == ("rule.added", "loosening")


def test_a_rule_removed_is_graded_by_its_claim_and_placed_in_the_old_file() -> None:
    change = only(compared((BLOOD, ALLERGY, "")))
    assert (change.kind, change.grade, change.gone) == ("rule.removed", "loosening", True)
    assert change.where == f"{BLOOD}:{OLD.rules['blood.allergy'].line}"


def test_a_rule_that_only_got_another_id_is_told_as_renamed() -> None:
    change = only(compared((BLOOD, "id: blood.allergy", "id: allergy.resin")))
    assert (change.kind, change.grade, change.of) == ("rule.renamed", "wording", "allergy.resin")
    assert change.what.en == "Rule renamed: blood.allergy → allergy.resin; nothing else changes"


def test_a_renamed_rule_that_also_changed_is_one_that_went_and_one_that_came() -> None:
    diff = compared((BLOOD, "id: blood.allergy", "id: allergy.resin"), (BLOOD, "includes resin", "includes latex"))
    assert sorted(change.kind for change in diff.changes) == ["rule.added", "rule.removed"]
    assert diff.overall == "loosening"


def test_a_rule_split_in_two_changes_nothing() -> None:
    """What one rule said, two say between them."""
    whole = rule("blood.both", "{any: [allergies includes latex, blood.inr > 8]}")
    parts = rule("blood.one", "allergies includes latex") + rule("blood.two", "blood.inr > 8")
    old, new = book((BLOOD, ALLERGY, ALLERGY + whole)), book((BLOOD, ALLERGY, ALLERGY + parts))
    assert compare(old, new, Prover).overall == "wording"
    assert compare(new, old, Prover).overall == "wording"


def test_a_rule_that_a_weaker_one_covers_still_counts_when_it_goes() -> None:
    strong = rule("blood.strong", "allergies includes latex")
    weak = rule("blood.weak", "allergies includes latex", severity="relative").replace(
        "    when", "    precaution: {fr: P., en: P.}\n    when"
    )
    old, new = book((BLOOD, ALLERGY, ALLERGY + strong + weak)), book((BLOOD, ALLERGY, ALLERGY + weak))
    assert only(compare(old, new, Prover)).grade == "loosening"


def test_precautions_are_counted_so_one_that_another_covers_still_counts() -> None:
    extra = rule("blood.again", "score.frailty >= 5", "contraindicates: {technique: glue}", "relative")
    extra = extra.replace("    when", "    precaution: {fr: P., en: P.}\n    when")
    assert only(compared((BLOOD, ALLERGY, ALLERGY + extra))).grade == "tightening"


def test_another_claim_is_what_goes_and_what_comes() -> None:
    edit = (BLOOD, "    contraindicates: {trait: cement}\n    severity: absolute\n", "    favours: {trait: cement}\n")
    change = only(compared(edit))
    assert (change.kind, change.grade) == ("rule.claim", "loosening")


# ---- whom a rule speaks of ----


def test_a_contraindication_of_more_acts_is_stricter() -> None:
    change = only(compared((BLOOD, "contraindicates: {trait: cement}", "contraindicates: {technique: [glue, rays]}")))
    assert (change.kind, change.grade) == ("rule.target", "tightening")
    assert change.what.en == "Contraindication: “cement” → glueing and rays; also bears on rays"


def test_another_target_of_the_same_acts_is_wording() -> None:
    change = only(compared((BLOOD, "contraindicates: {trait: cement}", "contraindicates: {technique: glue}")))
    assert (change.kind, change.grade) == ("rule.target", "wording")


def test_an_alert_that_blocks_nothing_any_more_is_a_loosening() -> None:
    change = only(compared((ALERT, "preempts: {technique: glue}", "preempts: {}")))
    assert (change.kind, change.grade) == ("rule.target", "loosening")


def test_the_worst_change_grades_the_whole() -> None:
    diff = compared(
        (GLUE, "en: Glue relieves.", "en: Glue helps."),
        (BLOOD, "lead_time: 1 d", "lead_time: 2 d"),
        (
            BLOOD,
            "certainty: consensus, sources: [BOOK], verified: true}\n  - id: blood.inr-high",
            "certainty: low, sources: [BOOK], verified: true}\n  - id: blood.inr-high",
        ),
    )
    assert [change.grade for change in diff.changes] == ["tightening", "evidence", "wording"]
    assert diff.overall == "tightening"
