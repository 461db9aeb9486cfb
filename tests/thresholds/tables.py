"""Reads the case tables of `fixtures/thresholds/` and holds rules, scores and other values against them.

The format is told in `fixtures/thresholds/README.md`. What is compared is the meaning: a table is checked against a
parsed rule and the reference meaning of its condition, never against the text of a rule file. Every check returns the
sentences that say what does not hold, so that the mutation runner can ask the same questions as the tests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from service.language.facts import Listing, Moment, Value
from service.language.kleene import NO, UNKNOWN, WORDS, YES, Verdict
from service.language.meaning import Meaning, Situation
from service.language.parser import MomentAfter
from service.language.scores import Score
from service.language.tree import Node, for_technique
from service.language.units import hours
from service.language.vocabulary import Item, Vocabulary
from service.rulebook.model import Ranking, Rule, Rulebook, SessionRules, Target, Technique
from service.rulebook.source import Document, read

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"
TABLES = ROOT / "fixtures" / "thresholds"

#: the noon at which every case of the tables is judged; no change to or from summer time in the 100 days before it
AT = datetime(2026, 2, 15, 12, tzinfo=ZoneInfo("Europe/Paris"))

VERDICTS: dict[str, Verdict] = {"yes": YES, "no": NO, "unknown": UNKNOWN}
_LISTED = {"indications": "indicates", "favours": "favours", "contraindications": "contraindicates"}
_SAYS = (
    *("indicates", "favours", "contraindicates", "preempts"),
    *("severity", "strength", "correctable", "within", "evidence"),
)

Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One patient and what the rule must say of him."""

    verdict: Verdict
    given: Given
    situation: Situation
    #: the technique being judged, for rules that speak of its duration or position
    duration: float
    position: str
    #: of a score: the component looked at, or None for the total
    component: str | None = None
    points: tuple[float, float] | None = None

    def told(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.given.items()) or "the usual patient"


@dataclass(frozen=True, slots=True)
class Table:
    """What is expected of one rule: what it claims, and its verdict on each patient."""

    id: str
    file: str
    line: int
    says: dict[str, Any]
    examples: tuple[Example, ...]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.id}"


@dataclass(frozen=True)
class Tables:
    rules: dict[str, Table]
    impossible: dict[str, Table]
    scores: dict[str, Table]
    #: score -> its bands, as (from, to)
    bands: dict[str, list[tuple[float, float]]]
    #: site, checklist, ranking, session, techniques, vocabulary: as written
    plain: dict[str, Any] = field(default_factory=dict)


class Patients:
    """Makes situations from what a table gives."""

    def __init__(self, vocabulary: Vocabulary, zone: str) -> None:
        self.vocabulary = vocabulary
        self.at = AT.astimezone(ZoneInfo(zone))

    def situation(self, given: Given) -> Situation:
        known: dict[str, Value] = {}
        intervals: dict[str, tuple[float, float]] = {}
        for name, value in given.items():
            if name.startswith("score."):
                low, high = value if isinstance(value, list) else (value, value)
                intervals[name.removeprefix("score.")] = (float(low), float(high))
            elif name != "lesions" and not name.startswith("technique.") and value != "unknown":
                known[name] = self.value(self.vocabulary[name], value)
        lesions = [
            {**known, **{name: self.value(self.vocabulary[name], value) for name, value in entry.items()}}
            for entry in _counted(given["lesions"])
        ] if "lesions" in given else [known]  # fmt: skip
        return Situation(known, lesions, intervals)

    def value(self, item: Item, value: Any) -> Value:
        match item.type:
            case "number":
                assert isinstance(value, int | float), f"{item.id}: not a number: {value}"
                return float(value)
            case "flag":
                assert isinstance(value, bool), f"{item.id}: not true or false: {value}"
                return value
            case "choice":
                assert value in item.choices, f"{item.id}: no such word: {value}"
                return str(value)
            case "set":
                if value == "incomplete":
                    return Listing(frozenset(), frozenset(), complete=False)
                assert isinstance(value, list), f"{item.id}: not a list: {value}"
                assert set(value) <= item.choices.keys(), f"{item.id}: no such word in {value}"
                return Listing(frozenset(value), frozenset(), complete=True)
            case "moment":
                return self.moment(value)

    def moment(self, text: str) -> Moment:
        """`D-3` is that calendar day, hour unknown; `72 h` is exactly that long ago."""
        if text.startswith("D-"):
            day = self.at.date() - timedelta(days=int(text[2:]))
            start = datetime.combine(day, time(), self.at.tzinfo)
            longest = (self.at.timestamp() - start.timestamp()) / 3600
            return Moment(day, (max(0.0, longest - 24), longest), (self.at.date() - day).days)
        elapsed = hours(text)
        instant = self.at - timedelta(hours=elapsed)
        return Moment(instant.date(), (elapsed, elapsed), (self.at.date() - instant.date()).days, instant)


