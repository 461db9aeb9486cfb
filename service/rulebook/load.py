"""From a directory of rule files to a Rulebook, or to the list of everything that is wrong with them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.language.errors import Mistake
from service.language.parser import ScoreHead, Words
from service.language.units import hours
from service.rulebook.bind import bind
from service.rulebook.drafting import Draft, evidence_of, text_of
from service.rulebook.model import (
    STATUSES,
    Coverage,
    Impossible,
    Info,
    Invariant,
    Key,
    Ranking,
    Release,
    Rulebook,
    SessionKey,
    SessionRules,
    Source,
    Standing,
)
from service.rulebook.read_rules import RuleReader, read_modes, read_techniques
from service.rulebook.read_words import read_node, read_scores, read_settings, read_vocabulary, scope_of
from service.rulebook.schema import SINGLE, kind_of
from service.rulebook.source import Document, Keys, read_bytes, rule_files

#: what only one file declares
_DECLARED = {"sources": "source", "traits": "trait", "site": "site setting"}


class RulebookError(Exception):
    """The rule files cannot be used. `mistakes` lists all that is wrong, in order of file and line."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        count = len(self.mistakes)
        super().__init__(
            f"{count} mistake{'s' if count > 1 else ''} in the rule files:\n" + "\n".join(map(str, self.mistakes))
        )


def load_rulebook(directory: Path) -> Rulebook:
    """Reads every `.yaml` file below `directory`. Raises RulebookError with all mistakes at once."""
    return load_folder(directory)[0]


def load_folder(directory: Path) -> tuple[Rulebook, Mapping[str, bytes]]:
    """The same with the very files that were read. Raises RulebookError."""
    try:
        files = rule_files(directory)
    except NotADirectoryError:
        raise RulebookError([Mistake(str(directory), 1, 1, "no such directory")]) from None
    return load_files(files), files


def load_files(files: Mapping[str, bytes]) -> Rulebook:
    """The rulebook that these files make, by their names within the rules folder. Raises RulebookError.

    A draft that stands in no folder (a page, an older version, a bundle) is read like the rules in use.
    """
    draft = Draft()
    contents: dict[str, Any] = {}
    for name in sorted(files):
        kind = kind_of(name)
        if kind is None:
            draft.mistakes.append(Mistake(name, 1, 1, "no kind of rule file belongs here; see docs/rule-language.md"))
            continue
        document, mistakes = read_bytes(files[name], name)
        draft.add(kind, document, mistakes)
        contents[name] = document.data
    return assemble(draft, contents)


