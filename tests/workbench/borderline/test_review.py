"""What was approved is kept, read again, and asked about again only when the rules contradict it."""

from pathlib import Path

import pytest

from service.language.meaning import Meaning
from service.rulebook.model import Rulebook
from service.workbench.borderline.approved import Approved, approved_tables, file_of, read_approved, write_approved
from service.workbench.borderline.case import Case, compact
from service.workbench.borderline.review import Dialogue, Question, review
from service.workbench.tables.patients import TableError
from service.workbench.tables.verdicts import wrong_verdicts

PLATELETS, REFRACTORY = "bleeding.platelets-low", "bleeding.platelets-refractory"


def approved_of(cases: list[Case]) -> list[Approved]:
    return [
        Approved(case.rule, case.criterion, case.on, case.written(), "the committee", "2026-11-25") for case in cases
    ]


def reviewed(book: Rulebook, rule: str, approved: list[Approved]):
    (found,) = review(book, [rule], approved)
    return found


@pytest.fixture
def topics(rulebook: Rulebook) -> dict[str, str]:
    return {rule.id: rule.topic for rule in rulebook.rules.values()}


# ---- files -----------------------------------------------------------------------------------------------------------


def test_every_case_of_the_rulebook_is_read_as_it_was_written(
    rulebook: Rulebook, cases, topics, tmp_path: Path
) -> None:
    approved = approved_of([case for listed in cases.values() for case in listed])
    write_approved(tmp_path, approved, topics, {file_of(each, topics) for each in approved})
    read = read_approved(tmp_path)
    key = lambda each: (each.rule, each.criterion, each.on, str(each.written))  # noqa: E731
    assert sorted(map(key, read)) == sorted(map(key, approved))
    few = list(cases)[::8]
    for rule, found in zip(few, review(rulebook, few, read), strict=True):
        assert found.questions == (), rule
    meaning = Meaning(rulebook.vocabulary, rulebook.scores)
    for rule, tables in approved_tables(rulebook, tmp_path).items():
        for table in tables:
            assert list(wrong_verdicts(rulebook.rules[rule].when, table, meaning)) == []


def test_a_file_is_plain_to_read(cases, topics, tmp_path: Path) -> None:
    approved = approved_of(cases[REFRACTORY])
    (path,) = write_approved(tmp_path, approved, topics, {"bleeding.yaml"})
    assert path.read_text(encoding="utf-8").splitlines()[1:8] == [
        "rules:",
        f"  {REFRACTORY}:",
        '    - criterion: "blood.platelets < 50 G/L"',
        '      turns_on: "blood.platelets"',
        "      usual: {blood.platelets: 49, blood.platelets_refractory: true}",
        "      no: [{blood.platelets: 50}]",
        "      unknown: [blood.platelets]",
    ]


