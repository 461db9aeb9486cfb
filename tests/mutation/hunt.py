"""Makes each mutant in memory and asks the tests' own questions about it: is it noticed?

First the case tables (`fixtures/thresholds/`), only those that speak of what was mutated: a few milliseconds. What
they let through is decided on whole referrals (`fixtures/referrals/`), with the mutated rulebook fully loaded: seconds.
"""

import json
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

from service.decision import Decider
from service.language.condition import read_condition
from service.language.facts import Listing, Value
from service.language.kleene import NO
from service.language.meaning import Meaning, Situation
from service.language.parser import POSITIONS, ScoreHead, Words
from service.language.scores import Score, items_read
from service.language.tree import Leaf, for_technique, items_of, leaves, scores_of
from service.recommend.judge import Disagreement
from service.referral.complaints import ReferralError
from service.rulebook.drafting import Draft
from service.rulebook.load import RulebookError, load_rulebook
from service.rulebook.model import MODE_KINDS, Rulebook
from service.rulebook.read_rules import RuleReader, read_techniques
from service.rulebook.read_words import read_node, read_scores, read_vocabulary
from service.rulebook.schema import kind_of
from service.rulebook.source import Document, Keys, read
from service.tell.answer import Answer
from tests.mutation.mutants import Mutant, all_mutants, replaced
from tests.thresholds.tables import (
    ROOT,
    RULES,
    Patients,
    Table,
    described,
    differences,
    expected_heads,
    expected_items,
    head_of,
    read_tables,
    wrong_bands,
    wrong_claims,
    wrong_points,
    wrong_settings,
    wrong_verdicts,
)

#: `same`: it survived, and no generated patient tells it from the original either (most often an equivalent spelling);
#: `refused`: the loader does not take it, so that it could never be served; it is not counted as a mutant
Fate: TypeAlias = Literal["tables", "referrals", "survived", "same", "refused"]

#: generated patients on which a survivor is compared with the original
NEARBY = 1500
REFERRALS = ROOT / "fixtures" / "referrals"


class Refused(Exception):
    """The rulebook does not load with this mutant."""


@dataclass
class Report:
    """What became of the mutants."""

    fates: dict[str, Counter[Fate]] = field(default_factory=dict)
    survivors: list[tuple[Mutant, Fate]] = field(default_factory=list)

    def add(self, mutant: Mutant, fate: Fate) -> None:
        self.fates.setdefault(mutant.kind, Counter())[fate] += 1
        if fate in ("survived", "same"):
            self.survivors.append((mutant, fate))

    def total(self) -> Counter[Fate]:
        return sum(self.fates.values(), Counter())

    @property
    def share(self) -> float:
        return share(self.total())


def share(fates: Counter[Fate]) -> float:
    caught = fates["tables"] + fates["referrals"]
    made = caught + fates["survived"] + fates["same"]
    return caught / made if made else 1.0


