"""Changes of conditions: which line is told, and how it is graded. Each grade is shown on a patient, who is judged anew here."""

import pytest

from service.workbench.diff import Diff, compare
from tests.workbench.diff.mini import OLD, Edit, Silent, book, compared, files, only, verdict

BLOOD, GLUE = "safety/blood.yaml", "techniques/glue.yaml"
PLATELETS = "blood.platelets < 50 G/L"

#: what is changed, the grade, the sentence
CHANGES: list[tuple[str, Edit, str, str, str]] = [
    (
        "contraindication, threshold down",
        (BLOOD, PLATELETS, "blood.platelets < 30 G/L"),
        "loosening",
        "Contraindication (“act that bleeds”) — platelets < 50 → 30 G/L",
        "Contre-indication (« geste qui saigne ») — plaquettes < 50 → 30 G/L",
    ),
    (
        "contraindication, threshold up",
        (BLOOD, PLATELETS, "blood.platelets < 60 G/L"),
        "tightening",
        "Contraindication (“act that bleeds”) — platelets < 50 → 60 G/L",
        "Contre-indication (« geste qui saigne ») — plaquettes < 50 → 60 G/L",
    ),
    (
        "indication, threshold down",
        (GLUE, "pain.nrs >= 4", "pain.nrs >= 3"),
        "loosening",
        "Indication (glueing) — pain ≥ 4 → 3",
        "Indication (collage) — douleur ≥ 4 → 3",
    ),
    (
        "indication, threshold up",
        (GLUE, "pain.nrs >= 4", "pain.nrs >= 5"),
        "tightening",
        "Indication (glueing) — pain ≥ 4 → 5",
        "Indication (collage) — douleur ≥ 4 → 5",
    ),
    (
        "contraindication, not strict any more",
        (BLOOD, PLATELETS, "blood.platelets <= 50 G/L"),
        "tightening",
        "Contraindication (“act that bleeds”) — platelets < → ≤ 50 G/L",
        "Contre-indication (« geste qui saigne ») — plaquettes < → ≤ 50 G/L",
    ),
    (
        "indication, strict",
        (GLUE, "pain.nrs >= 4", "pain.nrs > 4"),
        "tightening",
        "Indication (glueing) — pain ≥ → > 4",
        "Indication (collage) — douleur ≥ → > 4",
    ),
    (
        "operator turned round",
        (BLOOD, PLATELETS, "blood.platelets > 50 G/L"),
        "mixed",
        "Contraindication (“act that bleeds”) — platelets < → > 50 G/L",
        "Contre-indication (« geste qui saigne ») — plaquettes < → > 50 G/L",
    ),
    (
        "indication, word added to a list",
        (GLUE, "lesion.site in [rib, hip]", "lesion.site in [rib, hip, spine]"),
        "loosening",
        "Indication (glueing) — site: added “spine”",
        "Indication (collage) — siège : ajouté « rachis »",
    ),
    (
        "indication, word taken from a list",
        (GLUE, "lesion.site in [rib, hip]", "lesion.site is rib"),
        "tightening",
        "Indication (glueing) — site: removed “hip”",
        "Indication (collage) — siège : retiré « hanche »",
    ),
    (
        "indication, criterion dropped",
        (GLUE, "        - lesion.site in [rib, hip]\n", ""),
        "loosening",
        "Indication (glueing) — criterion dropped: site: hip or rib",
        "Indication (collage) — critère retiré : siège : hanche ou côte",
    ),
    (
        "contraindication, criterion dropped",
        (GLUE, "{all: [lesion.site is rib, pain.night]}", "lesion.site is rib"),
        "tightening",
        "Contraindication (glueing) — criterion dropped: pain at night: yes",
        "Contre-indication (collage) — critère retiré : douleur nocturne : oui",
    ),
    (
        "indication, alternative dropped",
        (GLUE, "            - pain.night\n", ""),
        "tightening",
        "Indication (glueing) — alternative dropped: pain at night: yes",
        "Indication (collage) — possibilité retirée : douleur nocturne : oui",
    ),
    (
        "all becomes any",
        (GLUE, "{all: [lesion.site is rib, pain.night]}", "{any: [lesion.site is rib, pain.night]}"),
        "tightening",
        "Contraindication (glueing) — “all” becomes “at least one” of these criteria",
        "Contre-indication (collage) — « tous » devient « un au moins » de ces critères",
    ),
    (
        "calendar days",
        (BLOOD, "days_since(last_dose) < 3", "days_since(last_dose) < 2"),
        "loosening",
        "Contraindication (“act that bleeds”) — days since last intake < 3 → 2",
        "Contre-indication (« geste qui saigne ») — jours depuis dernière prise < 3 → 2",
    ),
    (
        "alert for more patients",
        ("alerts/pain.yaml", "pain.nrs >= 10", "pain.nrs >= 9"),
        "tightening",
        "Extreme pain (glueing) — pain ≥ 10 → 9",
        "Douleur extrême (collage) — douleur ≥ 10 → 9",
    ),
]


