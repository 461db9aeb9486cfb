"""What counts as covered: against the definition by brute force, by hand on small conditions, and on the real rules."""

from functools import cache
from itertools import product
from random import Random

import pytest

from service.language.kleene import NO, UNKNOWN, YES, Verdict
from service.language.tree import All, AnyOf, CountLesions, Flag, Node, Not, criteria, leaves
from service.recommend.recommendation import Recommendation
from service.referral.complaints import ReferralError
from service.rulebook.source import read_bytes, rule_files
from service.workbench.coverage import Counts, Coverage, CriterionCoverage, Observer, decisive, weigh, why_not
from service.workbench.places import Place, find_places
from service.workbench.tables.read import read_tables
from tests.fixtures.reading import ROOT, RULES, decider, fixtures, recommended
from tests.properties.trees import Trees

A, B, C = Flag("a"), Flag("b"), Flag("c")


def evaluation(node: Node, *verdicts: Verdict) -> tuple[Verdict, list[bool]]:
    """The verdict of a condition whose criteria come out so, in reading order, and which of them alone gave it."""
    given = iter(verdicts)
    weighed = weigh(node, lambda leaf: next(given))
    return weighed.verdict, [alone for _, alone in decisive(weighed)]


@pytest.mark.parametrize(
    ("node", "verdicts", "expected"),
    [
        (All((A, B)), (YES, YES), (YES, [True, True])),
        (All((A, B)), (NO, YES), (NO, [True, False])),
        (All((A, B)), (NO, NO), (NO, [False, False])),
        # b would be hidden by what is not known of a: the rule would not come out yes.
        (All((A, B)), (UNKNOWN, NO), (NO, [False, False])),
        (All((A, B)), (UNKNOWN, YES), (UNKNOWN, [True, False])),
        (AnyOf((A, B)), (YES, NO), (YES, [True, False])),
        (AnyOf((A, B)), (YES, YES), (YES, [False, False])),
        (AnyOf((A, B)), (NO, NO), (NO, [True, True])),
        (Not(A), (YES,), (NO, [True])),
        # `any` hides nothing of b while a is no; c is hidden while b is no.
        (All((AnyOf((A, Not(B))), C)), (NO, NO, YES), (YES, [False, True, True])),
        (All((AnyOf((A, B)), C)), (NO, NO, YES), (NO, [True, True, False])),
        # The same criterion twice: each place counts for itself.
        (AnyOf((All((A, B)), All((Not(A), C)))), (YES, YES, YES, NO), (YES, [True, True, False, False])),
    ],
)
def test_which_criterion_alone_gives_the_verdict(node: Node, verdicts: tuple[Verdict, ...], expected: object) -> None:
    assert evaluation(node, *verdicts) == expected


def test_decisive_is_what_its_definition_says() -> None:
    """Of a criterion that comes out the other way with all else as it is: then so does the whole, yes for no."""
    random = Random(11)  # noqa: S311 - any will do, but the same every time
    seen = 0
    for _ in range(150):
        node = Trees(random).tree("lesion", 3)
        size = sum(1 for _ in leaves(node))
        choices = list(product((NO, UNKNOWN, YES), repeat=size)) if size <= 4 else []
        choices = choices or [tuple(random.choice((NO, UNKNOWN, YES)) for _ in range(size)) for _ in range(20)]
        for verdicts in choices:
            _, alone = evaluation(node, *verdicts)
            for at in range(size):
                ends = {evaluation(node, *verdicts[:at], end, *verdicts[at + 1 :])[0] for end in (NO, YES)}
                assert alone[at] == (ends == {NO, YES})
                seen += alone[at]
    assert seen > 500


def test_criteria_are_listed_with_those_inside_questions_about_lesions() -> None:
    inner = CountLesions(All((B, C)), ">=", 1.0)
    assert list(criteria(All((A, Not(inner))))) == [A, inner, B, C]


# ---- on the real rules -----------------------------------------------------------------------------------------------

#: every so many cases, and one with several lesions
SOME = (*sorted(fixtures())[::6], "three-sites", "platelets-32", "alert-sepsis")


@cache
def some() -> list[Recommendation]:
    found = [recommended(name) for name in dict.fromkeys(SOME)]
    return [each[0] for each in found if not isinstance(each, ReferralError)]


@pytest.fixture(scope="module")
def observed() -> Coverage:
    observer = Observer(decider().rulebook)
    for recommendation in some():
        observer.see(recommendation.case)
    return observer.coverage(find_places(rule_files(RULES)))


@pytest.fixture(scope="module")
def by_tables() -> Coverage:
    observer = Observer(decider().rulebook)
    observer.see_tables(read_tables(decider().rulebook, ROOT / "fixtures" / "thresholds"))
    return observer.coverage(find_places(rule_files(RULES)))