class Hunter:
    """One rulebook, its documents and its tables, ready to judge mutants."""

    def __init__(self, directory: Path = RULES) -> None:
        self.directory = directory
        self.rulebook = load_rulebook(directory)
        self.documents: dict[str, tuple[str, Document]] = {}
        for path in sorted(directory.rglob("*.y*ml")):
            name = path.relative_to(directory).as_posix()
            document, mistakes = read(path, name)
            kind = kind_of(name)
            assert not mistakes, mistakes
            assert kind is not None, name
            self.documents[name] = (kind, document)
        self.tables = read_tables(self.rulebook)
        self.meaning = Meaning(self.rulebook.vocabulary, self.rulebook.scores)
        book = self.rulebook
        heads = {score.id: ScoreHead(score.scope, score.unit) for score in book.scores.values()}
        self.patients = Patients(book.vocabulary, book.info.timezone)
        self.words = Words(book.vocabulary, heads, book.settings)
        self.modes: set[tuple[str, str]] = set(book.modes)
        self._heads = expected_heads(self.tables.plain["techniques"])
        self._items = expected_items(self.tables.plain["vocabulary"])
        self._unmutated: dict[str, list[str]] | None = None

    def mutants(self) -> list[Mutant]:
        return all_mutants(self.documents, self.rulebook)

    def fate(self, mutant: Mutant) -> Fate:
        try:
            if next(self.wrong(mutant), None) is not None:
                return "tables"
            if self.same(mutant):
                return "same"
            return "referrals" if self.wrong_referral(mutant) else "survived"
        except Refused:
            return "refused"

    # ---- the tables ----

    def wrong(self, mutant: Mutant) -> Iterator[str]:
        """What the tables have to say against a mutant."""
        kind, document = self.documents[mutant.file]
        rule_like = kind in ("topic", "technique", *MODE_KINDS) and len(mutant.keys) >= 2 and mutant.keys[0] in (
            "rules", "indications", "favours", "contraindications",
        )  # fmt: skip
        if rule_like:
            yield from self.of_rule(mutant, kind, document)
            return
        data = replaced(document.data, mutant.keys, mutant.value)
        changed = Document(document.name, data, document.places)
        draft = Draft({kind: [changed if other is document else other for other in self.of_kind(kind)]})
        match kind:
            case "impossible":
                yield from self.of_impossible(mutant, draft, changed)
            case "score":
                yield from self.of_score(draft, data["score"])
            case "technique":
                yield from self.of_technique(draft, data["technique"])
            case "vocabulary":
                vocabulary = read_vocabulary(draft)
                self.refuse(draft)
                found = described(vocabulary[mutant.owner])
                yield from differences(found, self._items.get(mutant.owner, {}), mutant.owner)
            case _:
                yield from wrong_settings(self.load(mutant), self.tables)

    def of_kind(self, kind: str) -> list[Document]:
        return [document for other, document in self.documents.values() if other == kind]

    @staticmethod
    def refuse(draft: Draft) -> None:
        if draft.mistakes:
            raise Refused(draft.mistakes[0])

    def of_rule(self, mutant: Mutant, kind: str, document: Document) -> Iterator[str]:
        """Reads the one rule that is mutated and holds it against its table."""
        section, at, *rest = mutant.keys
        entry = replaced(document.data[section][at], tuple(rest), mutant.value)
        data = {**{key: value for key, value in document.data.items() if not isinstance(value, list)}, section: [entry]}
        places: dict[Keys, tuple[int, int]] = {(section, 0, "id"): document.places[(section, at, "id")]}
        draft = Draft({kind: [Document(document.name, data, places)]})
        book = self.rulebook
        reader = RuleReader(draft, self.words, book.sources, book.traits, set(book.techniques), self.modes)
        rules = reader.read()
        self.refuse(draft)
        table = self.tables.rules.get(mutant.owner)
        assert table is not None, f"{mutant.owner} has no table"
        yield from wrong_claims(rules[mutant.owner], table)
        yield from wrong_verdicts(rules[mutant.owner].when, table, self.meaning)

    def of_impossible(self, mutant: Mutant, draft: Draft, document: Document) -> Iterator[str]:
        _, at, *_ = mutant.keys
        entry = document.data["impossible"][at]
        node = read_node(draft, document, ("impossible", at, "when"), entry["when"], self.words, "lesion")
        self.refuse(draft)
        yield from wrong_verdicts(node, self.tables.impossible[entry["id"]], self.meaning)

    def of_score(self, draft: Draft, name: str) -> Iterator[str]:
        book = self.rulebook
        scores = read_scores(draft, book.vocabulary, dict(book.settings), book.sources)
        self.refuse(draft)
        yield from wrong_points(scores[name], self.tables.scores[name], Meaning(book.vocabulary, scores))
        yield from wrong_bands(scores[name], self.tables.bands[name])

    def of_technique(self, draft: Draft, name: str) -> Iterator[str]:
        book = self.rulebook
        techniques = read_techniques(draft, book.sources, book.traits, self.modes)
        self.refuse(draft)
        yield from differences(head_of(techniques[name]), self._heads[name], name)

    # ---- generated patients ----

    def same(self, mutant: Mutant) -> bool:
        """Whether no generated patient is judged otherwise under the mutant: then no referral can be either.

        The patients are those of the tables, with a few values changed at random: near the point where the rule turns.
        """
        kind, document = self.documents[mutant.file]
        if kind == "score":
            name = document.data["score"]
            changed = self.scores(mutant, document)
            original, altered = self.meaning, Meaning(self.rulebook.vocabulary, changed)
            items = items_read(self.rulebook.scores[name], self.rulebook.scores) | items_read(changed[name], changed)
            bands = self.rulebook.scores[name].bands == changed[name].bands

            def read(meaning: Meaning, case: Situation) -> tuple[object, object]:
                # A score that does not apply has no points.
                applies = meaning.applies(name, case)
                return applies, meaning.score(name, fresh(case)) if applies != NO else None

            return bands and all(
                read(original, case) == read(altered, case) for case in self.nearby(self.tables.scores[name], items)
            )
        if "when" not in mutant.keys:
            return False
        section, at, *rest = mutant.keys
        held = document.data[section][at]
        table = (self.tables.impossible if kind == "impossible" else self.tables.rules)[mutant.owner]
        nodes = [
            read_condition(entry["when"], self.words, lambda path, error: None)
            for entry in (held, replaced(held, tuple(rest), mutant.value))
        ]
        items = {item for node in nodes for leaf in leaves(node) for item in self.items_of(leaf)}
        conditions: dict[tuple[float, str], list[Any]] = {}
        for case, technique in self.nearby_with_techniques(table, items):
            if technique not in conditions:
                conditions[technique] = [self.meaning.condition(for_technique(node, *technique)) for node in nodes]
            before, after = conditions[technique]
            if before(case) != after(case):
                return False
        return True

    def items_of(self, leaf: Leaf) -> set[str]:
        scores = self.rulebook.scores
        through = {item for name in scores_of(leaf) for item in items_read(scores[name], scores)}
        return {*items_of(leaf), *through}

    def scores(self, mutant: Mutant, document: Document) -> dict[str, Score]:
        changed = Document(document.name, replaced(document.data, mutant.keys, mutant.value), document.places)
        draft = Draft({"score": [changed if other is document else other for other in self.of_kind("score")]})
        return read_scores(draft, self.rulebook.vocabulary, dict(self.rulebook.settings), self.rulebook.sources)

    def nearby(self, table: Table, items: set[str]) -> Iterator[Situation]:
        yield from (case for case, _ in self.nearby_with_techniques(table, items))

    def nearby_with_techniques(self, table: Table, items: set[str]) -> Iterator[tuple[Situation, tuple[float, str]]]:
        drawn = random.Random(table.id)  # noqa: S311 - the same patients every time is what is wanted
        listed = sorted(items)
        for _ in range(NEARBY):
            example = drawn.choice(table.examples)
            technique = (
                drawn.choice([example.duration, 30.0, 44.0, 45.0, 46.0, 60.0, 89.0, 90.0, 91.0, 120.0]),
                drawn.choice([example.position, *POSITIONS]),
            )
            known = dict(example.situation.known)
            lesions = [dict(lesion) for lesion in example.situation.lesions]
            for item in drawn.sample(listed, min(len(listed), drawn.randint(1, 4))):
                for holder in [known, *lesions] if drawn.random() < 0.5 else [drawn.choice([known, *lesions])]:
                    self.redraw(drawn, holder, item)
            # A score that the table gave outright stays as often as it is computed anew.
            kept = example.situation.intervals if drawn.random() < 0.5 else {}
            yield Situation(known, lesions, {name: kept[name] for name in kept}), technique

    def redraw(self, drawn: random.Random, known: dict[str, Value], name: str) -> None:
        item = self.rulebook.vocabulary[name]
        if drawn.random() < 0.1:
            known.pop(name, None)
            return
        old = known.get(name)
        match item.type:
            case "flag":
                known[name] = drawn.random() < 0.5
            case "choice":
                known[name] = drawn.choice(list(item.choices))
            case "number":
                start = old if isinstance(old, float) and drawn.random() < 0.7 else drawn.uniform(item.low, item.high)
                moved = round(start / item.step + drawn.choice([-1, 0, 1])) * item.step
                known[name] = min(item.high, max(item.low, round(moved, 9)))
            case "set":
                words = drawn.sample(list(item.choices), drawn.randint(0, 3))
                held = old.present if isinstance(old, Listing) and drawn.random() < 0.5 else frozenset()
                known[name] = Listing(held | frozenset(words), frozenset(), complete=drawn.random() < 0.8)
            case "moment":
                text = f"D-{drawn.randint(0, 200)}" if drawn.random() < 0.5 else f"{drawn.randint(0, 200)} h"
                known[name] = self.patients.moment(text)

    # ---- whole referrals ----

    def wrong_referral(self, mutant: Mutant) -> bool:
        """Whether a referral that is answered as expected is answered otherwise under the mutant."""
        if self._unmutated is None:
            self._unmutated = unexpected(Decider(self.rulebook))
        found = unexpected(Decider(self.load(mutant)))
        return any(found[name] != self._unmutated[name] for name in found if not self._unmutated[name])

    def load(self, mutant: Mutant) -> Rulebook:
        """The whole rulebook with the mutant in it. Raises Refused."""
        data = replaced(self.documents[mutant.file][1].data, mutant.keys, mutant.value)
        with TemporaryDirectory() as copy:
            shutil.copytree(self.directory, copy, dirs_exist_ok=True)
            # JSON is YAML.
            (Path(copy) / mutant.file).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
            try:
                return load_rulebook(Path(copy))
            except RulebookError as error:
                raise Refused(str(error)) from error


