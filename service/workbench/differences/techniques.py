"""Changes of techniques and modes.

What a trait brings or takes away is judged by the rules that begin or cease to bear on the technique.
"""

from collections.abc import Iterator

from service.language.vocabulary import Text
from service.rulebook.model import MODE_KINDS, Benefit, ModeKind, Rule, Technique
from service.tell.words import KIND, MEASURE, POSITION
from service.workbench.differences.change import MIXED, Change, Patient
from service.workbench.differences.comparison import WORDING, Comparison, change
from service.workbench.differences.proving import AGAINST, NEVER, Graded, Shift, graded
from service.workbench.differences.telling import (
    arrow,
    capital,
    evidence,
    few,
    figure,
    joined,
    lasting,
    names,
    quoted,
    said,
)

_NONE = Text("aucun mode", "no mode")
_ORDER = Text("l’ordre des options ou de la séance en dépend", "the order of the options or of the session rests on it")


def technique_changes(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.techniques, of.new.book.techniques
    for name, technique in new.items():
        if name not in old:
            what = said(
                "Technique ajoutée : {t}. {s}", "Technique added: {t}. {s}", t=technique.label, s=technique.summary
            )
            where = of.new.places.of(of.new.places.file("technique", name), "technique")
            yield change("technique.added", where, what, Graded("loosening", freer=_somebody(of, name)), of=name)
        elif old[name] != technique:
            yield from _Technique(of, old[name], technique).changes()
    for name, technique in old.items():
        if name not in new:
            what = said("Technique retirée : {t}", "Technique removed: {t}", t=technique.label)
            where = of.old.places.of(of.old.places.file("technique", name), "technique")
            grade = Graded("tightening", stricter=_somebody(of, name, came=False))
            yield change("technique.removed", where, what, grade, of=name, gone=True)


def mode_changes(of: Comparison) -> Iterator[Change]:
    """Modes by themselves: whether a technique admits one is a change of the technique."""
    old, new = of.old.book.modes, of.new.book.modes
    for (kind, name), mode in new.items():
        where = of.new.places.of(of.new.places.file(kind, name), kind)
        told = of.new.telling.mode(kind, name)
        if (kind, name) not in old:
            yield change("mode.added", where, said("Mode ajouté — {m}", "Mode added — {m}", m=told), WORDING, of=name)
            continue
        before = old[kind, name]
        for key, a, b in (("label", before.label, mode.label), ("summary", before.summary, mode.summary)):
            if a != b:
                what = capital(said("{m} : {w}", "{m}: {w}", m=told, w=arrow(a, b)))
                yield change("mode.text", of.new.places.of(of.new.places.file(kind, name), key), what, WORDING, of=name)
    for kind, name in old:
        if (kind, name) not in new:
            where = of.old.places.of(of.old.places.file(kind, name), kind)
            what = said("Mode retiré — {m}", "Mode removed — {m}", m=of.old.telling.mode(kind, name))
            yield change("mode.removed", where, what, WORDING, of=name, gone=True)


def _somebody(of: Comparison, technique: str, *, came: bool = True) -> Patient | None:
    """A patient in whom an indication of the technique can hold."""
    here = of.new if came else of.old
    for place in here.book.dossiers[technique].own.indications:
        node = here.book.bound[place].when
        shift = of.proving.shift(NEVER, node) if came else of.proving.shift(node, NEVER)
        found = shift.rises if came else shift.falls
        if found is not None:
            return found
    return None


class _Technique:
    """One technique before and after."""

    def __init__(self, of: Comparison, before: Technique, after: Technique) -> None:
        self._of = of
        self._before = before
        self._after = after
        self._file = of.new.places.file("technique", after.id)

    def changes(self) -> Iterator[Change]:
        before, after = self._before, self._after
        yield from self._bearing()
        for kind in MODE_KINDS:
            if before.modes[kind] != after.modes[kind]:
                yield self._modes(kind)
        if before.duration != after.duration:
            told = arrow(figure(before.duration, "min"), figure(after.duration, "min"))
            yield self._change(
                "technique.duration", "duration", said("durée : {w}", "duration: {w}", w=told), self._settled()
            )
        if before.position != after.position:
            told = arrow(POSITION[before.position], POSITION[after.position])
            yield self._change(
                "technique.position", "position", said("position : {w}", "position: {w}", w=told), self._settled()
            )
        if before.burden != after.burden:
            told = arrow(figure(before.burden), figure(after.burden))
            what = said("lourdeur pour le patient : {w}", "burden for the patient: {w}", w=told)
            yield self._change("technique.burden", "burden", what, Graded(MIXED, reason=_ORDER))
        yield from self._benefits()
        if before.label != after.label:
            yield self._change(
                "technique.text", "label", said("nom : {w}", "name: {w}", w=arrow(before.label, after.label)), WORDING
            )
        if before.summary != after.summary:
            told = arrow(before.summary, after.summary)
            yield self._change("technique.text", "summary", said("résumé : {w}", "summary: {w}", w=told), WORDING)

    def _change(self, kind: str, key: str, what: Text, grade: Graded) -> Change:
        sentence = said("{t} — {what}", "{t} — {what}", t=self._after.label, what=what)
        return change(kind, self._of.new.places.of(self._file, key), sentence, grade, of=self._after.id)

    # ---- traits, parts, what is set aside ----

    def _bearing(self) -> Iterator[Change]:
        before, after = self._before, self._after
        told: list[tuple[str, Text]] = []
        for key, a, b, name, fr, en in (
            ("traits", before.traits, after.traits, self._of.new.telling.trait, "propriété", "trait"),
            ("parts", set(before.parts), set(after.parts), self._of.new.telling.technique, "geste composant", "part"),
            ("sets_aside", set(before.sets_aside), set(after.sets_aside), _plain, "règle écartée", "rule set aside"),
        ):
            moved = [
                said(
                    f"{fr}, {french} : {{w}}", f"{en} {english}: {{w}}", w=names([quoted(name(w)) for w in sorted(of)])
                )
                for of, french, english in ((b - a, "ajout", "added"), (a - b, "retrait", "removed"))
                if of
            ]
            if moved:
                told.append((key, joined(moved)))
        if told:
            grade, rules = self._grade_of_bearing()
            for key, what in told:
                yield self._change(f"technique.{key}", key, joined([what, *rules]), grade)
        yield from self._reasons()

    def _reasons(self) -> Iterator[Change]:
        """Why a rule is set aside, told otherwise."""
        before, after = self._before.sets_aside, self._after.sets_aside
        for rule in [rule for rule in before if rule in after and before[rule] != after[rule]]:
            what = said("{n}, écartée : {w}", "{n}, set aside: {w}", n=rule, w=arrow(before[rule], after[rule]))
            yield self._change("technique.text", "sets_aside", what, WORDING)

    def _grade_of_bearing(self) -> tuple[Graded, list[Text]]:
        """By the rules, themselves unchanged in whom they speak of, that begin or cease to bear on the technique."""
        shifts: list[tuple[bool, Shift]] = []
        came: list[str] = []
        went: list[str] = []
        for before, after in self._of.kept.values():
            if before.target != after.target:
                continue
            was, now = self._bears(before, old=True), self._bears(after, old=False)
            if now - was:
                came.append(after.id)
                shifts.append(
                    (after.claim in AGAINST, self._of.proving.shift(NEVER, self._of.new.when(after.id, self._after.id)))
                )
            if was - now:
                went.append(before.id)
                shifts.append(
                    (
                        before.claim in AGAINST,
                        self._of.proving.shift(self._of.old.when(before.id, self._before.id), NEVER),
                    )
                )
        told = [
            said(f"{fr} : {{r}}", f"{en}: {{r}}", r=few(sorted(rules)))
            for rules, fr, en in (
                (came, "règles qui portent désormais sur elle", "rules that now bear on it"),
                (went, "règles qui ne portent plus sur elle", "rules that no longer bear on it"),
            )
            if rules
        ]
        grade = graded(shifts)
        if grade.grade == "wording":
            return Graded(MIXED, reason=_ORDER), told
        return grade, told

    def _bears(self, rule: Rule, *, old: bool) -> set[tuple[ModeKind | None, str | None]]:
        """The technique itself, and its modes admitted before and after, on which the rule bears."""
        here = self._of.old if old else self._of.new
        admitted = {
            (kind, mode) for kind in MODE_KINDS for mode in self._before.modes[kind] if mode in self._after.modes[kind]
        }
        return {
            (kind, mode)
            for technique, kind, mode in here.bears.get(rule.id, frozenset())
            if technique == self._after.id and (kind is None or (kind, mode) in admitted)
        }

    # ---- modes ----

    def _modes(self, kind: ModeKind) -> Change:
        before, after = self._before.modes[kind], self._after.modes[kind]
        old, new = self._of.old.book.modes, self._of.new.book.modes
        told = [
            names([book[kind, mode].label for mode in modes]) if modes else _NONE
            for book, modes in ((old, before), (new, after))
        ]
        what = said("{k} : {w}", "{k}: {w}", k=KIND[kind], w=arrow(*told))
        came, went = set(after) - set(before), set(before) - set(after)
        if not before or not after:
            # Where none is needed, none can stand against the act.
            grade = Graded("loosening" if before else "tightening")
        elif came and not went and after[: len(before)] == before:
            grade = Graded("loosening")
        elif went and not came and [mode for mode in before if mode in after] == list(after):
            grade = Graded("tightening")
        else:
            grade = Graded(MIXED, reason=Text("l’ordre de préférence change", "the order of preference changes"))
        return self._change(f"technique.{kind}", kind, what, grade)

    def _settled(self) -> Graded:
        """What the rules that speak of a technique's own properties say of it now."""
        shifts = []
        for before, after in self._of.kept.values():
            bound = self._of.new.bound.get((after.id, self._after.id)) and self._of.old.bound.get(
                (before.id, self._before.id)
            )
            if bound:
                a, b = self._of.old.when(before.id, self._before.id), self._of.new.when(after.id, self._after.id)
                shifts.append((after.claim in AGAINST, self._of.proving.shift(a, b)))
        return graded(shifts)

    # ---- benefit ----

    def _benefits(self) -> Iterator[Change]:
        before, after = self._before.benefits, self._after.benefits
        for each in before:
            if each not in after and len(before) != len(after):
                yield self._change(
                    "technique.benefit",
                    "benefit",
                    said("bénéfice retiré : {b}", "benefit removed: {b}", b=_benefit(each)),
                    Graded("evidence"),
                )
        for each in after:
            if each not in before and len(before) != len(after):
                yield self._change(
                    "technique.benefit",
                    "benefit",
                    said("bénéfice ajouté : {b}", "benefit added: {b}", b=_benefit(each)),
                    Graded("evidence"),
                )
        if len(before) == len(after):
            for a, b in zip(before, after, strict=True):
                if a != b:
                    what = said("bénéfice attendu : {w}", "expected benefit: {w}", w=arrow(_benefit(a), _benefit(b)))
                    yield self._change("technique.benefit", "benefit", what, Graded("evidence"))


def _plain(name: str) -> Text:
    return Text(name, name)


def _benefit(of: Benefit) -> Text:
    measure = MEASURE[of.measure]
    span = said("{a}–{b} {u}", "{a}–{b} {u}", a=figure(of.low), b=figure(of.high), u=of.unit)
    parts = [said("{m} {s}", "{m} {s}", m=measure, s=span)]
    if of.by is not None:
        parts.append(said("en {t}", "by {t}", t=lasting(of.by)))
    if of.lasts is not None:
        parts.append(said("pendant {t}", "for {t}", t=lasting(of.lasts)))
    if of.note is not None:
        parts.append(of.note)
    return joined([joined(parts, ", "), said("[{e}]", "[{e}]", e=evidence(of.evidence))], " ")
