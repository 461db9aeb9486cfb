"""Changes of scores and of site settings: graded by proof over every rule that reads them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from service.language.arithmetic import text as written
from service.language.scores import Component, Row, Score, scores_read
from service.language.tree import Compare, CountLesions, Node, leaves
from service.language.vocabulary import Text
from service.rulebook.model import Rule
from service.workbench.differences.change import GRADE_WORDS, GRADES, MIXED, Change, Grade
from service.workbench.differences.comparison import WORDING, Comparison, change, scores_in
from service.workbench.differences.proving import Graded, masked
from service.workbench.differences.telling import arrow, few, figure, joined, line, said
from service.workbench.differences.trees import lines

_UNREAD = Text("aucune règle ne le lit", "no rule reads it")


def score_changes(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.scores, of.new.book.scores
    for name, score in new.items():
        where = of.new.places.of(of.new.places.file("score", name))
        if name not in old:
            what = said("Score ajouté : {s}", "Score added: {s}", s=score.label)
            yield change(
                "score.added",
                where,
                what,
                Graded("wording", reason=Text("ne décide rien par lui-même", "decides nothing by itself")),
                of=name,
            )
        else:
            yield from _Score(of, old[name], score).changes()
    for name, score in old.items():
        if name not in new:
            where = of.old.places.of(of.old.places.file("score", name))
            yield change(
                "score.removed",
                where,
                said("Score retiré : {s}", "Score removed: {s}", s=score.label),
                WORDING,
                of=name,
                gone=True,
            )


class _Score:
    """One score before and after."""

    def __init__(self, of: Comparison, before: Score, after: Score) -> None:
        self._of = of
        self._before = before
        self._after = after
        self._file = of.new.places.file("score", after.id)

    def changes(self) -> Iterator[Change]:
        points = list(self._points())
        if points:
            grade = self._grade()
            for where, what in points:
                yield self._change("score.points", what, grade, where)
        if self._before.bands != self._after.bands:
            what = Text("intervalles de lecture modifiés", "bands by which it is read changed")
            yield self._change("score.bands", what, WORDING, ("bands",))
        texts = [(s.label, [c.label for c in s.components]) for s in (self._before, self._after)]
        if texts[0] != texts[1]:
            what = said("nom : {w}", "name: {w}", w=arrow(self._before.label, self._after.label))
            if self._before.label == self._after.label:
                what = Text("noms des composantes modifiés", "names of the components changed")
            yield self._change("score.text", what, WORDING, ("label",))
        yield from self._in_file()

    def _change(self, kind: str, what: Text, grade: Graded, keys: tuple[str | int, ...]) -> Change:
        sentence = said("{score} — {what}", "{score} — {what}", score=self._after.label, what=what)
        return change(kind, self._of.new.places.of(self._file, *keys), sentence, grade, of=self._after.id)

    def _in_file(self) -> Iterator[Change]:
        before, after = (
            here.places.data[here.places.file("score", self._after.id)] for here in (self._of.old, self._of.new)
        )
        if before["evidence"] != after["evidence"]:
            what = said("preuves : {w}", "evidence: {w}", w=arrow(flat(before["evidence"]), flat(after["evidence"])))
            yield self._change("score.evidence", what, Graded("evidence"), ("evidence",))
        if before.get("help") != after.get("help"):
            yield self._change("score.text", Text("aide modifiée", "help changed"), WORDING, ("help",))

    def _grade(self) -> Graded:
        rules = reading(self._of, {self._after.id})
        found = self._of.graded(*rules)
        if found.grade == "wording" and any(
            key.name == f"score.{self._after.id}" for key in self._of.new.book.session.order
        ):
            reason = Text("décide quelle lésion vient d’abord", "decides which lesion comes first")
            return Graded(MIXED, reason=reason)
        if rules:
            told = by_grade(self._of, rules)
            reason = joined([*((found.reason,) if found.reason else ()), told])
            return replace(found, reason=reason)
        return Graded("wording", reason=_UNREAD)

    def _points(self) -> Iterator[tuple[tuple[str | int, ...], Text]]:
        before, after = self._before, self._after
        if before.scope != after.scope or before.unit != after.unit:
            yield ("scope",), Text("portée ou unité modifiée", "scope or unit changed")
        if masked(before.applies) != masked(after.applies):
            yield (
                ("applies",),
                said("s’applique si : {w}", "applies when: {w}", w=self._lines(before.applies, after.applies)),
            )
        old = {component.id: component for component in before.components}
        for at, component in enumerate(after.components):
            keys = ("components", at)
            if component.id not in old:
                yield keys, said("composante ajoutée : {c}", "component added: {c}", c=component.label)
            else:
                for inner, what in self._component(old[component.id], component):
                    yield (*keys, *inner), said("{c}, {w}", "{c}, {w}", c=component.label, w=what)
        kept = {component.id for component in after.components}
        for component in before.components:
            if component.id not in kept:
                yield ("components",), said("composante retirée : {c}", "component removed: {c}", c=component.label)

    def _component(self, before: Component, after: Component) -> Iterator[tuple[tuple[str | int, ...], Text]]:
        if before.otherwise != after.otherwise:
            yield (
                ("otherwise",),
                said(
                    "sinon : {a} → {b} point(s)",
                    "otherwise: {a} → {b} point(s)",
                    a=self._value(before.otherwise),
                    b=self._value(after.otherwise),
                ),
            )
        if len(before.rows) != len(after.rows):
            for rows, others, fr, en in (
                (before.rows, after.rows, "ligne retirée", "row removed"),
                (after.rows, before.rows, "ligne ajoutée", "row added"),
            ):
                for row in rows:
                    if row not in others:
                        yield ("rows",), said(f"{fr} : {{r}}", f"{en}: {{r}}", r=self._row(row))
            return
        for at, (a, b) in enumerate(zip(before.rows, after.rows, strict=True)):
            if masked(a.when) != masked(b.when):
                yield ("rows", at), self._lines(a.when, b.when)
            if a.points != b.points:
                told = self._of.new.telling.node(b.when)
                yield (
                    ("rows", at),
                    said(
                        "{when} : {a} → {b} point(s)",
                        "{when}: {a} → {b} point(s)",
                        when=told,
                        a=self._value(a.points),
                        b=self._value(b.points),
                    ),
                )

    def _row(self, row: Row) -> Text:
        return said(
            "{w} : {p} point(s)", "{w}: {p} point(s)", w=self._of.new.telling.node(row.when), p=self._value(row.points)
        )

    @staticmethod
    def _value(points: Any) -> str:
        return written(points, {})

    def _lines(self, before: Node, after: Node) -> Text:
        return joined([line(each, self._of.old.telling, self._of.new.telling) for each in lines(before, after)])


# ---- site settings ----


def setting_changes(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.settings, of.new.book.settings
    before, after = (here.places.data["site.yaml"] for here in (of.old, of.new))
    for name, setting in new.items():
        where = of.new.places.of("site.yaml", name)
        label = Text(after[name]["label"]["fr"], after[name]["label"]["en"])
        if name not in old:
            what = said("Réglage ajouté : {s}", "Setting added: {s}", s=label)
            yield change("setting.added", where, what, WORDING, of=name)
            continue
        if (old[name].value, old[name].unit) != (setting.value, setting.unit):
            told = arrow(figure(old[name].value, old[name].unit), figure(setting.value, setting.unit))
            rules = reading(of, settings={name})
            what = said(
                "Réglage du centre — {s} : {w} ({r})",
                "Site setting — {s}: {w} ({r})",
                s=label,
                w=told,
                r=by_grade(of, rules),
            )
            grade = of.graded(*rules) if rules else Graded("wording", reason=_UNREAD)
            yield change("setting.value", of.new.places.of("site.yaml", name, "value"), what, grade, of=name)
        for key, kind, grade in (
            ("evidence", "setting.evidence", Graded("evidence")),
            ("label", "setting.text", WORDING),
            ("because", "setting.text", WORDING),
        ):
            if before[name].get(key) != after[name].get(key):
                told = arrow(flat(before[name].get(key)), flat(after[name].get(key)))
                what = said(
                    "Réglage du centre — {s}, {k} : {w}", "Site setting — {s}, {k}: {w}", s=label, k=KEYS[key], w=told
                )
                yield change(kind, of.new.places.of("site.yaml", name, key), what, grade, of=name)
    for name in old:
        if name not in new:
            label = Text(before[name]["label"]["fr"], before[name]["label"]["en"])
            what = said("Réglage retiré : {s}", "Setting removed: {s}", s=label)
            yield change("setting.removed", of.old.places.of("site.yaml", name), what, WORDING, of=name, gone=True)


KEYS = {
    "evidence": Text("preuves", "evidence"),
    "label": Text("nom", "name"),
    "because": Text("justification", "reason given"),
}


def flat(data: Any) -> Text:
    """A part of a rule file on one line, in its own language where it has two."""
    if data is None:
        return Text("rien", "nothing")
    if isinstance(data, dict) and data.keys() == {"fr", "en"}:
        return Text(data["fr"], data["en"])
    if isinstance(data, dict) and "certainty" in data:
        checked = "" if data["verified"] else " (verified: false)"
        shown = f"{data['certainty']}, {', '.join(data['sources'])}{checked}"
        return Text(shown, shown)
    shown = json.dumps(data, ensure_ascii=False)
    return Text(shown, shown)


# ---- who reads them ----


def settings_in(node: Node) -> frozenset[str]:
    found: set[str] = set()
    for leaf in leaves(node):
        if isinstance(leaf, CountLesions):
            found |= settings_in(leaf.where)
        elif isinstance(leaf, Compare) and leaf.setting:
            found.add(leaf.setting)
    return frozenset(found)


def settings_in_score(of: Comparison, name: str) -> frozenset[str]:
    return frozenset(setting for node in of.new.book.scores[name].conditions() for setting in settings_in(node))


def by_grade(of: Comparison, rules: Sequence[tuple[Rule, Rule]]) -> Text:
    """Which of these rules become stricter and which more permissive."""
    found: dict[Grade, list[str]] = {}
    for pair in rules:
        found.setdefault(of.graded(pair).grade, []).append(pair[1].id)
    told = [
        said("{g} : {r}", "{g}: {r}", g=GRADE_WORDS[grade], r=few(found[grade]))
        for grade in reversed(GRADES)
        if grade in found and grade != "wording"
    ]
    return joined(told) if told else Text("aucune règle ne change", "no rule changes")


def reading(
    of: Comparison, scores: set[str] | None = None, settings: set[str] | None = None
) -> list[tuple[Rule, Rule]]:
    """The rules that did not change themselves and read one of these scores or settings, directly or through a score."""
    wanted, chosen = set(scores or ()), settings or set()
    known = of.new.book.scores
    while more := {
        name
        for name, score in known.items()
        if name not in wanted and (scores_read(score) & wanted or settings_in_score(of, name) & chosen)
    }:
        wanted |= more
    return [
        (before, after)
        for before, after in of.kept.values()
        if masked(before.when) == masked(after.when)
        and (scores_in(after.when) & wanted or settings_in(after.when) & chosen)
    ]
