"""The full trace as a tree: option, argument, rule, criterion, value. Each rule is told once, and options point at it.

With several lesions, a rule that says the same of each of them (it speaks of the patient) is told once for all.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from service.language.vocabulary import Text
from service.rulebook.model import MODE_KINDS, Arguments, Rulebook
from service.tell import words
from service.tell.answer import Answer
from service.web.form.result_sources import Source, bibliography
from service.web.form.result_words import (
    Badge,
    badge,
    certainty,
    either,
    figure,
    interval,
    moment,
    strength,
)

#: verdicts, what decides first
_VERDICTS = ("yes", "unknown", "no")

#: in the anchors of rules that are told once for all lesions: no lesion can have this name
SHARED = "_"

_UNKNOWN = {
    "absent": Text("non renseigné", "not recorded"),
    "stale": Text("trop ancien pour être retenu", "too old to be used"),
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """`kind`: all, any, not (with `parts`), or leaf. `value`: what was compared, in words, with its unit; `date`: of that value."""

    kind: str
    verdict: str
    text: str = ""
    value: str = ""
    date: str = ""
    #: the site's own setting that gave the limit
    setting: str = ""
    parts: tuple["Criterion", ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    anchor: str
    id: str
    verdict: str
    because: str
    claim: str
    certainty: str
    sources: tuple[str, ...]
    verified: bool
    #: labels of the items that keep it unknown
    open: tuple[str, ...]
    criteria: Criterion


@dataclass(frozen=True, slots=True)
class Reference:
    """An argument of an option: a rule told elsewhere."""

    anchor: str
    rule: str


@dataclass(frozen=True, slots=True)
class Group:
    """The arguments of one kind, by verdict: those that hold, those still open, those that do not hold."""

    kind: str
    label: str
    by_verdict: tuple[tuple[str, tuple[Reference, ...]], ...]


@dataclass(frozen=True, slots=True)
class Mode:
    mode: str
    label: str
    badge: Badge
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """`keys`: the values by which it is ranked, lowest first, in the committee's order."""

    anchor: str
    rank: int
    label: str
    badge: Badge
    why_here: str
    keys: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    modes: tuple[tuple[str, tuple[Mode, ...]], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules by verdict, in the order of their identifiers."""

    anchor: str
    by_verdict: tuple[tuple[str, tuple[Rule, ...]], ...]


@dataclass(frozen=True, slots=True)
class Lesion:
    id: str
    label: str
    options: tuple[Option, ...]
    rules: Rules


@dataclass(frozen=True, slots=True)
class Trace:
    """`shared`: the rules that say the same of every lesion; None with one lesion."""

    lesions: tuple[Lesion, ...]
    shared: Rules | None
    sources: tuple[Source, ...]


def trace(answer: Answer, rulebook: Rulebook, language: str, labels: Mapping[str, str]) -> Trace:
    """The trace of an answer given with every rule (`detail` "full")."""
    lesions = answer["lesions"]
    alike = _alike([lesion["rules"] for lesion in lesions]) if len(lesions) > 1 else frozenset[str]()
    teller = _Teller(answer, rulebook, language)
    first = lesions[0]["rules"]
    return Trace(
        tuple(teller.lesion(lesion, labels.get(lesion["id"], lesion["id"]), alike) for lesion in lesions),
        teller.rules(first, alike, SHARED) if alike else None,
        bibliography(
            (key for lesion in lesions for rule in lesion["rules"].values() for key in rule["sources"]),
            rulebook,
            language,
        ),
    )


def _alike(rules: list[dict[str, Any]]) -> frozenset[str]:
    first, *others = rules
    return frozenset(key for key, rule in first.items() if all(other.get(key) == rule for other in others))


def _anchors(rules: Iterable[str], owner: str) -> dict[str, str]:
    """Rule -> anchor: short, for there are thousands of references; steady, for an answer with every rule always has the same ones."""
    return {key: f"r-{owner}-{number}" for number, key in enumerate(sorted(rules))}


class _Teller:
    def __init__(self, answer: Answer, rulebook: Rulebook, language: str) -> None:
        self._keys = [(each["key"], each["label"]) for each in answer["ranking"]["keys"]]
        self._rulebook = rulebook
        self._language = language

    def lesion(self, lesion: Answer, label: str, alike: frozenset[str]) -> Lesion:
        rules, owner = lesion["rules"], lesion["id"]
        shared = {key: anchor for key, anchor in _anchors(rules, SHARED).items() if key in alike}
        anchors = _anchors(rules, owner) | shared
        options = tuple(self._option(option, owner, anchors) for option in lesion["options"])
        return Lesion(owner, label, options, self.rules(rules, rules.keys() - alike, owner))

    def rules(self, rules: Mapping[str, Answer], told_here: Set[str], owner: str) -> Rules:
        anchors = _anchors(rules, owner)
        told = {
            verdict: tuple(
                self._rule(anchors[key], key, rules[key])
                for key in sorted(told_here)
                if rules[key]["verdict"] == verdict
            )
            for verdict in _VERDICTS
        }
        return Rules(owner, tuple((verdict, group) for verdict, group in told.items() if group))

    def _option(self, option: Answer, lesion: str, anchors: Mapping[str, str]) -> Option:
        return Option(
            f"{lesion}-{option['technique']}",
            option["rank"],
            option["label"],
            badge(option["status"], self._language),
            option.get("why_here", ""),
            tuple((label, figure(option["keys"][key], self._language)) for key, label in self._keys),
            self._groups(option["arguments"], anchors),
            tuple(
                (
                    words.KIND[kind].in_(self._language),
                    tuple(
                        Mode(
                            mode["mode"],
                            mode["label"],
                            badge(mode["status"], self._language),
                            self._groups(mode["arguments"], anchors),
                        )
                        for mode in option[kind]
                    ),
                )
                for kind in MODE_KINDS
                if option[kind]
            ),
        )

    def _groups(self, arguments: Mapping[str, Mapping[str, str]], anchors: Mapping[str, str]) -> tuple[Group, ...]:
        groups = []
        for kind in Arguments.__dataclass_fields__:
            told = {
                verdict: tuple(
                    Reference(anchors[key], key) for key, found in arguments.get(kind, {}).items() if found == verdict
                )
                for verdict in _VERDICTS
            }
            by_verdict = tuple((verdict, references) for verdict, references in told.items() if references)
            if by_verdict:
                groups.append(Group(kind, words.ARGUMENTS[kind].in_(self._language), by_verdict))
        return tuple(groups)

    def _rule(self, anchor: str, key: str, rule: Answer) -> Rule:
        vocabulary = self._rulebook.vocabulary
        return Rule(
            anchor,
            key,
            rule["verdict"],
            rule["because"],
            self._claim(rule),
            certainty(rule["certainty"], self._language),
            tuple(rule["sources"]),
            rule["verified"],
            tuple(dict.fromkeys(vocabulary[each["item"]].label.in_(self._language) for each in rule.get("open", ()))),
            self._node(rule["criteria"]),
        )

    def _claim(self, rule: Answer) -> str:
        if "strength" in rule:
            return strength(rule["strength"], self._language)
        claim = rule["claim"]
        key = (claim, rule["severity"], rule["correctable"]) if claim == "contraindicates" else claim
        return words.CLAIM[key].in_(self._language)

    def _node(self, node: Answer) -> Criterion:
        for kind in ("all", "any"):
            if kind in node:
                return Criterion(kind, node["verdict"], parts=tuple(self._node(part) for part in node[kind]))
        if "not" in node:
            return Criterion("not", node["verdict"], parts=(self._node(node["not"]),))
        return Criterion(
            "leaf",
            node["verdict"],
            node["text"],
            self._value(node),
            moment(node["date"], self._language) if "date" in node else "",
            node.get("setting", ""),
        )

    def _value(self, node: Answer) -> str:
        """What was compared, in words."""
        if "unknown" in node:
            return _UNKNOWN[node["unknown"]].in_(self._language)
        if "score" in node:
            return self._score(node)
        if "count" in node:
            certain, possible = node["count"]
            return interval(certain, possible, self._language)
        if "present" in node:
            return self._listing(node)
        if "hours" in node or "days" in node:
            return self._elapsed(node)
        if "value" in node:
            return self._plain(node)
        return ""

    def _score(self, node: Answer) -> str:
        if node["applies"] != "yes":
            return either(self._language, "ne s’applique pas", "does not apply")
        shown = words.unit(self._rulebook.scores[node["score"]].unit, self._language)
        low, high = node["total"]
        return f"{interval(low, high, self._language, 2)} {shown}".strip()

    def _listing(self, node: Answer) -> str:
        choices = self._rulebook.vocabulary[node["item"]].choices
        present = ", ".join(choices[word].in_(self._language) for word in node["present"])
        complete = (
            either(self._language, "liste complète", "complete list")
            if node["complete"]
            else either(self._language, "liste incomplète", "incomplete list")
        )
        return f"{present or either(self._language, 'aucun', 'none')} ({complete})"

    def _elapsed(self, node: Answer) -> str:
        if "days" in node:
            count = node["days"]
            one = count == 1 or (count == 0 and self._language == "fr")
            elapsed = f"{count} {either(self._language, 'jour', 'day')}{'' if one else 's'}"
        else:
            low, high = node["hours"]
            elapsed = "–".join(dict.fromkeys(words.duration(round(hours, 1), self._language) for hours in (low, high)))
        since = moment(node["value"], self._language)
        return f"{elapsed} ({either(self._language, 'depuis le', 'since')} {since})"

    def _plain(self, node: Answer) -> str:
        value = node["value"]
        if "item" not in node:
            # A property of the technique: its position, or its duration as it is written.
            return words.POSITION[value].in_(self._language) if value in words.POSITION else str(value)
        item = self._rulebook.vocabulary[node["item"]]
        match value:
            case bool():
                return words.VERDICT["yes" if value else "no"].in_(self._language)
            case str():
                return item.choices[value].in_(self._language)
            case _:
                return f"{words.number(value, self._language)} {words.unit(item.unit, self._language)}".strip()