@pytest.mark.parametrize(
    ("edit", "grade", "english", "french"), [each[1:] for each in CHANGES], ids=[each[0] for each in CHANGES]
)
def test_a_condition_is_told_by_the_line_that_differs_and_graded_by_proof(
    edit: Edit, grade: str, english: str, french: str
) -> None:
    diff = compared(edit)
    change = only(diff)
    assert (change.grade, diff.overall, change.kind) == (grade, grade, "rule.condition")
    assert (change.what.en, change.what.fr) == (english, french)
    _shown(diff, edit)


def _shown(diff: Diff, edit: Edit) -> None:
    """Judges the patient of the change anew: the rule must say more, or less, of them than before."""
    change = only(diff)
    against = OLD.rules[change.of].claim in ("contraindicates", "preempts")
    new = book(edit)

    def stricter(referral: dict[str, object], at: str | None) -> bool:
        before, after = (verdict(each, change.of, referral, at) for each in (OLD, new))
        assert before != after
        return (after > before) == against

    assert change.witness is not None
    assert stricter(change.witness, change.at) == (change.grade == "tightening")
    assert (change.other is not None) == (change.grade == "mixed")
    if change.other is not None:
        assert stricter(change.other.referral, change.other.at)


def test_the_place_is_that_of_the_line() -> None:
    edit = (BLOOD, PLATELETS, "blood.platelets < 30 G/L")
    lines = files(edit)[BLOOD].decode().splitlines()
    assert only(compared(edit)).where == f"{BLOOD}:{1 + lines.index('    when: blood.platelets < 30 G/L')}"


def test_without_the_files_the_place_is_that_of_the_rule() -> None:
    new = book((BLOOD, PLATELETS, "blood.platelets < 30 G/L"))
    change = only(compare(OLD, new, lambda _: Silent()))
    assert change.where == f"{BLOOD}:{new.rules['blood.platelets-low'].line}"


# ---- the same meaning ----


@pytest.mark.parametrize(
    ("edit", "english"),
    [
        (
            (
                GLUE,
                "        - pain.nrs >= 4\n        - lesion.site in [rib, hip]\n",
                "        - lesion.site in [rib, hip]\n        - pain.nrs >= 4\n",
            ),
            "Indication (glueing) — same criteria, in another order",
        ),
        # De Morgan: not (a or b) is (not a) and (not b).
        (
            (GLUE, "{all: [lesion.site is rib, pain.night]}", "{not: {any: [lesion.site is not rib, not pain.night]}}"),
            "Contraindication (glueing) — before: site: rib and pain at night: yes; after: (site: rib and pain at night: yes)",
        ),
        # A criterion that another one implies.
        (
            (GLUE, "        - pain.nrs >= 4\n", "        - pain.nrs >= 4\n        - pain.nrs >= 2\n"),
            "Indication (glueing) — criterion added: pain ≥ 2",
        ),
    ],
    ids=["reordered", "rewritten", "implied"],
)
def test_another_condition_of_the_same_meaning_is_wording(edit: Edit, english: str) -> None:
    change = only(compared(edit))
    assert change.grade == "wording"
    assert change.what.en == english
    assert change.reason is not None
    assert change.reason.en == "same meaning for every patient: proved"
    assert change.witness is None


