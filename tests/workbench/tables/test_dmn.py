"""The DMN export, read by a DMN library and decided by a FEEL engine that are not ours (node/evaluate.mjs)."""

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from service.language.facts import Listing, Moment
from service.language.kleene import NO, UNKNOWN, WORDS, YES
from service.language.meaning import Meaning, Situation, compared, situations
from service.language.tree import Always, AnyOf, Compare, CountLesions, Includes, Member, Not, Term
from service.language.vocabulary import Item
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook
from service.workbench.decision_tables.dmn import KINDS, dmn
from service.workbench.decision_tables.feel import ELAPSED, INTERVAL, Feel, named
from tests.strategies import FIXTURES, fixture, seeded, value_of

NODE = Path(__file__).parent / "node"
MODEL = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"
#: patients for each technique
PATIENTS = 25
ANSWERS = {None: "unknown", True: "yes", False: "no"}


# ---- patients --------------------------------------------------------------------------------------------------------


class Patients:
    """Patients near those of the fixtures, with values lost and changed, and some drawn item by item."""

    def __init__(self, book: Rulebook) -> None:
        self.vocabulary = book.vocabulary
        self.reader = ReferralReader(book.vocabulary)
        self.maker = CaseMaker(book)

    def draw(self, random: Random) -> Situation:
        while True:
            sent = fixture(random.choice(FIXTURES))
            parts = [("patient", sent.data["patient"]), *(("lesion", lesion) for lesion in sent.data["lesions"])]
            share, kept = random.choice([(0.0, 1.0), (0.1, 0.9), (0.3, 0.5), (0.6, 0.2)])
            for scope, part in parts:
                for name in list(part):
                    if name != "id" and random.random() > kept:
                        del part[name]
                for item in self.vocabulary.of(scope).values():  # type: ignore[arg-type]
                    if random.random() < share:
                        part[item.id] = value_of(item, sent.at, random)
            try:
                case = self.maker.make(self.reader.read(sent.data), sent.at)
            except ReferralError:
                continue
            return random.choice(situations(case)[1])


def inputs_of(book: Rulebook, meaning: Meaning, feel: Feel, situation: Situation) -> dict[str, Any]:
    """What a system that calls the DMN would give: every input, null where it is unknown."""
    counts = {name: leaf for leaf, name in feel.counts.items()}
    given: dict[str, Any] = {}
    items = {named(item.id): item for item in book.vocabulary}
    scores = {f"score_{named(name)}": name for name in book.scores}
    for name in feel.inputs:
        if name in scores:
            low, high = meaning.score(scores[name], situation)
            given[name] = {"lowest": low, "highest": high}
        elif name in counts:
            given[name] = counted(meaning, counts[name], situation)
        else:
            given[name] = of_item(items[name.removeprefix("elapsed_")], situation)
    return given


def counted(meaning: Meaning, leaf: CountLesions, situation: Situation) -> dict[str, int]:
    verdicts = [meaning.condition(leaf.where)(Situation(known, situation.lesions)) for known in situation.lesions]
    words = Counter(WORDS[verdict] for verdict in verdicts)
    return {"lowest": words["yes"], "highest": words["yes"] + words["unknown"]}


def of_item(item: Item, situation: Situation) -> Any:
    match situation.known.get(item.id):
        case Listing(present, absent, complete):
            return {"present": sorted(present), "absent": sorted(absent), "complete": complete}
        case Moment(since=(low, high), days=days):
            return {"lowest": low, "highest": high, "days": days}
        case other:
            return other


# ---- the judges ------------------------------------------------------------------------------------------------------