def _counted(lesions: Any) -> Iterator[Given]:
    """`{count: 3, …}` stands for three such lesions."""
    for entry in lesions:
        plain = {name: value for name, value in entry.items() if name != "count"}
        for _ in range(int(entry.get("count", 1))):
            yield plain


class _Reader:
    """Reads table files over one rulebook's vocabulary."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.patients = Patients(rulebook.vocabulary, rulebook.info.timezone)

    def table(self, document: Document, keys: tuple[str | int, ...], name: str, data: Mapping[str, Any]) -> Table:
        unknown_keys = set(data) - {*_SAYS, "usual", *VERDICTS}
        assert not unknown_keys, f"{document.name}: {name}: unknown {sorted(unknown_keys)}"
        says = {key: data[key] for key in _SAYS if key in data}
        usual = data.get("usual") or {}
        groups: list[tuple[str, Any]] = [("yes", {})]
        for word in VERDICTS:
            groups += [(word, entry) for entry in _entries(data.get(word, []))]
        written = _written([usual, *(entry for _, entry in groups)])
        examples = tuple(
            self.example(given, VERDICTS[word])
            for word, entry in groups
            for given in self.each({**usual, **entry}, written)
        )
        return Table(name, document.name, document.places[keys][0], says, examples)

    def example(
        self,
        given: Given,
        verdict: Verdict = YES,
        component: str | None = None,
        points: tuple[float, float] | None = None,
    ) -> Example:
        return Example(
            verdict,
            given,
            self.patients.situation(given),
            float(given.get("technique.duration", 0)),
            str(given.get("technique.position", "any")),
            component,
            points,
        )

    def each(self, given: Given, written: Mapping[str, set[str]]) -> Iterator[Given]:
        """One patient for each value of an item that is given several."""
        alternatives = [self.alternatives(name, value, written) for name, value in given.items()]
        for values in product(*alternatives):
            yield dict(zip(given, values, strict=True))

    def alternatives(self, name: str, value: Any, written: Mapping[str, set[str]]) -> list[Any]:
        if name == "lesions":
            lesions = [list(self.each(lesion, written)) for lesion in value]
            return [list(choice) for choice in product(*lesions)]
        if name == "count" or name.startswith("score."):
            return [value]
        if name.startswith("technique."):
            return value if isinstance(value, list) else [value]
        item = self.rulebook.vocabulary[name]
        others = [word for word in item.choices if word not in written.get(name, set())]
        if value == "others":
            # Each other word of a choice in turn; one list of all other words of a set.
            return others if item.type == "choice" else [others]
        if not isinstance(value, list):
            return [value]
        if item.type == "set":
            lists = value if any(isinstance(entry, list) for entry in value) else [value]
            return [[word for entry in held for word in (others if entry == "others" else [entry])] for held in lists]
        return [other for entry in value for other in (others if entry == "others" else [entry])]

    def score(self, document: Document, name: str, data: Mapping[str, Any]) -> Table:
        """`applies`, the points of each component and whole totals."""
        usual = data.get("usual") or {}
        found: list[Example] = []
        applies = {word: _entries(group) for word, group in (data.get("applies") or {}).items()}
        written = _written([usual, *(entry for group in applies.values() for entry in group)])
        for word, entries in applies.items():
            for entry in entries:
                found += [self.example(one, VERDICTS[word]) for one in self.each({**usual, **entry}, written)]
        for component, data_rows in (data.get("components") or {}).items():
            rows = {points: _entries(group) for points, group in data_rows.items()}
            written = _written([usual, *(entry for group in rows.values() for entry in group)])
            for points, entries in rows.items():
                for entry in entries:
                    for one in self.each({**usual, **entry}, written):
                        found.append(self.example(one, YES, component, _interval(points)))
        for entry in data.get("totals") or []:
            found.append(self.example({**usual, **entry["given"]}, YES, None, _interval(entry["points"])))
        return Table(name, document.name, document.places[("scores", name)][0], {}, tuple(found))


def _entries(group: list[Any]) -> list[Given]:
    """A bare name stands for the usual patient of whom that item is unknown."""
    return [{entry: "unknown"} if isinstance(entry, str) else entry for entry in group]


def _interval(points: Any) -> tuple[float, float]:
    """`3`, `0 to 3` or `[0, 3]`."""
    ends = [float(end) for end in points.split(" to ")] if isinstance(points, str) else points
    low, high = (
        ends if isinstance(ends, list) and len(ends) == 2 else [*(ends if isinstance(ends, list) else [ends])] * 2
    )
    return float(low), float(high)


def _written(entries: list[Given]) -> dict[str, set[str]]:
    """Every word that a table writes for an item: `others` means the rest."""
    words: dict[str, set[str]] = {}
    lesions = [lesion for entry in entries for lesion in entry.get("lesions", [])]
    for entry in [*entries, *lesions]:
        for name, value in entry.items():
            for one in value if isinstance(value, list) else [value]:
                for word in one if isinstance(one, list) else [one]:
                    if isinstance(word, str) and word not in ("others", "unknown", "incomplete"):
                        words.setdefault(name, set()).add(word)
    return words


def read_tables(rulebook: Rulebook, directory: Path = TABLES) -> Tables:
    """Every table. Raises AssertionError on a table that is not well formed."""
    reader = _Reader(rulebook)
    tables = Tables({}, {}, {}, {})
    for path in sorted(directory.glob("*.yaml")):
        document, mistakes = read(path, path.name)
        assert not mistakes, mistakes
        for section, data in document.data.items():
            match section:
                case "rules" | "impossible":
                    held = tables.rules if section == "rules" else tables.impossible
                    for name, entry in data.items():
                        assert name not in held, f"{path.name}: {name} has two tables"
                        held[name] = reader.table(document, (section, name), name, entry)
                case "scores":
                    for name, entry in data.items():
                        tables.scores[name] = reader.score(document, name, entry)
                        tables.bands[name] = [_interval(band) for band in entry.get("bands", [])]
                case _:
                    assert section not in tables.plain, f"{path.name}: {section} is given twice"
                    tables.plain[section] = data
    return tables


# ---- what does not hold ----------------------------------------------------------------------------------------------


def wrong_verdicts(when: Node, table: Table, meaning: Meaning) -> Iterator[str]:
    """The patients on whom a condition does not say what its table says."""
    compiled: dict[tuple[float, str], Any] = {}
    for example in table.examples:
        technique = (example.duration, example.position)
        if technique not in compiled:
            compiled[technique] = meaning.condition(for_technique(when, *technique))
        verdict = compiled[technique](example.situation)
        if verdict != example.verdict:
            yield f"{table}: {WORDS[verdict]}, not {WORDS[example.verdict]}, for {example.told()}"


def wrong_claims(rule: Rule, table: Table) -> Iterator[str]:
    """What a rule claims otherwise than its table: target, severity, strength, correction, delay, evidence."""
    said, expected = said_by(rule), _expected(table.says)
    for key in sorted(said.keys() | expected.keys()):
        if said.get(key) != expected.get(key):
            yield f"{table}: {key} is {said.get(key)}, not {expected.get(key)}"


def said_by(rule: Rule) -> dict[str, Any]:
    correction = rule.correction
    return {
        rule.claim: _target(rule.target),
        **({"severity": "absolute" if rule.absolute else "relative"} if rule.claim == "contraindicates" else {}),
        **({"strength": rule.strength} if rule.strength else {}),
        **({"within": rule.within} if rule.within is not None else {}),
        **(
            {
                "correctable": {
                    "lead_time": correction.lead_time,
                    "earliest": _moment(correction.earliest),
                    "recheck": correction.recheck,
                }
            }
            if correction
            else {}
        ),
        "evidence": (rule.evidence.certainty, rule.evidence.verified),
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        **({target.mode[0]: target.mode[1]} if target.mode else {}),
        **({"technique": list(target.techniques)} if target.techniques else {}),
        **({"trait": list(target.traits)} if target.traits else {}),
    }


def _moment(moment: MomentAfter | None) -> str | None:
    if moment is None:
        return None
    return (
        f"days_after({moment.item}, {moment.days})"
        if moment.days is not None
        else f"after({moment.item}, {moment.hours:g} h)"
    )


def _expected(says: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in says.items():
        match key:
            case "within":
                result[key] = hours(value)
            case "correctable":
                result[key] = {
                    "lead_time": hours(value["lead_time"]),
                    "earliest": value.get("earliest"),
                    "recheck": value.get("recheck"),
                }
            case "evidence":
                result[key] = (value["certainty"], value["verified"])
            case "severity" | "strength":
                result[key] = value
            case _:
                result[key] = {
                    name: [words] if isinstance(words, str) and name in ("technique", "trait") else words
                    for name, words in (value or {}).items()
                }
    return result


def wrong_points(score: Score, table: Table, meaning: Meaning) -> Iterator[str]:
    """The patients to whom a score gives other points than its table, or applies otherwise."""
    for example in table.examples:
        # Without what was computed before: the score itself is in question.
        situation = Situation(example.situation.known, example.situation.lesions)
        if example.points is None:
            verdict = meaning.applies(score.id, situation)
            if verdict != example.verdict:
                yield f"{table}: applies is {WORDS[verdict]}, not {WORDS[example.verdict]}, for {example.told()}"
            continue
        if example.component is None:
            low, high = meaning.score(score.id, situation)
        else:
            points = {part.id: part for part in meaning.components(score.id, situation)}
            if example.component not in points:
                yield f"{table}: no component {example.component}"
                continue
            low, high = points[example.component].low, points[example.component].high
        if (round(low, 3), round(high, 3)) != example.points:
            name = example.component or "total"
            yield f"{table}: {name} is {low:g} to {high:g}, not {example.points}, for {example.told()}"


def wrong_bands(score: Score, expected: list[tuple[float, float]]) -> Iterator[str]:
    found = [(band.low, band.high) for band in score.bands]
    if found != expected:
        yield f"score {score.id}: bands {found}, not {expected}"


def differences(found: Any, expected: Any, where: str) -> Iterator[str]:
    """What two plain structures do not share, by the path to it."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted({*map(str, found), *map(str, expected)}):
            yield from differences(found.get(key, "nothing"), expected.get(key, "nothing"), f"{where}.{key}")
    elif found != expected:
        yield f"{where}: {found}, not {expected}"


