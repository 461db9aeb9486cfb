"""What rests on what in a rulebook: which rules a file holds, what cites a source, what reads an item, what is unchecked."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Literal, TypeAlias

import yaml

from service.language.scores import items_read
from service.language.tree import Node, items_of, leaves, scores_of
from service.language.vocabulary import Text
from service.rulebook.model import MODE_KINDS, Evidence, Rule, Rulebook

#: what a piece of evidence supports
Kind: TypeAlias = Literal["rule", "score", "setting", "benefit", "session"]


@dataclass(frozen=True, slots=True)
class Cited:
    """One thing that rests on evidence: `name` is a rule, score or setting, or the technique whose benefit it is."""

    kind: Kind
    name: str
    evidence: Evidence
    #: of a benefit, its place among those of its technique
    at: int = 0


class References:
    """Looked up by every page; holds no words of its own."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.files: Mapping[str, Any] = json.loads(rulebook.content)

    @cached_property
    def rules_of(self) -> dict[str, tuple[Rule, ...]]:
        """File -> its rules, in the order in which they stand."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rulebook.rules.values():
            found.setdefault(rule.file, []).append(rule)
        return {file: tuple(sorted(rules, key=lambda rule: rule.line)) for file, rules in sorted(found.items())}

    def label(self, file: str) -> Text:
        """What a file says it is about; its own name when it does not say."""
        told = self.files[file].get("label")
        return (
            Text(told["fr"], told["en"]) if isinstance(told, dict) and told.keys() == {"fr", "en"} else Text(file, file)
        )

    def because(self, file: str) -> Text | None:
        """Why the whole file is as it is, where it says so."""
        told = self.files.get(file, {}).get("because")
        return Text(told["fr"], told["en"]) if told else None

    # ---- evidence ----

    @cached_property
    def evidence(self) -> tuple[Cited, ...]:
        """Everything that names sources, rules first."""
        return tuple(self._evidence())

    def _evidence(self) -> Iterator[Cited]:
        book = self.rulebook
        for _, rule in sorted(book.rules.items()):
            yield Cited("rule", rule.id, rule.evidence)
        for name in sorted(book.scores):
            yield Cited("score", name, self.score_evidence[name])
        for name in sorted(book.settings):
            yield Cited("setting", name, self.setting_evidence[name])
        for name, technique in sorted(book.techniques.items()):
            for at, benefit in enumerate(technique.benefits):
                yield Cited("benefit", name, benefit.evidence, at)
        yield Cited("session", "max_sites", book.session.evidence)

    @cached_property
    def score_evidence(self) -> dict[str, Evidence]:
        return {
            data["score"]: _read(data["evidence"]) for data in self.files.values() if isinstance(data.get("score"), str)
        }

    @cached_property
    def setting_evidence(self) -> dict[str, Evidence]:
        return {name: _read(self.files["site.yaml"][name]["evidence"]) for name in self.rulebook.settings}

    def score_help(self, name: str) -> Text | None:
        for data in self.files.values():
            if data.get("score") == name and "help" in data:
                return Text(data["help"]["fr"], data["help"]["en"])
        return None

    @cached_property
    def citing(self) -> dict[str, tuple[Cited, ...]]:
        """Source -> what rests on it; nothing for a source that nothing cites."""
        found: dict[str, list[Cited]] = {key: [] for key in self.rulebook.sources}
        for cited in self.evidence:
            for key in cited.evidence.sources:
                found[key].append(cited)
        return {key: tuple(each) for key, each in sorted(found.items())}

    @cached_property
    def unchecked(self) -> tuple[Cited, ...]:
        return tuple(cited for cited in self.evidence if not cited.evidence.verified)

    def overdue(self, today: date) -> list[tuple[str, date]]:
        """Files whose day of review is past, the longest overdue first."""
        return [(file, day) for file, day in self.reviews if day < today]

    @cached_property
    def reviews(self) -> list[tuple[str, date]]:
        """Every file with a day of review, earliest first."""
        days = [(file, date.fromisoformat(day)) for file, day in self.rulebook.review_by.items()]
        return sorted(days, key=lambda each: (each[1], each[0]))

    @cached_property
    def never_reviewed(self) -> tuple[str, ...]:
        """Files that may name a day of review and do not."""
        return tuple(sorted(file for file in self.files if _reviewable(file) and file not in self.rulebook.review_by))

    # ---- who reads what ----

    @cached_property
    def techniques_of(self) -> dict[str, tuple[str, ...]]:
        """Rule -> the techniques on which it bears, through their admissible modes too."""
        found: dict[str, list[str]] = {}
        for name, dossier in self.rulebook.dossiers.items():
            modes = (of_mode for modes in dossier.modes.values() for of_mode in modes.values())
            places = {place for arguments in (dossier.own, *modes) for place in arguments.all()}
            for rule in sorted({self.rulebook.bound[place].rule.id for place in places}):
                found.setdefault(rule, []).append(name)
        return {rule: tuple(techniques) for rule, techniques in found.items()}

    @cached_property
    def written(self) -> dict[str, str]:
        """Rule -> its condition as its author wrote it."""
        lists = ("rules", "indications", "favours", "contraindications")
        entries = (entry for file in self.rules_of for name in lists for entry in self.files[file].get(name, []))
        return {entry["id"]: as_written(entry["when"]) for entry in entries}

    @cached_property
    def reading(self) -> dict[str, tuple[str, ...]]:
        """Item -> the rules whose condition reads it, through scores too."""
        found: dict[str, list[str]] = {item.id: [] for item in self.rulebook.vocabulary}
        for name, rule in sorted(self.rulebook.rules.items()):
            for item in items_behind(rule.when, self.rulebook):
                found[item].append(name)
        return {item: tuple(rules) for item, rules in found.items()}

    @cached_property
    def overridden(self) -> dict[str, dict[str, Text]]:
        """Rule -> the rules that contradict it on purpose, with their reasons."""
        return self._declared("overrides")

    @cached_property
    def tolerated(self) -> dict[str, dict[str, Text]]:
        """Rule -> the rules that say nothing new beside it, with their reasons."""
        return self._declared("tolerates")

    def _declared(self, key: Literal["overrides", "tolerates"]) -> dict[str, dict[str, Text]]:
        found: dict[str, dict[str, Text]] = {}
        for name, rule in sorted(self.rulebook.rules.items()):
            for other, reason in getattr(rule, key).items():
                found.setdefault(other, {})[name] = reason
        return found


def items_of_node(node: Node) -> tuple[str, ...]:
    """The items a condition reads directly, in the order of first mention."""
    return tuple(dict.fromkeys(item for leaf in leaves(node) for item in items_of(leaf)))


def scores_of_node(node: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(score for leaf in leaves(node) for score in scores_of(leaf)))


def items_behind(node: Node, rulebook: Rulebook) -> tuple[str, ...]:
    """Every item that can bear on a condition, through scores too."""
    through = sorted(
        item for name in scores_of_node(node) for item in items_read(rulebook.scores[name], rulebook.scores)
    )
    return tuple(dict.fromkeys((*items_of_node(node), *through)))


def as_written(data: Any) -> str:
    """A part of a rule file, as it reads there."""
    if isinstance(data, str):
        return data
    text: str = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)
    return text.rstrip("\n")


# libyaml's, when PyYAML was built with it: four times as fast, and the same text.
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _read(evidence: Any) -> Evidence:
    return Evidence(evidence["certainty"], tuple(evidence["sources"]), evidence["verified"])


def _reviewable(file: str) -> bool:
    return PurePosixPath(file).parts[0] in ("alerts", "safety", "scores", "techniques", *MODE_KINDS)