def fresh(situation: Situation) -> Situation:
    """The same patient with no score computed yet."""
    return Situation(situation.known, situation.lesions)


def unexpected(decider: Decider) -> dict[str, list[str]]:
    """By referral, what is not as its file expects."""
    found = {}
    for path in sorted(REFERRALS.glob("*.yaml")):
        document, mistakes = read(path, path.name)
        assert not mistakes, mistakes
        data = document.data
        try:
            answer = decider.decide(data["referral"], datetime.fromisoformat(data["at"]), "en", "decisive")
        except (ReferralError, Disagreement) as error:
            found[path.stem] = [type(error).__name__]
            continue
        found[path.stem] = sorted(_unlike(answer, data["expect"]))
    return found


def _several(expected: Any) -> list[Any]:
    return expected if isinstance(expected, list) else [expected]


def _unlike(answer: Answer, expect: Any) -> Iterator[str]:
    alerts = sorted(alert["rule"] for alert in answer["alerts"])
    if "alerts" in expect and alerts != sorted(expect["alerts"]):
        yield f"alerts {alerts}"
    asked = {question["item"] for question in answer["questions"]}
    for lesion in answer["lesions"]:
        wanted = expect.get("lesions", {}).get(lesion["id"])
        if wanted is None:
            continue
        yield from _unlike_lesion(lesion, wanted)
        yield from (f"not asked: {item}" for item in wanted.get("questions", []) if item not in asked)
    if "session" in expect and answer["session"]["order"] != expect["session"]["order"]:
        yield f"session {answer['session']['order']}"