def head_of(technique: Technique) -> dict[str, Any]:
    """What a technique is, without its rules, in the form of `fixtures/thresholds/techniques.yaml`."""
    return {
        "traits": sorted(technique.traits),
        "parts": list(technique.parts),
        "sets_aside": sorted(technique.sets_aside),
        "duration": technique.duration,
        "position": technique.position,
        "burden": technique.burden,
        **{kind: list(modes) for kind, modes in technique.modes.items()},
        "benefit": [
            [
                f"{benefit.measure} {benefit.low:g} to {benefit.high:g} {benefit.unit}",
                f"by {benefit.by:g} h" if benefit.by is not None else "",
                f"lasts {benefit.lasts:g} h" if benefit.lasts is not None else "",
                f"{benefit.evidence.certainty} {'verified' if benefit.evidence.verified else 'unchecked'}",
            ]
            for benefit in technique.benefits
        ],
    }


def expected_heads(data: Mapping[str, Any]) -> dict[str, Any]:
    """The techniques of the tables with durations in minutes and hours, to hold against `head_of`."""
    return {
        name: {
            **head,
            "traits": sorted(head["traits"]),
            "sets_aside": sorted(head["sets_aside"]),
            "duration": hours(head["duration"]) * 60,
            "benefit": [_benefit(line) for line in head["benefit"]],
        }
        for name, head in data.items()
    }