def test_another_unit_of_the_same_figure_is_wording() -> None:
    change = only(compared((BLOOD, PLATELETS, "blood.platelets < 50000 /uL")))
    assert (change.grade, change.kind) == ("wording", "rule.text")


def test_what_can_hold_of_nobody_changes_nothing() -> None:
    """Pain of 0 and pain at night: the rulebook itself says that it cannot be."""
    impossible = "            - pain.night\n            - {all: [pain.nrs == 0, pain.night]}\n"
    assert only(compared((GLUE, "            - pain.night\n", impossible))).grade == "wording"


def test_what_is_merely_unknown_counts() -> None:
    """For a complete patient `A or not A` always holds; while A is not known it is open, and the act waits for it."""
    edit = (
        GLUE,
        "{all: [lesion.site is rib, pain.night]}",
        "{all: [lesion.site is rib, pain.night, {any: [pain.mechanical, not pain.mechanical]}]}",
    )
    change = only(compared(edit))
    assert change.grade == "loosening"
    assert change.witness is not None
    lesion = change.witness["lesions"][0]
    assert "pain.mechanical" not in lesion
    assert (
        verdict(OLD, "glue.rib", change.witness, change.at),
        verdict(book(edit), "glue.rib", change.witness, change.at),
    ) == (2, 1)


def test_what_can_no_longer_be_ruled_out_counts_too() -> None:
    """`A and not A` never holds; but while A is not known it is open, and so is what was known not to hold."""
    alternative = "{any: [{all: [lesion.site is rib, pain.night]}, {all: [pain.mechanical, not pain.mechanical]}]}"
    edit = (GLUE, "{all: [lesion.site is rib, pain.night]}", alternative)
    change = only(compared(edit))
    assert change.grade == "tightening"
    assert change.witness is not None
    judged = [verdict(each, "glue.rib", change.witness, change.at) for each in (OLD, book(edit))]
    assert judged == [0, 1]


# ---- what is not decided ----


def test_what_is_not_decided_in_time_is_mixed_and_says_so() -> None:
    change = only(compare(OLD, book((BLOOD, PLATELETS, "blood.platelets < 30 G/L")), lambda _: Silent()))
    assert change.grade == "mixed"
    assert change.reason is not None
    assert change.reason.en == "not decided in time"
    assert change.witness is None


def test_a_prover_is_made_only_when_something_must_be_proved() -> None:
    def refuse(_: object) -> Silent:
        raise AssertionError("nothing is to be proved")

    because = (BLOOD, "Au moins 50.", "Au moins cinquante.")
    assert compare(OLD, book(because), refuse).overall == "wording"
    assert compare(OLD, OLD, refuse).changes == ()


def test_a_large_rewrite_is_told_before_and_after() -> None:
    edit = (
        GLUE,
        "        - pain.nrs >= 4\n        - lesion.site in [rib, hip]\n",
        "        - pain.nrs >= 5\n        - lesion.site is spine\n        - blood.inr < 2\n"
        "        - blood.platelets > 60 G/L\n        - not allergies includes latex\n",
    )
    change = only(compared(edit))
    assert change.grade == "mixed"
    assert change.what.en == (
        "Indication (glueing) — before: pain ≥ 4 and site: hip or rib and (mechanical pain: yes or pain at night: yes); "
        "after: pain ≥ 5 and site: spine and INR < 2 and platelets > 60 G/L and allergies: without latex "
        "and (mechanical pain: yes or pain at night: yes)"
    )
