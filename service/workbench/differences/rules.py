"""Changes of rules: told one aspect at a time, each graded by proof or by the order that docs/workbench/diff.md states."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from service.language.parser import MomentAfter
from service.language.tree import Node
from service.language.vocabulary import Text
from service.rulebook.bind import kind_of_argument
from service.rulebook.model import CERTAINTIES, STRENGTHS, Correction, Rule, Target
from service.workbench.differences.change import MIXED, Change, worst
from service.workbench.differences.comparison import WORDING, Bears, Comparison, Side, change
from service.workbench.differences.proving import (
    AGAINST,
    MOST_BESIDE,
    NEVER,
    Graded,
    Shift,
    graded,
    masked,
    read_by,
)
from service.workbench.differences.telling import (
    CLAIMS,
    FORCES,
    arrow,
    capital,
    evidence,
    figure,
    joined,
    lasting,
    line,
    said,
    strength,
)
from service.workbench.differences.trees import Line, lines

_FORCE = {"cautions": 0, "deferring": 1, "excluding": 2}
_COVERED = Text("d’autres règles le disent déjà", "other rules already say so")
_NOBODY = Text("ne peut concerner aucun patient", "can concern no patient")
_NO_ACT = Text("ne porte sur aucun geste", "bears on no act")


def renamed(old: Mapping[str, Rule], new: Mapping[str, Rule]) -> dict[str, str]:
    """Rules that only got another id: old id -> new id."""

    def content(rule: Rule) -> Rule:
        return replace(rule, id="", file="", line=0, topic="", overrides={}, tolerates={})

    added = [(name, content(rule)) for name, rule in new.items() if name not in old]
    found: dict[str, str] = {}
    for name, rule in old.items():
        if name in new:
            continue
        same = next((other for other, text in added if text == content(rule) and other not in found.values()), None)
        if same is not None:
            found[name] = same
    return found


def rule_changes(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.rules, of.new.book.rules
    for before, after in of.renamed.items():
        rule = new[after]
        what = said(
            "Règle renommée : {a} → {b} ; rien d’autre ne change",
            "Rule renamed: {a} → {b}; nothing else changes",
            a=before,
            b=after,
        )
        yield change("rule.renamed", of.new.places.rule(rule), what, WORDING, of=after)
    for name, (before_rule, after_rule) in of.kept.items():
        of.tick()
        if name not in of.renamed.values():
            yield from _Pair(of, before_rule, after_rule).changes()
    for name, rule in new.items():
        if name not in of.kept:
            of.tick()
            what = said(
                "Règle ajoutée — {rule} : {why}",
                "Rule added — {rule}: {why}",
                rule=of.new.telling.rule(rule),
                why=rule.because,
            )
            grade, reason = alone(of, rule, came=True)
            yield change("rule.added", of.new.places.rule(rule), what, grade, of=name, reason=reason)
    for name, rule in old.items():
        if name not in new and name not in of.renamed:
            of.tick()
            what = said(
                "Règle retirée — {rule} : {why}",
                "Rule removed — {rule}: {why}",
                rule=of.old.telling.rule(rule),
                why=rule.because,
            )
            grade, reason = alone(of, rule, came=False)
            yield change("rule.removed", of.old.places.rule(rule), what, grade, of=name, gone=True, reason=reason)


# ---- a rule that came or went ----


def alone(of: Comparison, rule: Rule, *, came: bool) -> tuple[Graded, Text | None]:
    """The grade of a rule that stands in one rulebook only."""
    here = of.new if came else of.old
    conditions = _conditions(here, rule)
    if not conditions:
        return WORDING, _NO_ACT
    shifts = [_of_all(of, node, came=came) for node in conditions]
    if all(shift.same for shift in shifts):
        return WORDING, _NOBODY
    narrowed = [
        of.proving.shift(NEVER, node, beside_old=_beside(of.old, rule, of))
        if came
        else of.proving.shift(node, NEVER, beside_new=_beside(of.new, rule, of))
        for node in conditions
    ]
    grade = graded((rule.claim in AGAINST, shift) for shift in narrowed)
    return grade, _COVERED if grade.grade == "wording" else None


def _of_all(of: Comparison, node: Node, *, came: bool) -> Shift:
    return of.proving.shift(NEVER, node) if came else of.proving.shift(node, NEVER)


def _conditions(here: Side, rule: Rule) -> list[Node]:
    if rule.target.nothing:
        return [rule.when]
    techniques = sorted({technique for technique, _, _ in here.bears.get(rule.id, frozenset())})
    return list(dict.fromkeys(here.when(rule.id, technique) for technique in techniques))


def _beside(there: Side, rule: Rule, of: Comparison) -> list[Node]:
    """Conditions of rules that say as much or more of everything that `rule` speaks of, the nearest to it first.

    Only for claims of which it does not matter how many rules make them: precautions and arguments in favour are counted,
    and each alert says something of its own.
    """
    if not (rule.claim == "indicates" or (rule.claim == "contraindicates" and rule.absolute)):
        return []
    here = of.old if there is of.new else of.new
    bears, read = here.bears.get(rule.id, frozenset()), read_by(rule.when)
    found = []
    for other in there.book.rules.values():
        shared = len(read & read_by(other.when))
        if (
            other.id != rule.id
            and shared
            and "technique" not in read_by(other.when)
            and bears <= there.bears.get(other.id, frozenset())
            and _says_as_much(other, rule)
        ):
            found.append((-shared, other.id, other.when))
    return [node for _, _, node in sorted(found, key=lambda each: each[:2])[:MOST_BESIDE]]


def _says_as_much(other: Rule, rule: Rule) -> bool:
    if other.claim != rule.claim:
        return False
    if rule.claim == "indicates":
        strong = STRENGTHS.index(other.strength or "weak") <= STRENGTHS.index(rule.strength or "weak")
        return strong and CERTAINTIES.index(other.evidence.certainty) <= CERTAINTIES.index(rule.evidence.certainty)
    if not other.absolute:
        return False
    if other.correction is None:
        return True
    if rule.correction is None:
        return False
    mine, theirs = rule.correction, other.correction
    return mine.earliest == theirs.earliest and mine.lead_time <= theirs.lead_time


# ---- a rule in both rulebooks ----


class _Pair:
    """One rule before and after."""

    def __init__(self, of: Comparison, before: Rule, after: Rule) -> None:
        self._of = of
        self._before = before
        self._after = after
        self._against = after.claim in AGAINST

    def changes(self) -> Iterator[Change]:
        before, after = self._before, self._after
        if before == after:
            yield from self._spelling()
            return
        if before.claim != after.claim:
            yield self._claim()
            return
        yield from self._condition()
        yield from self._target()
        yield from self._force()
        yield from self._correction()
        yield from self._strength()
        yield from self._within()
        yield from self._evidence()
        yield from self._texts()
        if (before.file, before.topic) != (after.file, after.topic):
            yield self._change(
                "rule.moved",
                said("Règle déplacée : {a} → {b}", "Rule moved: {a} → {b}", a=before.file, b=after.file),
                WORDING,
            )

    def _change(self, kind: str, what: Text, grade: Graded, *nodes: Node | None, reason: Text | None = None) -> Change:
        where = self._of.new.places.rule(self._after, *nodes)
        return change(kind, where, what, grade, of=self._after.id, reason=reason)

    def _say(self, what: Text) -> Text:
        return said("{rule} — {what}", "{rule} — {what}", rule=self._of.new.telling.rule(self._after), what=what)

    def _claim(self) -> Change:
        """Another claim is another rule: what the old one said is gone, what the new one says is new."""
        gone, _ = alone(self._of, self._before, came=False)
        came, _ = alone(self._of, self._after, came=True)
        what = arrow(CLAIMS[self._before.claim], CLAIMS[self._after.claim])
        freer, stricter = gone.freer or came.freer, gone.stricter or came.stricter
        grade = Graded(worst((gone.grade, came.grade)), freer, stricter, gone.reason or came.reason)
        return self._change("rule.claim", self._say(what), grade)

    # ---- condition ----

    def _condition(self) -> Iterator[Change]:
        before, after = self._before, self._after
        if masked(before.when) == masked(after.when):
            yield from self._spelling()
            return
        found = lines(before.when, after.when)
        what = joined([line(each, self._of.old.telling, self._of.new.telling) for each in found])
        grade, reason = self._of_condition()
        yield self._change("rule.condition", self._say(what), grade, *_named(found), reason=reason)

    def _spelling(self) -> Iterator[Change]:
        """The same criteria in other letters, such as a figure in another unit."""
        if self._of.old.places.written(self._before.id) != self._of.new.places.written(self._after.id):
            what = Text("condition écrite autrement, même sens", "condition written otherwise, same meaning")
            yield self._change("rule.text", self._say(what), WORDING)

    def _of_condition(self) -> tuple[Graded, Text | None]:
        pairs = self._of.pairs(self._before, self._after)
        if not pairs:
            return WORDING, _NO_ACT
        grade = self._of.graded((self._before, self._after))
        if grade.grade in ("wording", MIXED) and grade.reason:
            return grade, None
        if grade.grade == "wording":
            return grade, Text("même sens pour tout patient : prouvé", "same meaning for every patient: proved")
        beside_old, beside_new = (
            _beside(self._of.old, self._after, self._of),
            _beside(self._of.new, self._before, self._of),
        )
        narrowed = graded((self._against, self._of.proving.shift(a, b, beside_old, beside_new)) for a, b in pairs)
        return narrowed, _COVERED if narrowed.grade != grade.grade else None

    # ---- target ----

    def _target(self) -> Iterator[Change]:
        before, after = self._before.target, self._after.target
        if before == after:
            return
        old, new = self._of.old, self._of.new
        common = old.book.techniques.keys() & new.book.techniques.keys()
        was = {each for each in old.bears.get(self._before.id, frozenset()) if each[0] in common}
        now = {each for each in new.bears.get(self._after.id, frozenset()) if each[0] in common}
        what = arrow(old.telling.target(before), new.telling.target(after))
        parts = [what]
        for came, words in (
            (now - was, ("porte aussi sur", "also bears on")),
            (was - now, ("ne porte plus sur", "no longer bears on")),
        ):
            if came:
                listed = new.telling.techniques({technique for technique, _, _ in came})
                parts.append(said(f"{words[0]} {{t}}", f"{words[1]} {{t}}", t=listed))
        shifts = [self._by_bearing(now - was, came=True), self._by_bearing(was - now, came=False)]
        if Target(nothing=True) in (before, after):
            shifts.append(self._by_blocking(came=before.nothing))
        what = said("{claim} : {what}", "{claim}: {what}", claim=CLAIMS[self._after.claim], what=joined(parts))
        yield self._change("rule.target", capital(what), graded((self._against, shift) for shift in shifts))

    def _by_bearing(self, moved: set[Bears], *, came: bool) -> Shift:
        """The rule begins, or ceases, to bear on these."""
        here, rule = (self._of.new, self._after) if came else (self._of.old, self._before)
        for technique in sorted({technique for technique, _, _ in moved}):
            shift = _of_all(self._of, here.when(rule.id, technique), came=came)
            if not shift.same:
                return shift
        return Shift()

    def _by_blocking(self, *, came: bool) -> Shift:
        return _of_all(self._of, self._after.when if came else self._before.when, came=came)

    # ---- what has an order of its own ----

    def _ordered(self, steps: float) -> Graded:
        """An aspect with an order of its own moved: up when `steps` is positive, which is stricter of what stands against."""
        if not steps:
            return WORDING
        conditions = _conditions(self._of.new, self._after)
        if not conditions:
            return Graded("wording", reason=_NO_ACT)
        shown = next((shift for node in conditions if not (shift := _of_all(self._of, node, came=True)).same), None)
        if shown is None:
            return Graded("wording", reason=_NOBODY)
        if (steps > 0) == self._against:
            return Graded("tightening", stricter=shown.rises)
        return Graded("loosening", freer=shown.rises)

    def _force(self) -> Iterator[Change]:
        if self._after.claim != "contraindicates":
            return
        before, after = _force(self._before), _force(self._after)
        if before != after:
            yield self._change(
                "rule.severity",
                self._say(said("gravité : {w}", "severity: {w}", w=arrow(FORCES[before], FORCES[after]))),
                self._ordered(after - before),
            )

    def _correction(self) -> Iterator[Change]:
        before, after = self._before.correction, self._after.correction
        if before is None or after is None:
            if (before is None) != (after is None) and not self._after.absolute and not self._before.absolute:
                what = (
                    Text("correction ajoutée", "correction added")
                    if after
                    else Text("correction retirée", "correction removed")
                )
                yield self._change("rule.correction", self._say(what), WORDING)
            return
        defers = self._before.absolute and self._after.absolute
        if before.lead_time != after.lead_time:
            what = arrow(lasting(before.lead_time), lasting(after.lead_time))
            steps = after.lead_time - before.lead_time if defers else 0
            yield self._change(
                "rule.lead_time",
                self._say(said("délai de correction : {w}", "time to correct: {w}", w=what)),
                self._ordered(steps),
            )
        if before.earliest != after.earliest:
            what = arrow(self._moment(before), self._moment(after))
            grade = self._by_moment(before.earliest, after.earliest) if defers else WORDING
            yield self._change(
                "rule.earliest", self._say(said("au plus tôt : {w}", "at the earliest: {w}", w=what)), grade
            )
        if before.by != after.by:
            what = arrow(before.by, after.by)
            yield self._change(
                "rule.text", self._say(said("comment corriger : {w}", "how to correct: {w}", w=what)), WORDING
            )
        if before.recheck != after.recheck:
            names = [
                self._of.new.telling.item(each) if each else Text("rien", "nothing")
                for each in (before.recheck, after.recheck)
            ]
            yield self._change(
                "rule.text", self._say(said("à recontrôler : {w}", "to check again: {w}", w=arrow(*names))), WORDING
            )

    def _moment(self, of: Correction) -> Text:
        moment = of.earliest
        if moment is None:
            return lasting(of.lead_time)
        item = self._of.new.telling.item(moment.item)
        wait = lasting(moment.hours) if moment.days is None else figure(moment.days, "d")
        return said("{wait} après {item}", "{wait} after {item}", wait=wait, item=item)

    def _by_moment(self, before: MomentAfter | None, after: MomentAfter | None) -> Graded:
        """Later is stricter, where both moments are counted from the same item in the same way."""
        if before and after and (before.item, before.days is None) == (after.item, after.days is None):
            return self._ordered((after.days or after.hours or 0) - (before.days or before.hours or 0))
        reason = Text("compté à partir d’autre chose", "counted from something else")
        return Graded(MIXED, reason=reason)

    def _strength(self) -> Iterator[Change]:
        before, after = self._before.strength, self._after.strength
        if before and after and before != after:
            what = said("force : {w}", "strength: {w}", w=arrow(strength(before), strength(after)))
            yield self._change(
                "rule.strength", self._say(what), self._ordered(STRENGTHS.index(before) - STRENGTHS.index(after))
            )

    def _within(self) -> Iterator[Change]:
        before, after = self._before.within, self._after.within
        if before is not None and after is not None and before != after:
            what = said("délai d’action : {w}", "to be acted on within: {w}", w=arrow(lasting(before), lasting(after)))
            yield self._change("rule.within", self._say(what), self._ordered(before - after))

    # ---- what no answer rests on ----

    def _evidence(self) -> Iterator[Change]:
        before, after = self._before.evidence, self._after.evidence
        if before != after:
            what = said("preuves : {w}", "evidence: {w}", w=arrow(evidence(before), evidence(after)))
            yield self._change("rule.evidence", self._say(what), Graded("evidence"))

    def _texts(self) -> Iterator[Change]:
        before, after = self._before, self._after
        for fr, en, a, b in (
            ("justification", "reason given", before.because, after.because),
            ("précaution", "precaution", before.precaution, after.precaution),
            ("nom de l’alerte", "name of the alert", before.label, after.label),
            ("que faire", "what to do", before.action, after.action),
        ):
            if a != b:
                none = Text("rien", "nothing")
                what = said("{n} : {w}", "{n}: {w}", n=Text(fr, en), w=arrow(a or none, b or none))
                yield self._change("rule.text", self._say(what), WORDING)
        if (before.overrides, before.tolerates) != (after.overrides, after.tolerates):
            what = Text(
                "exceptions déclarées pour la preuve (overrides, tolerates) modifiées",
                "exceptions declared for prove (overrides, tolerates) changed",
            )
            yield self._change("rule.exceptions", self._say(what), WORDING)


def _force(rule: Rule) -> int:
    return _FORCE[kind_of_argument(rule)]


def _named(found: list[Line]) -> list[Node]:
    """The criteria that stand in the new file, to find their line."""
    return [each.new for each in found if each.new is not None]