def test_every_criterion_stands_where_it_is_said_to_stand() -> None:
    """The line of each criterion holds its text, and the lines of a condition lie after the rule's own."""
    files = rule_files(RULES)
    lines = {name: content.decode().splitlines() for name, content in files.items()}
    places, rulebook = find_places(files), decider().rulebook
    assert places.rules.keys() == rulebook.rules.keys()
    nodes: list[tuple[Node, tuple]] = [(rule.when, places.rules[name]) for name, rule in rulebook.rules.items()]
    for name, score in rulebook.scores.items():
        nodes += zip(score.conditions(), places.scores[name], strict=True)
    plain = 0
    for node, found in nodes:
        for leaf, place in zip(criteria(node), found, strict=True):
            if not isinstance(leaf, CountLesions) and leaf.text != "always":
                # A long criterion goes on in the next lines, or begins there (`>-`).
                first, *more = lines[place.file][place.line - 1 : place.line + 2]
                assert leaf.text in " ".join(line.strip() for line in (first, *more)), (place, leaf.text)
                assert first.rstrip().endswith(">-") or leaf.text.split(",")[0] in first
                plain += 1
    assert plain > 1000
    for name, rule in rulebook.rules.items():
        assert places.rules[name][0].file == rule.file
        assert places.rules[name][0].line >= rule.line


def test_counts_are_those_of_the_decisions(observed: Coverage) -> None:
    """Rules about the patient once for each case, about a lesion once for each lesion, as both engines decided."""
    rulebook = decider().rulebook
    expected = {name: [0, 0, 0] for name in rulebook.rules}
    for recommendation in some():
        for bound in rulebook.bound:
            judged = recommendation.lesions if bound.scope == "lesion" else recommendation.lesions[:1]
            for lesion in judged:
                expected[bound.rule.id][lesion.judgement.verdicts[bound.place]] += 1
    assert {rule.id: list(rule.counts) for rule in observed.rules} == expected


def test_what_matters_is_shown_by_two_evaluations(observed: Coverage) -> None:
    found = {(of.id, criterion.text): criterion for of, criterion in observed.criteria()}
    platelets = found["bleeding.platelets-low", "blood.platelets < 50 G/L"]
    assert platelets.matters
    # One criterion is the whole condition: it alone decides whenever it is asked.
    assert platelets.decisive == platelets.counts
    # Whoever has it in these cases has another infection too, and whoever has not has no sign of sepsis.
    assert why_not(found["alert.sepsis", "infection.bacteraemia"]) == "never alone decisive"


def _of(yes: int, no: int, decisive_yes: int, decisive_no: int) -> CriterionCoverage:
    counts, alone = Counts(no=no, unknown=1, yes=yes), Counts(no=decisive_no, unknown=0, yes=decisive_yes)
    return CriterionCoverage("a", Place("x.yaml", 1), counts, alone, always_known=False)


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        (_of(0, 0, 0, 0), "never yes nor no"),
        (_of(0, 3, 0, 3), "never yes"),
        (_of(3, 0, 1, 0), "never no"),
        (_of(3, 3, 1, 0), "never alone decisive as a no"),
        (_of(3, 3, 0, 2), "never alone decisive as a yes"),
        (_of(3, 3, 0, 0), "never alone decisive"),
    ],
)
def test_why_a_criterion_is_not_covered(criterion: CriterionCoverage, said: str) -> None:
    assert not criterion.matters
    assert why_not(criterion) == said


def test_the_tables_show_nearly_every_criterion_to_matter(by_tables: Coverage) -> None:
    """The rest are the criteria that another one makes superfluous, as docs/mutation.md says in other words."""
    criteria_of_rules = [
        (of.id, criterion) for of, criterion in by_tables.criteria() if of.kind == "rule" and not criterion.matters
    ]
    assert {criterion.text for _, criterion in criteria_of_rules} <= {"lesion.site in [vertebra, sacrum]"}
    assert all(rule.never == [] for rule in by_tables.rules)


def test_a_rule_that_holds_for_everybody_is_not_blamed(observed: Coverage) -> None:
    always = next(rule for rule in observed.rules if not rule.criteria)
    assert always.counts.no == always.counts.unknown == 0
    assert always.never == []


def test_what_speaks_only_of_the_technique_is_never_unknown(observed: Coverage) -> None:
    technical = [rule for rule in observed.rules if rule.criteria and all(c.always_known for c in rule.criteria)]
    assert technical
    for rule in technical:
        assert "unknown" not in rule.never
        assert sum(sum(counts) for counts in rule.by_technique.values()) == sum(rule.counts)


def test_rows_of_a_score_are_read_as_far_as_one_holds(observed: Coverage) -> None:
    """A row counts only where the rows before it did not hold."""
    scores = {of.id: of.counts for of in observed.scores}
    for score in decider().rulebook.scores.values():
        applies = scores[f"{score.id} applies"]
        for component in score.components:
            left = applies.yes + applies.unknown
            for number in range(1, len(component.rows) + 1):
                counts = scores[f"{score.id} {component.id} row {number}"]
                assert sum(counts) == left
                left -= counts.yes


def test_nothing_is_covered_by_no_case() -> None:
    coverage = Observer(decider().rulebook).coverage(find_places(rule_files(RULES)))
    assert not any(criterion.matters for _, criterion in coverage.criteria())
    assert {why_not(criterion) for _, criterion in coverage.criteria()} == {"never met"}
    assert {rule.counts for rule in coverage.rules} == {Counts(0, 0, 0)}


def test_places_of_every_connective() -> None:
    text = """
rules:
  - id: a.b
    when:
      all:
        - not: one
        - any_lesion:
            any:
              - two
              - three
        - count_lesions:
            where: four
            is: "> 3"
"""
    assert read_bytes(text.encode(), "safety/a.yaml")[1] == []
    found = find_places({"safety/a.yaml": text.encode()}).rules["a.b"]
    assert [place.line for place in found] == [6, 7, 9, 10, 11, 12]