def _unlike_lesion(lesion: Any, wanted: Any) -> Iterator[str]:
    options = {option["technique"]: option for option in lesion["options"]}
    first = lesion["options"][0]
    if "first" in wanted and first["technique"] not in _several(wanted["first"]):
        yield f"{lesion['id']} first {first['technique']}"
    for technique, status in wanted.get("statuses", {}).items():
        if options[technique]["status"] not in _several(status):
            yield f"{lesion['id']} {technique} {options[technique]['status']}"
    for kind in MODE_KINDS:
        if kind in wanted:
            mode = first[kind][0]["mode"] if first[kind] else None
            if mode not in _several(wanted[kind]):
                yield f"{lesion['id']} {kind} {mode}"
    for technique, day in wanted.get("earliest", {}).items():
        if (options[technique].get("earliest") or "")[:10] != str(day)[:10]:
            yield f"{lesion['id']} earliest {technique}"


# ---- many at once ----

_hunter: Hunter | None = None


def _one(mutant: Mutant) -> Fate:
    global _hunter
    if _hunter is None:
        _hunter = Hunter()
    return _hunter.fate(mutant)


def hunt(mutants: Iterable[Mutant], jobs: int) -> Iterator[tuple[Mutant, Fate]]:
    """The fate of each mutant, in order, on so many processes."""
    listed = list(mutants)
    if jobs <= 1:
        yield from ((mutant, _one(mutant)) for mutant in listed)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from zip(listed, pool.map(_one, listed, chunksize=20), strict=True)
