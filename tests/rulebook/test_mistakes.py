"""A faulty rulebook does not load: all its mistakes are listed at once, each once, where it stands, with a way to mend it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from service.decision import Decider
from service.language.errors import Mistake
from service.rulebook.load import RulebookError, load_rulebook
from service.rulebook.schema import SINGLE
from service.run.compile import TooManyBranches
from service.selftest import errors_of
from tests.fixtures.reading import RULES
from tests.rulebook.spoiling import Copy

EVIDENCE = "{certainty: consensus, sources: [PRACTICE], verified: false}"
BECAUSE = "{fr: Phrase., en: Sentence.}"
NEEDLE = "contraindicates: {trait: needle}"
ABSOLUTE = "severity: absolute"


def rule(
    when: str = "blood.platelets < 50 G/L",
    *,
    name: str = "probe.@",
    claim: str = NEEDLE,
    severity: str = ABSOLUTE,
    because: str = BECAUSE,
    evidence: str = EVIDENCE,
    more: str = "",
) -> str:
    lines = [f"id: {name}", claim, severity, f"when: {when}", f"because: {because}", f"evidence: {evidence}", more]
    return "  - " + "\n    ".join(line for line in lines if line) + "\n"


def topic(*rules: str) -> str:
    return "topic: probe\nlabel: {fr: Sonde, en: Probe}\nrules:\n" + "".join(rules)


class Says(NamedTuple):
    """What is to be said at one mark «‹offender›»; `offender` when it is not the marked text."""

    message: str
    suggestion: str | None = None
    offender: str | None = None


class Probe(NamedTuple):
    text: str
    says: tuple[Says, ...]


def probe(text: str, *says: Says | str) -> Probe:
    return Probe(text, tuple(Says(each) if isinstance(each, str) else each for each in says))


#: name -> a rule file with mistakes, each marked ‹so›, and what is to be said of them in order
PROBES = {
    "syntax": probe(topic("  - id: [probe.a\n‹›"), "not valid YAML"),
    "tab": probe(topic("‹›\t- id: probe.a\n"), "a tab stands here"),
    "empty-file": probe("‹›# nothing\n", "the file is empty"),
    "a-list": probe("‹›- topic\n", Says("a mapping (key: value) is needed", None, "['topic']")),
    "two-documents": probe(topic(rule()) + "‹›---\n" + topic(rule()), "not valid YAML"),
    "duplicate-key": probe(topic(rule(more="‹severity›: relative")), "given twice"),
    "anchor": probe(
        topic(rule(because="‹&text› {fr: Phrase., en: Sentence.}"), rule(name="probe.@b", because="*text")), "anchors"
    ),
    "anchor-bomb": probe(
        "a: ‹&a› [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: ‹&{b}› [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        *["anchors"] * 9,
    ),
    "python-tag": probe(
        topic(rule(because="‹›!!python/object/apply:os.system {fr: Phrase., en: Sentence.}")),
        Says("tags are not used", None, "tag:yaml.org,2002:python/object/apply:os.system"),
    ),
    "own-tag": probe(topic(rule(because="‹›!text {fr: Phrase., en: Sentence.}")), Says("tags", None, "!text")),
    "too-deep": probe(topic(rule("{not: " * 28 + "‹›{not: " + "{not: " * 7 + "lesion.fracture" + "}" * 36)), "too deep"),
    "unknown-key": probe(topic(rule(more="sevrity: ‹›absolute")), Says("unknown key", "severity", "sevrity")),
    "unknown-connective": probe(
        topic(rule("{and: ‹›[lesion.fracture, pain.mechanical]}")), Says("unknown key", "any", "and")
    ),
    "unknown-item": probe(topic(rule("‹blood.plateletts› < 50 G/L")), Says("unknown item", "blood.platelets")),
    "item-without-section": probe(topic(rule("‹platelets› < 50 G/L")), Says("unknown item", "blood.platelets")),
    "unknown-item-deep-inside": probe(
        topic(
            rule(
                '\n      all:\n        - any:\n            - not: ‹blood.plateletts› < 50 G/L\n        - "lesion.site is ‹vertabra›"'
            )
        ),
        Says("unknown item", "blood.platelets"),
        Says("not a word of lesion.site", "vertebra"),
    ),
    "unknown-word": probe(topic(rule("lesion.site is ‹vertabra›")), Says("not a word of lesion.site", "vertebra")),
    "unknown-word-of-several": probe(topic(rule("lesion.site in [sacrum, ‹illium›]")), Says("not a word", "ilium")),
    "unknown-trait": probe(topic(rule(claim="contraindicates: {trait: ‹needel›}")), Says("unknown trait", "needle")),
    "unknown-technique": probe(
        topic(rule(claim="contraindicates: {technique: [surgery, ‹vertebroplastie›]}")),
        Says("unknown technique", "vertebroplasty"),
    ),
    "unknown-anaesthesia": probe(
        topic(rule(claim="contraindicates: {anaesthesia: ‹genral›}")), Says("unknown anaesthesia", "general")
    ),
    "unknown-source": probe(
        topic(rule(evidence="{certainty: consensus, sources: [PRACTICE, ‹CHEW12›], verified: false}")),
        Says("unknown source", "CHEW11"),
    ),
    "unknown-score": probe(topic(rule("‹score.sinss› >= 13")), Says("unknown score", "score.sins")),
    "unknown-site-setting": probe(
        topic(rule("blood.inr > ‹site.inr_high_risk›")), Says("unknown site setting", "site.inr_high_risk_limit")
    ),
    "unknown-certainty": probe(
        topic(rule(evidence="{certainty: ‹moderat›, sources: [PRACTICE], verified: false}")), Says("not one of", "moderate")
    ),
    "unknown-severity": probe(topic(rule(severity="severity: ‹absolut›")), Says("not one of", "absolute")),
    "wrong-unit": probe(topic(rule("blood.platelets < 50 ‹g/dL›")), Says("unit not accepted for blood.platelets", "Giga/L")),
    "unit-of-a-number-without": probe(topic(rule("airway.mallampati >= 3 ‹mm›")), "unit not accepted"),
    "missing-unit": probe(topic(rule("‹blood.platelets› < 50")), "needs a unit after the number, as in «G/L»"),
    "missing-unit-of-time": probe(topic(rule("since(last_dose.apixaban) < ‹72›")), "a time needs a unit"),
    "wrong-unit-of-time": probe(topic(rule("since(last_dose.apixaban) < 72 ‹hours›")), "a time needs a unit"),
    "outside-the-range": probe(topic(rule("blood.platelets < 50000 ‹G/L›")), "outside the plausible range"),
    "flag-compared": probe(topic(rule("‹lesion.fracture› > 3")), "is a flag; a number is needed"),
    "number-as-flag": probe(topic(rule("‹blood.platelets›")), "is a number; a flag is needed"),
    "equality": probe(topic(rule("blood.inr ‹=› 3")), "equality of a number is «==»"),
    "ends-too-early": probe(topic(rule("blood.inr >‹›")), Says("ends too early", None, "blood.inr >")),
    "python": probe(topic(rule("‹__import__('os').system('true')›")), "not understood here"),
    "is-known": probe(topic(rule("‹blood.inr› is known")), "a choice is needed"),
    "quantifier-in-quantifier": probe(
        topic(rule("{any_lesion: ‹›{any_lesion: lesion.fracture}}")), "cannot stand inside another one"
    ),
    "count-of-nothing": probe(
        topic(rule("{count_lesions: {where: lesion.fracture, is: ‹many›}}")), "not understood here"
    ),
    "same-id": probe(
        topic(rule(), rule(name="‹probe.@›")), "this id is taken (safety/probe_@.yaml:4)"
    ),
    "bad-id": probe(topic(rule(name="‹Probe One›")), "not of the form expected (topic.what, lower case)"),
    "missing-english": probe(topic(rule(because="‹›{fr: Phrase.}")), "«en» is missing"),
    "missing-french": probe(topic(rule(because="‹›{en: Sentence.}")), "«fr» is missing"),
    "blank-english": probe(topic(rule(because='{fr: Phrase., en: "‹ ›"}')), "not of the form expected"),
    "missing-reason": probe(topic("  - ‹›" + rule().removeprefix("  - ").replace(f"    because: {BECAUSE}\n", "")), "«because» is missing"),
    "relative-without-precaution": probe(
        topic("  - ‹›" + rule(severity="severity: relative").removeprefix("  - ")),
        Says("needs a «precaution»", None, "probe.@"),
    ),
    "without-severity": probe(
        topic("  - ‹›" + rule(severity="").removeprefix("  - ")), Says("needs «severity»", None, "probe.@")
    ),
    "two-claims": probe(
        topic("  - ‹›" + rule(more="favours: {trait: needle}").removeprefix("  - ")),
        Says("exactly one claim", None, "probe.@"),
    ),
    "no-claim": probe(
        topic("  - ‹›" + rule(claim="").removeprefix("  - ")), Says("exactly one claim", None, "probe.@")
    ),
    "empty-target": probe(topic(rule(claim="contraindicates: ‹›{}")), "the rule speaks of nobody"),
    "two-modes": probe(
        topic(rule(claim="contraindicates: ‹›{anaesthesia: general, guidance: ct}")), "one mode at most"
    ),
    "severity-of-an-argument-for": probe(
        topic(rule(claim="favours: {trait: needle}", severity="severity: ‹›absolute")),
        Says("a rule that favours has no «severity»", None, "probe.@"),
    ),
    "verified-yes": probe(
        topic(rule(evidence="{certainty: consensus, sources: [PRACTICE], verified: ‹yes›}")), "true or false is needed"
    ),
    "lead-time": probe(
        topic(rule(more="correctable: {by: {fr: A., en: B.}, lead_time: ‹3 days›}")), "a number and a unit: 72 h, 7 d"
    ),
    "earliest-after-nothing": probe(
        topic(rule(more='correctable: {by: {fr: A., en: B.}, lead_time: 3 d, earliest: "after(‹last_dose.apixabn›, 3 d)"}')),
        Says("unknown item", "last_dose.apixaban"),
    ),
    "recheck-of-nothing": probe(
        topic(rule(more="correctable: {by: {fr: A., en: B.}, lead_time: 3 d, recheck: ‹blood.plateletts›}")),
        Says("unknown item", "blood.platelets"),
    ),
    "four-in-one-file": probe(
        topic(
            rule("‹blood.plateletts› < 50 G/L"),
            rule(name="probe.@b", claim="contraindicates: {trait: ‹needel›}"),
            rule(name="probe.@c", because="‹›{fr: Phrase.}"),
            rule("blood.platelets < 50 ‹mm›", name="probe.@d"),
        ),
        Says("unknown item", "blood.platelets"),
        Says("unknown trait", "needle"),
        "«en» is missing",
        Says("unit not accepted", "/mm³"),
    ),
}  # fmt: skip


def file_of(name: str) -> str:
    return f"safety/probe_{name.replace('-', '_')}.yaml"


def written(name: str) -> str:
    """The file of a probe: its marks taken out, its rules named after it."""
    return re.sub("[‹›]", "", PROBES[name].text.replace("@", name.replace("-", "_")))


def marks(name: str) -> list[tuple[int, int, str]]:
    """Line, column and text of each mark."""
    found, line, column, start = [], 1, 1, (0, 0, "")
    text = PROBES[name].text.replace("@", name.replace("-", "_"))
    for at, character in enumerate(text):
        if character == "‹":
            start = (line, column, text[at + 1 : text.index("›", at)])
        elif character == "›":
            found.append(start)
        elif character == "\n":
            line, column = line + 1, 1
        else:
            column += 1
    return found


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Mistake]]:
    """All probes put into one copy of the rules, and everything said when it is loaded once, by file."""
    copy = Copy(tmp_path_factory.mktemp("probes"))
    for name in PROBES:
        copy.write(file_of(name), written(name))
    by_file: dict[str, list[Mistake]] = {}
    for mistake in copy.mistakes():
        by_file.setdefault(mistake.file, []).append(mistake)
    return by_file


@pytest.mark.parametrize("name", PROBES)
def test_each_mistake_is_told_once_where_it_stands(name: str, said: dict[str, list[Mistake]]) -> None:
    mistakes, expected = said.get(file_of(name), []), PROBES[name].says
    placed = marks(name)
    assert len(placed) == len(expected), "the probe itself is wrong"
    assert [(mistake.line, mistake.column) for mistake in mistakes] == [(line, column) for line, column, _ in placed], (
        "\n".join(map(str, mistakes)) or "nothing was said"
    )
    for mistake, says, (_, _, marked) in zip(mistakes, expected, placed, strict=True):
        named = name.replace("-", "_")
        assert says.message.replace("@", named) in mistake.message
        offender = marked if says.offender is None else says.offender.replace("@", named)
        assert mistake.offender.strip() == offender.strip()
        assert mistake.suggestion == says.suggestion


def test_nobody_else_is_blamed(said: dict[str, list[Mistake]]) -> None:
    assert set(said) == {file_of(name) for name in PROBES}


def test_the_form_of_a_probe_is_right_but_for_its_mistake(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    copy.write("safety/probe.yaml", topic(rule()).replace("@", "one"))
    assert copy.mistakes() == ()
    assert "probe.one" in load_rulebook(copy.folder).rules


def test_a_mistake_reads_as_editors_and_people_expect(said: dict[str, list[Mistake]]) -> None:
    (mistake,) = said[file_of("unknown-item")]
    expected = "safety/probe_unknown_item.yaml:7:11: unknown item «blood.plateletts»; did you mean «blood.platelets»?"
    assert str(mistake) == expected


# ---- mistakes that concern a whole file, one copy each ---------------------------------------------------------------


def _circular(copy: Copy) -> None:
    copy.write(
        "scores/stop.yaml", (RULES / "scores/stop.yaml").read_text("utf-8").replace("sleep.tired", "score.stop >= 1")
    )


def _circular_by_two(copy: Copy) -> None:
    copy.change("scores/stop.yaml", r"when: sleep\.tired", "when: score.bmi >= 30")
    copy.change("scores/bmi.yaml", r"rows: \[\]", 'rows: [{points: 1, when: "score.stop >= 2"}]')


def _dangerous_tiers(copy: Copy) -> None:
    copy.change("ranking.yaml", r"statuses: \[not_indicated\]", "statuses: [excluded]")
    copy.change("ranking.yaml", r"statuses: \[excluded, preempted\]", "statuses: [not_indicated, preempted]")


def _status_in_no_tier(copy: Copy) -> None:
    copy.change("ranking.yaml", r"statuses: \[excluded, preempted\]", "statuses: [preempted]")


def _not_utf8(copy: Copy) -> None:
    (copy.folder / "vocabulary/blood.yaml").write_bytes(
        (RULES / "vocabulary/blood.yaml").read_text("utf-8").encode("cp1252", errors="replace")
    )


def _broken(file: str) -> Callable[[Copy], None]:
    def spoil(copy: Copy) -> None:
        path = copy.folder / file
        path.write_text(path.read_text("utf-8") + "\n  ]: broken\n", encoding="utf-8")

    return spoil


def _missing(file: str) -> Callable[[Copy], None]:
    return lambda copy: (copy.folder / file).unlink()


def _broken_and_a_slip(copy: Copy) -> None:
    _broken("vocabulary/blood.yaml")(copy)
    copy.write("safety/probe.yaml", topic(rule("blood.plateletts < 50 G/L", name="probe.one")))


def _shape(file: str) -> Callable[[Copy], None]:
    return lambda copy: copy.write(file, "- not a mapping\n")


DECLARING = (
    "vocabulary/blood",
    "scores/sins",
    "techniques/vertebroplasty",
    "techniques/cementoplasty",
    "anaesthesia/general",
)
OVERSIZE = "# " + "x" * 1_000_001 + "\n"

#: what is done to the copy, and all that is said: file and part of the message
FILES: dict[str, tuple[Callable[[Copy], None], list[tuple[str, str]]]] = {
    **{f"missing-{name}": (_missing(f"{name}.yaml"), [(f"{name}.yaml", "this file is missing")]) for name in SINGLE},
    **{f"broken-{name}": (_broken(f"{name}.yaml"), [(f"{name}.yaml", "not valid YAML")]) for name in SINGLE},
    **{f"broken-{name}": (_broken(f"{name}.yaml"), [(f"{name}.yaml", "not valid YAML")]) for name in DECLARING},
    **{
        f"list-{name}": (_shape(f"{name}.yaml"), [(f"{name}.yaml", "a mapping (key: value) is needed")])
        for name in ("sources", "techniques/vertebroplasty", "anaesthesia/local", "safety/bleeding", "scores/sins")
    },
    "not-utf8": (_not_utf8, [("vocabulary/blood.yaml", "not UTF-8 at byte")]),
    "oversize": (lambda copy: copy.write("safety/probe.yaml", OVERSIZE), [("safety/probe.yaml", "larger than")]),
    "broken-and-a-slip-elsewhere": (
        _broken_and_a_slip,
        [("safety/probe.yaml", "unknown item"), ("vocabulary/blood.yaml", "not valid YAML")],
    ),
    "wrong-place": (
        lambda copy: copy.write("safety/deeper/probe.yaml", topic(rule())),
        [("safety/deeper/probe.yaml", "no kind of rule file belongs here")],
    ),
    "wrong-name": (
        lambda copy: copy.write("settings.yaml", "{}\n"),
        [("settings.yaml", "no kind of rule file belongs here")],
    ),
    "circular-score": (_circular, [("scores/stop.yaml", "the score is computed from itself")]),
    "circular-scores": (_circular_by_two, [(f"scores/{name}.yaml", "computed from itself") for name in ("bmi", "stop")]),
    "dangerous-tiers": (_dangerous_tiers, [("ranking.yaml", "tiers must keep this order")]),
    "status-in-no-tier": (_status_in_no_tier, [("ranking.yaml", "this status stands in no tier")]),
    "item-twice": (
        lambda copy: copy.write(
            "vocabulary/probe.yaml",
            "section: probe\nlabel: {fr: Sonde, en: Probe}\nscope: patient\nitems:\n"
            "  blood.inr: {type: flag, label: {fr: Un, en: One}}\n",
        ),
        [("vocabulary/probe.yaml", "declared twice")],
    ),
    "number-without-range": (
        lambda copy: copy.write(
            "vocabulary/probe.yaml",
            "section: probe\nlabel: {fr: Sonde, en: Probe}\nscope: patient\nitems:\n"
            "  probe.depth: {type: number, label: {fr: Un, en: One}}\n",
        ),
        [("vocabulary/probe.yaml", "needs its plausible «range»")],
    ),
    "division-by-zero": (
        lambda copy: copy.change("scores/bmi.yaml", r"otherwise: .*", "otherwise: body.weight / pain.nrs"),
        [("scores/bmi.yaml", "a score of the patient cannot read"), ("scores/bmi.yaml", "may divide by zero")],
    ),
    "no-time-zone": (
        lambda copy: copy.change("rulebook.yaml", r"^timezone: .*", "timezone: Europe/Lyons"),
        [("rulebook.yaml", "not a time zone")],
    ),
    "no-date": (
        lambda copy: copy.change("rulebook.yaml", r"^effective: .*", 'effective: "2026-13-01"'),
        [("rulebook.yaml", "not a date")],
    ),
    "form-asks-nothing-known": (
        lambda copy: copy.change("referral_form.yaml", r"- patient\.age$", "- patient.agee"),
        [("referral_form.yaml", "unknown item")],
    ),
    "form-asks-twice": (
        lambda copy: copy.change("referral_form.yaml", r"- patient\.age$", "- patient.sex"),
        [("referral_form.yaml", "listed twice")],
    ),
    "checklist-of-nothing": (
        lambda copy: copy.change("checklist.yaml", r"- patient\.pregnant$", "- patient.pregnent"),
        [("checklist.yaml", "unknown item")],
    ),
    "anaesthesia-missing-from-the-order": (
        lambda copy: copy.change("session.yaml", r"^anaesthesia_order: .*", "anaesthesia_order: [local, general, regional]"),
        [("session.yaml", "this anaesthesia is missing from the order")],
    ),
    "part-of-a-part": (
        lambda copy: copy.change("techniques/surgery.yaml", r"^burden:", "parts: [ablation_cementoplasty]\nburden:"),
        [("techniques/surgery.yaml", "a part cannot itself have parts")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_mistake_about_a_whole_file_is_told_once(name: str, tmp_path: Path) -> None:
    spoil, expected = FILES[name]
    copy = Copy(tmp_path)
    spoil(copy)
    mistakes = copy.mistakes()
    told = [(mistake.file, mistake.message) for mistake in mistakes]
    assert len(told) == len(expected), "\n".join(map(str, mistakes))
    for (file, message), (wanted_file, part) in zip(told, expected, strict=True):
        assert file == wanted_file
        assert part in message


def test_no_rules_at_all(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="no such directory"):
        load_rulebook(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RulebookError) as error:
        load_rulebook(tmp_path / "empty")
    assert {mistake.file for mistake in error.value.mistakes} == {f"{name}.yaml" for name in SINGLE}


def test_a_condition_too_large_for_the_engine_is_refused_by_name_before_any_patient_waits(tmp_path: Path) -> None:
    """Each line doubles the alternatives of the condition; the engine's stack would overflow."""
    lines = "".join(f"\n        - any: [pain.nrs >= {n}, lesion.size >= {n} mm]" for n in range(1, 9))
    wide = "".join(f"\n        - pain.nrs == {n / 10:g}" for n in range(70))
    copy = Copy(tmp_path)
    rules = topic(rule(f"\n      all:{lines}", name="probe.deep"), rule(f"\n      any:{wide}", name="probe.wide"))
    copy.write("safety/probe.yaml", rules)
    rulebook = load_rulebook(copy.folder)
    with pytest.raises(TooManyBranches, match=r"probe\.wide: .*split the rule"):
        Decider(rulebook)
    (error,) = errors_of(copy.folder)
    assert "probe.wide" in error