def test_only_the_files_touched_are_written_and_an_empty_one_goes(cases, topics, tmp_path: Path) -> None:
    approved = approved_of(cases[PLATELETS])
    write_approved(tmp_path, approved, topics, {"bleeding.yaml"})
    (tmp_path / "spine.yaml").write_text("not looked at", encoding="utf-8")
    write_approved(tmp_path, [], topics, {"bleeding.yaml"})
    assert [path.name for path in tmp_path.iterdir()] == ["spine.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bleeding: {}", "stand below «rules»"),
        ("rules: {a.b: [{criterion: x}]}", "a.b: «approved_by» is missing"),
        (
            "rules: {a.b: [{criterion: x, turns_on: y, usual: {}, no: [], approved_by: z, date: d, hue: 1}]}",
            "unknown key «hue»",
        ),
        (
            "rules: {a.b: [{criterion: x, turns_on: y, usual: {}, no: [], approved_by: ' ', date: d}]}",
            "«approved_by» needs",
        ),
        (
            "rules: {a.b: [{criterion: x, turns_on: y, usual: 3, no: [], approved_by: z, date: d}]}",
            "«usual» is a patient",
        ),
        ("rules: [", "not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "topic.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as raised:
        read_approved(tmp_path)
    assert said in str(raised.value)
    assert "topic.yaml:" in str(raised.value)


def test_without_a_folder_nothing_was_approved(tmp_path: Path) -> None:
    assert read_approved(tmp_path / "none") == []


def test_patients_who_differ_in_one_word_are_written_as_one() -> None:
    same = {"count": 3, "pain": 7}
    assert compact([[same, {"site": "a", "pain": 7}], [same, {"site": "b", "pain": 7}]]) == [
        [same, {"site": ["a", "b"], "pain": 7}]
    ]
    apart = [[same, {"site": "a", "pain": 7}], [same, {"site": "b", "pain": 6}]]
    assert compact(apart) == apart


# ---- what is asked ---------------------------------------------------------------------------------------------------


def test_what_is_approved_is_not_asked_again(rulebook: Rulebook, cases) -> None:
    first, *others = cases[REFRACTORY]
    found = reviewed(rulebook, REFRACTORY, approved_of([first]))
    assert [question.case for question in found.questions] == others
    assert [(settled.case, settled.approved.by) for settled in found.settled] == [(first, "the committee")]


def test_a_changed_threshold_is_asked_again_with_what_was_approved(drafted, cases) -> None:
    draft = drafted("when: blood.platelets < 50 G/L", "when: blood.platelets < 30 G/L")
    (question,) = reviewed(draft, PLATELETS, approved_of(cases[PLATELETS])).questions
    assert question.case is not None
    assert (question.case.yes, question.case.no) == ((29,), (30,))
    (outdated,) = question.outdated
    assert outdated.approved.written["usual"] == {"blood.platelets": 49}
    assert "no, not yes, for blood.platelets: 49" in outdated.contradictions[0]


def test_a_new_criterion_asks_again_and_a_new_sentence_does_not(drafted, cases) -> None:
    approved = approved_of(cases[PLATELETS])
    stricter = drafted("when: blood.platelets < 50 G/L", "when: {all: [blood.platelets < 50 G/L, blood.inr > 2]}")
    asked = reviewed(stricter, PLATELETS, approved).questions
    assert [question.case.on for question in asked if question.case] == ["blood.platelets", "blood.inr"]
    assert [len(question.outdated) for question in asked] == [1, 0]
    reworded = drafted("needs at least 50 G/L platelets", "asks for 50 G/L platelets or more")
    assert reviewed(reworded, PLATELETS, approved).questions == ()


def test_another_patient_around_the_same_point_is_not_asked_while_the_old_one_holds(drafted, cases) -> None:
    """A second way to fulfil the rule comes first: the patient with refractory platelets says as much as the one proposed."""
    draft = drafted(
        "        - blood.platelets_refractory\n", "        - any: [blood.inr > 9, blood.platelets_refractory]\n"
    )
    approved = approved_of(cases[REFRACTORY])
    found = reviewed(draft, REFRACTORY, approved)
    (settled,) = found.settled
    assert settled.approved.written["usual"] == {"blood.platelets": 49, "blood.platelets_refractory": True}
    assert settled.case.beside.keys() == {"blood.inr"}
    # Without refractory platelets the rule did not hold; now the INR may make it hold.
    assert [(q.case.on, len(q.outdated)) for q in found.questions if q.case] == [
        ("blood.inr", 0),
        ("blood.platelets_refractory", 1),
    ]


def test_a_criterion_that_is_gone_leaves_a_case_to_withdraw(drafted, cases) -> None:
    draft = drafted("        - blood.platelets_refractory\n", "")
    *_, last = reviewed(draft, REFRACTORY, approved_of(cases[REFRACTORY])).questions
    assert last.case is None
    assert [old.approved.on for old in last.outdated] == ["blood.platelets_refractory"]


def test_a_rule_that_is_gone_leaves_its_cases_to_withdraw(rulebook: Rulebook, cases) -> None:
    approved = [Approved("gone.rule", "x", "y", {"usual": {}, "no": []}, "z", "d")]
    (question,) = reviewed(rulebook, "gone.rule", approved).questions
    assert question.case is None
    assert question.outdated[0].contradictions == ("the rule is gone",)


def test_an_item_that_is_gone_is_told(rulebook: Rulebook, cases) -> None:
    (case,) = approved_of(cases[PLATELETS])
    renamed = Approved(case.rule, case.criterion, "blood.old", {"usual": {"blood.old": 1}, "no": []}, "z", "d")
    *_, last = reviewed(rulebook, PLATELETS, [renamed]).questions
    assert "no item is called blood.old" in last.outdated[0].contradictions[0]


# ---- the dialogue ----------------------------------------------------------------------------------------------------


@pytest.fixture
def dialogue(cases) -> Dialogue:
    return Dialogue(tuple(Question(case.rule, case) for case in (*cases[PLATELETS], *cases[REFRACTORY])))


def pressed(dialogue: Dialogue, keys: str) -> Dialogue:
    for key in keys:
        dialogue = dialogue.press(key)
    return dialogue


def test_one_key_answers_one_case(dialogue: Dialogue) -> None:
    after = pressed(dialogue, "yns")
    assert after.answers == ("approved", "rejected", "skipped")
    assert after.current is None
    assert [question.rule for question in after.answered("rejected")] == [REFRACTORY]


def test_undo_takes_back_one_answer_at_a_time_even_the_last(dialogue: Dialogue) -> None:
    assert pressed(dialogue, "ynsu").answers == ("approved", "rejected")
    assert pressed(dialogue, "ynuus").answers == ("skipped",)
    assert pressed(dialogue, "u").answers == ()


def test_quitting_keeps_what_was_answered_and_other_keys_change_nothing(dialogue: Dialogue) -> None:
    after = pressed(dialogue, "yx q")
    assert after.ended
    assert after.current is None
    assert after.answers == ("approved",)
    assert pressed(dialogue, "ynsy").answers == ("approved", "rejected", "skipped")


def test_the_result_holds_what_was_approved_and_nothing_else(dialogue: Dialogue, cases) -> None:
    before = approved_of(cases["spine.many-levels"])
    after = pressed(dialogue, "ynq").result(before, "Somebody", "2026-11-26")
    assert after[: len(before)] == before
    assert [(each.rule, each.by, each.date) for each in after[len(before) :]] == [(PLATELETS, "Somebody", "2026-11-26")]


def test_an_approved_case_takes_the_place_of_the_outdated_and_a_rejected_one_does_not(drafted, cases) -> None:
    draft = drafted("when: blood.platelets < 50 G/L", "when: blood.platelets < 30 G/L")
    before = approved_of(cases[PLATELETS])
    dialogue = Dialogue(reviewed(draft, PLATELETS, before).questions)
    (new,) = pressed(dialogue, "y").result(before, "Somebody", "2026-11-26")
    assert new.written["usual"] == {"blood.platelets": 29}
    assert pressed(dialogue, "n").result(before, "Somebody", "2026-11-26") == before