def judged(**asked: Any) -> Any:
    node = shutil.which("node")
    assert node is not None, "node is missing: script/setup dev"
    assert (NODE / "node_modules").is_dir(), "the judges are not installed: script/setup dev"
    run = subprocess.run(
        [node, NODE / "evaluate.mjs"], input=json.dumps(asked), capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


@dataclass(frozen=True)
class Judged:
    """Each technique's file, the patients it was given, what we say of them, and what the judges say."""

    models: dict[str, str]
    expected: dict[str, list[dict[str, str]]]
    answers: dict[str, Any]


@pytest.fixture(scope="module")
def all_judged(book: Rulebook) -> Judged:
    meaning, patients, random = Meaning(book.vocabulary, book.scores), Patients(book), seeded(20261125)
    models, given, expected = {}, {}, {}
    for technique, dossier in book.dossiers.items():
        models[technique] = dmn(book, technique)
        feel = Feel(book)
        rules = {}
        for kind in KINDS:
            for place in getattr(dossier.own, kind):
                bound = book.bound[place]
                feel.of(bound.when)
                rules.setdefault(f"rule_{named(bound.rule.id)}", []).append((kind, bound.when))
        drawn = [patients.draw(random) for _ in range(PATIENTS)]
        given[technique] = [inputs_of(book, meaning, feel, situation) for situation in drawn]
        expected[technique] = []
        for situation in drawn:
            verdicts = {name: meaning.condition(of[0][1])(situation) for name, of in rules.items()}
            kinds = {
                kind: max([verdicts[name] for name, of in rules.items() if of[0][0] == kind], default=0)
                for kind in KINDS
            }
            expected[technique].append({name: WORDS[verdict] for name, verdict in {**verdicts, **kinds}.items()})
    return Judged(models, expected, judged(models=models, patients=given)["models"])


def test_a_dmn_library_reads_every_file_without_a_warning_and_writes_it_back(
    all_judged: Judged, book: Rulebook
) -> None:
    assert set(all_judged.answers) == set(book.techniques)
    for technique, answer in all_judged.answers.items():
        assert answer["warnings"] == [], technique
        assert answer["unknown"] == [], technique
        assert answer["same"], technique
        # Nothing that we wrote is lost in what the library writes.
        assert tags(answer["written"]) == tags(all_judged.models[technique]), technique


def tags(text: str) -> Counter[str]:
    # Written by ourselves and by the library above; nothing here comes from elsewhere.
    found: Counter[str] = Counter()
    for element in Xml.fromstring(text).iter():  # noqa: S314
        found[element.tag] += 1
        found.update(f"{element.tag} {name}={value}" for name, value in element.attrib.items())
    return found


def test_a_feel_engine_agrees_with_the_reference_meaning(all_judged: Judged) -> None:
    seen: Counter[str] = Counter()
    patients = 0
    wrong = []
    for technique, expected in all_judged.expected.items():
        for at, (ours, theirs) in enumerate(zip(expected, all_judged.answers[technique]["decided"], strict=True)):
            patients += 1
            read = {name: value if name in KINDS else ANSWERS[value] for name, value in theirs.items()}
            wrong += [
                (technique, at, name, ours[name], read.get(name)) for name in ours if ours[name] != read.get(name)
            ]
            seen.update(ours.values())
            assert read.keys() == ours.keys()
    assert wrong == []
    assert patients >= 500
    # Not one of the three answers is rare: an engine that always said the same would be seen.
    assert min(seen[word] for word in ("yes", "no", "unknown")) > 0.05 * seen.total()


def test_the_engine_has_kleene_s_logic() -> None:
    """What the export relies on, asked of the engine itself."""
    values = {"true": 2, "null": 1, "false": 0}
    names = {2: True, 1: None, 0: False}
    expressions, expected = [], []
    for a, of_a in values.items():
        expressions.append(f"not({a})")
        expected.append(names[2 - of_a])
        for b, of_b in values.items():
            expressions += [f"{a} and {b}", f"{a} or {b}"]
            expected += [names[min(of_a, of_b)], names[max(of_a, of_b)]]
    assert judged(models={}, patients={}, expressions=expressions)["expressions"] == expected


def test_intervals_and_lists_at_their_edges(book: Rulebook) -> None:
    """On the limit itself, where patients seldom are: every comparison, every list of two words."""
    feel = Feel(book)
    expressions, expected = [], []
    name = next(score.id for score in book.scores.values() if score.applies == Always())
    for operator in ("<", "<=", ">", ">=", "==", "!="):
        text = feel.of(Compare(Term("score", name), operator, 2.0))[0]
        for low, high in combinations_with_replacement((1.0, 2.0, 3.0), 2):
            expressions.append(f"{{score_{named(name)}: {{lowest: {low}, highest: {high}}}, found: {text}}}.found")
            expected.append(compared((low, high), operator, 2.0))
    text = feel.of(Includes("allergies", ("latex", "pmma")))[0]
    for latex, pmma, complete in product((True, False, None), (True, False, None), (True, False)):
        known = {"latex": latex, "pmma": pmma}
        present, absent = (frozenset(word for word in known if known[word] is told) for told in (True, False))
        listing = Listing(present, absent, complete)
        given = json.dumps({"present": sorted(present), "absent": sorted(absent), "complete": complete})
        expressions.append(f"{{allergies: {given}, found: {text}}}.found")
        holds = [listing.holds(word) for word in known]
        expected.append(YES if True in holds else UNKNOWN if None in holds else NO)
    found = judged(models={}, patients={}, expressions=expressions)["expressions"]
    assert [ANSWERS[value] for value in found] == [WORDS[verdict] for verdict in expected]


# ---- the file --------------------------------------------------------------------------------------------------------


def test_every_requirement_names_what_is_there_and_every_box_is_drawn(book: Rulebook) -> None:
    root = Xml.fromstring(dmn(book, "medical_treatment"))  # noqa: S314  # written a line ago
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    required = {element.get("href", "")[1:] for element in root.iter() if element.get("href")}
    drawn = {element.get("dmnElementRef") for element in root.iter() if element.get("dmnElementRef")}
    assert required <= set(ids)
    assert {element.get("id") for element in root if element.tag in (f"{MODEL}decision", f"{MODEL}inputData")} <= drawn
    assert {element.get("id") for element in root.iter(f"{MODEL}informationRequirement")} <= drawn
    assert all(re.fullmatch(r"[A-Za-z_]\w*", element.attrib["name"]) for element in root if element.get("name"))


def test_what_is_not_computed_is_an_input_and_the_file_says_so(book: Rulebook) -> None:
    text = dmn(book, "radiotherapy", own=True)
    root = Xml.fromstring(text)  # noqa: S314  # written a line ago
    description = root.findtext(f"{MODEL}description") or ""
    for name in ("score_mirels", "score_sins", "elapsed_lesion_last_radiotherapy"):
        assert description.count(f"- {name}: ") == 2, "in French and in English"
        assert root.find(f"{MODEL}inputData[@name='{name}']") is not None
    types = {element.get("name") for element in root.iter(f"{MODEL}itemDefinition")}
    assert {INTERVAL.name, ELAPSED.name, "tVerdict", "t_pain_nrs"} <= types
    assert "règles communes (allergie, hémostase …) n’y sont PAS" in description
    assert "règles communes comprises" in dmn(book, "radiotherapy")


def test_own_leaves_out_the_common_rules_only(book: Rulebook) -> None:
    everything, own = dmn(book, "vertebroplasty"), dmn(book, "vertebroplasty", own=True)
    assert "rule_bleeding_platelets_low" in everything
    assert "rule_bleeding_platelets_low" not in own
    assert "rule_vertebroplasty_blastic" in own


def test_expressions_of_each_kind(book: Rulebook) -> None:
    feel = Feel(book)
    sites = Member("lesion.site", ("sacrum",))
    assert feel.of(sites) == ('(if lesion_site = null then null else lesion_site = "sacrum")', ("lesion_site",))
    assert feel.of(Not(sites))[0] == 'not((if lesion_site = null then null else lesion_site = "sacrum"))'
    several = feel.of(Includes("allergies", ("latex", "pmma")))[0]
    assert several == (
        '(if allergies = null then null else if list contains(allergies.present, "latex") or list contains(allergies.present, "pmma")'
        ' then true else if allergies.complete or (list contains(allergies.absent, "latex") and list contains(allergies.absent, "pmma"))'
        " then false else null)"
    )
    count = CountLesions(sites, ">", 3.0)
    assert feel.of(AnyOf((count,)))[0] == (
        "(if lesions_1 = null then null else if lesions_1.lowest > 3 then true else if lesions_1.highest <= 3 then false else null)"
    )
    assert feel.of(CountLesions(sites, "<", 2.0))[1] == ("lesions_1",), "the same count, another limit"