def assemble(draft: Draft, contents: dict[str, Any]) -> Rulebook:
    """The rulebook that the documents of `draft` make; `contents` is their data by file. Raises RulebookError."""
    for kind in SINGLE:
        if kind not in draft.kinds:
            draft.mistakes.append(Mistake(f"{kind}.yaml", 1, 1, "this file is missing"))
        if kind in _DECLARED and not draft.documents.get(kind):
            draft.lost.add(_DECLARED[kind])
    sources = {
        name: Source(name, entry["citation"], *(entry.get(key, "") for key in ("where", "supports", "seen")))
        for document in draft.documents.get("sources", [])
        for _, name, entry in draft.entries(document)
    }
    traits = {
        name: text_of(entry)
        for document in draft.documents.get("traits", [])
        for _, name, entry in draft.entries(document)
    }
    vocabulary = read_vocabulary(draft)
    settings = read_settings(draft, sources)
    scores = read_scores(draft, vocabulary, settings, sources)
    words = Words(vocabulary, {score.id: ScoreHead(score.scope, score.unit) for score in scores.values()}, settings)
    modes = {(mode.kind, mode.id): mode for mode in read_modes(draft)}
    names: set[tuple[str, str]] = {(kind, mode) for kind, mode in modes}
    techniques = read_techniques(draft, sources, traits, names)
    reader = RuleReader(draft, words, sources, traits, set(techniques), names)
    rules = reader.read()
    for document in draft.documents.get("technique", []):
        for keys, _, entry in draft.entries(document, ("sets_aside",)):
            draft.lookup(document, (*keys, "rule"), "rule", entry["rule"], rules)
    impossible = tuple(_impossible(draft, words))
    invariants = tuple(_invariants(draft, words, reader))
    checklist = {name: at for at, name in enumerate(_listed(draft, "checklist", "items", vocabulary.items))}
    asked_first = _listed(draft, "referral_form", "first", vocabulary.items)
    ranking = _ranking(draft)
    session = _session(draft, words, sources, {mode for kind, mode in modes if kind == "anaesthesia"})
    coverage = tuple(_coverage(draft, words, techniques))
    info = _info(draft)
    if draft.mistakes or info is None or ranking is None or session is None:
        raise RulebookError(draft.mistakes)
    bound, dossiers, warnings = bind(rules, techniques, words)
    content = json.dumps(contents, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Rulebook(
        info=info,
        vocabulary=vocabulary,
        scores=scores,
        sources=sources,
        traits=traits,
        settings=settings,
        techniques=techniques,
        modes=modes,
        rules=rules,
        checklist=checklist,
        asked_first=asked_first,
        impossible=impossible,
        invariants=invariants,
        coverage=coverage,
        releases=tuple(_releases(draft)),
        review_by=_review_by(draft),
        ranking=ranking,
        session=session,
        bound=bound,
        dossiers=dossiers,
        warnings=warnings,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        content=content,
    )


def _single(draft: Draft, kind: str) -> Document | None:
    """The one document of a kind, when it is there and well formed."""
    documents = draft.documents.get(kind, [])
    return documents[0] if documents and not draft.faulty(documents[0], ()) else None


def _impossible(draft: Draft, words: Words) -> list[Impossible]:
    found = []
    for document in draft.documents.get("impossible", []):
        for keys, _, entry in draft.entries(document, ("impossible",)):
            node = read_node(draft, document, (*keys, "when"), entry["when"], words, "lesion")
            found.append(Impossible(entry["id"], node, text_of(entry["because"]), scope_of(node, words)))
    return found


def _invariants(draft: Draft, words: Words, reader: RuleReader) -> Iterator[Invariant]:
    for document in draft.documents.get("invariants", []):
        for keys, _, entry in draft.entries(document, ("invariants",)):
            if ("unless" in entry) == ("when" in entry or "alone" in entry):
                draft.complain(
                    document,
                    keys,
                    "an invariant says one of «when», «unless», «alone» («alone» may have a «when»)",
                    offender=entry["id"],
                )
                continue
            if "alone" in entry:
                draft.lookup(document, (*keys, "alone"), "item", entry["alone"], words.vocabulary.items)
            nodes = {
                key: read_node(draft, document, (*keys, key), entry[key], words, None) if key in entry else None
                for key in ("when", "unless")
            }
            yield Invariant(
                id=entry["id"],
                target=reader.target(document, (*keys, "options"), entry["options"]),
                never=tuple(entry["never"]),
                when=nodes["when"],
                unless=nodes["unless"],
                alone=entry.get("alone"),
                because=text_of(entry["because"]),
                line=document.places[(*keys, "id")][0],
            )


def _coverage(draft: Draft, words: Words, techniques: Any) -> Iterator[Coverage]:
    for document in draft.documents.get("invariants", []):
        for keys, _, entry in draft.entries(document, ("coverage",)):
            for at, technique in enumerate(entry["besides"]):
                draft.lookup(document, (*keys, "besides", at), "technique", technique, techniques)
            yield Coverage(
                id=entry["id"],
                when=read_node(draft, document, (*keys, "when"), entry["when"], words, "lesion"),
                besides=tuple(entry["besides"]),
                because=text_of(entry["because"]),
                line=document.places[(*keys, "id")][0],
            )


def _releases(draft: Draft) -> Iterator[Release]:
    for document in draft.documents.get("changelog", []):
        for keys, _, entry in draft.entries(document, ("releases",)):
            _day(draft, document, (*keys, "date"), entry["date"])
            yield Release(entry["version"], entry["date"], tuple(entry["approved_by"]), text_of(entry["changes"]))


def _review_by(draft: Draft) -> dict[str, str]:
    found = {}
    for documents in draft.documents.values():
        for document in documents:
            day = document.data.get("review_by")
            if day is not None and not draft.faulty(document, ("review_by",)):
                _day(draft, document, ("review_by",), day)
                found[document.name] = str(day)
    return found


def _day(draft: Draft, document: Document, keys: Keys, day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError:
        draft.complain(document, keys, "not a date (YYYY-MM-DD)", offender=str(day))


def _listed(draft: Draft, kind: str, key: str, items: Any) -> tuple[str, ...]:
    """The items that the one file of a kind lists under `key`, in its order."""
    document = _single(draft, kind)
    if document is None:
        return ()
    for at, name in enumerate(document.data[key]):
        draft.lookup(document, (key, at), "item", name, items)
        if name in document.data[key][:at]:
            draft.complain(document, (key, at), "listed twice", offender=name)
    return tuple(document.data[key])


def _ranking(draft: Draft) -> Ranking | None:
    document = _single(draft, "ranking")
    if document is None:
        return None
    data = document.data
    standings = tuple(
        Standing(
            tier["id"],
            text_of(tier["label"]),
            tuple(tier["statuses"]),
            hours(tier["deferred_within"]) if "deferred_within" in tier else None,
        )
        for tier in data["standing"]
    )
    placed = [status for standing in standings for status in standing.statuses]
    for status in STATUSES:
        if status not in placed:
            draft.complain(document, ("standing",), "this status stands in no tier", offender=status)
    if sorted(placed, key=STATUSES.index) != placed or len(set(placed)) != len(placed):
        order = ", ".join(STATUSES)
        draft.complain(
            document, ("standing",), f"tiers must keep this order, so that no danger moves an option up: {order}"
        )
    keys = tuple(Key(key["key"], text_of(key["label"])) for key in data["keys"])
    return Ranking(standings, keys, tuple(data["mode_keys"]))


def _session(draft: Draft, words: Words, sources: Any, anaesthesia: set[str]) -> SessionRules | None:
    document = _single(draft, "session")
    if document is None:
        return None
    data = document.data
    known = {*words.vocabulary.items, *(f"score.{score}" for score in words.scores)}
    for at, key in enumerate(data["order"]):
        draft.lookup(document, ("order", at, "item"), "item or score", key["item"], known)
    for at, mode in enumerate(data["anaesthesia_order"]):
        draft.lookup(document, ("anaesthesia_order", at), "anaesthesia", mode, anaesthesia)
    for mode in sorted(anaesthesia - set(data["anaesthesia_order"])):
        draft.complain(document, ("anaesthesia_order",), "this anaesthesia is missing from the order", offender=mode)
    sites = data["max_sites"]
    return SessionRules(
        max_sites=sites["value"],
        because=text_of(sites["because"]),
        evidence=evidence_of(draft, document, ("max_sites", "evidence"), sites["evidence"], sources),
        order=tuple(SessionKey(key["item"], key["highest"], text_of(key["label"])) for key in data["order"]),
        anaesthesia_order=tuple(data["anaesthesia_order"]),
    )


def _info(draft: Draft) -> Info | None:
    document = _single(draft, "rulebook")
    if document is None:
        return None
    data = document.data
    _day(draft, document, ("effective",), data["effective"])
    try:
        ZoneInfo(data["timezone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name that is a folder's, or too long for a file's
        draft.complain(document, ("timezone",), "not a time zone", offender=data["timezone"], suggestion="Europe/Paris")
    return Info(
        name=data["name"],
        version=data["version"],
        effective=data["effective"],
        status=data["status"],
        approved_by=tuple(data["approved_by"]),
        timezone=data["timezone"],
        label=text_of(data["label"]),
        notice=text_of(data["notice"]),
    )