def _benefit(line: str) -> list[str]:
    """`pain_reduction 47 to 87 %, by 2 d, lasts 6 mo, low, verified`."""
    measured, *rest = [part.strip() for part in line.split(",")]
    times = {word: f"{word} {hours(part.removeprefix(word)):g} h" for part in rest for word in ("by", "lasts") if
             part.startswith(word + " ")}  # fmt: skip
    return [measured, times.get("by", ""), times.get("lasts", ""), " ".join(rest[-2:])]


def described(item: Item) -> dict[str, Any]:
    """The figures of an item, in the form of `fixtures/thresholds/vocabulary.yaml`."""
    return {
        **({"fresh_for": item.fresh_for} if item.fresh_for is not None else {}),
        **({"range": [item.low, item.high], "step": item.step} if item.type == "number" else {}),
        **({"units": {unit: factor for unit, factor in item.units.items() if factor != 1}} if _converted(item) else {}),
        **({"changeable": True} if item.changeable else {}),
    }


def _converted(item: Item) -> bool:
    return any(factor != 1 for factor in item.units.values())


def expected_items(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            **entry,
            **({"fresh_for": hours(entry["fresh_for"])} if "fresh_for" in entry else {}),
            **({"range": [float(end) for end in entry["range"]]} if "range" in entry else {}),
        }
        for name, entry in data.items()
    }


def ranking_of(ranking: Ranking) -> dict[str, Any]:
    return {
        "standing": [
            {
                "id": tier.id,
                "statuses": list(tier.statuses),
                **({"deferred_within": tier.deferred_within} if tier.deferred_within is not None else {}),
            }
            for tier in ranking.standings
        ],
        "keys": [key.name for key in ranking.keys],
        "mode_keys": list(ranking.mode_keys),
    }


def expected_ranking(data: Mapping[str, Any]) -> dict[str, Any]:
    tiers = [
        {**tier, **({"deferred_within": hours(tier["deferred_within"])} if "deferred_within" in tier else {})}
        for tier in data["standing"]
    ]
    return {**data, "standing": tiers}


def session_of(session: SessionRules) -> dict[str, Any]:
    return {
        "max_sites": session.max_sites,
        "order": [key.name if key.highest else f"lowest {key.name}" for key in session.order],
        "anaesthesia_order": list(session.anaesthesia_order),
    }


def wrong_settings(rulebook: Rulebook, tables: Tables) -> Iterator[str]:
    """Site settings, checklist, ranking and session that are not as `settings.yaml` says."""
    plain = tables.plain
    settings = {name: (setting.value, setting.unit) for name, setting in rulebook.settings.items()}
    site = {name: (float(entry["value"]), entry.get("unit")) for name, entry in plain["site"].items()}
    yield from differences(settings, site, "site")
    yield from differences(sorted(rulebook.checklist), sorted(plain["checklist"]), "checklist")
    yield from differences(ranking_of(rulebook.ranking), expected_ranking(plain["ranking"]), "ranking")
    yield from differences(session_of(rulebook.session), plain["session"], "session")
