"""Changes of the vocabulary. Their order is stated in docs/workbench/diff.md: what is trusted less is stricter."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from service.language.tree import Compare, Flag, Includes, Leaf, Member, Not, Term
from service.language.vocabulary import Item, Text
from service.workbench.differences.change import MIXED, Change, Grade, Patient
from service.workbench.differences.comparison import WORDING, Comparison, change
from service.workbench.differences.proving import NEVER, Graded
from service.workbench.differences.telling import arrow, capital, figure, lasting, names, quoted, said

_TYPES = {
    "flag": Text("oui ou non", "yes or no"),
    "choice": Text("un mot d’une liste", "one word of a list"),
    "number": Text("nombre", "number"),
    "set": Text("liste", "list"),
    "moment": Text("moment", "moment"),
}
_SCOPES = {"patient": Text("patient", "patient"), "lesion": Text("lésion", "lesion")}
_NOTHING = Text("rien", "nothing")


def vocabulary_changes(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.vocabulary, of.new.book.vocabulary
    for item in new:
        if item.id not in old:
            what = said(
                "Élément ajouté au vocabulaire : {i}",
                "Item added to the vocabulary: {i}",
                i=of.new.telling.item(item.id),
            )
            reason = Text("ne décide rien par lui-même", "decides nothing by itself")
            yield change("item.added", of.new.places.item(item.id), what, Graded("wording", reason=reason), of=item.id)
        elif old[item.id] != item:
            yield from _Item(of, old[item.id], item).changes()
    for item in old:
        if item.id not in new:
            what = said(
                "Élément retiré du vocabulaire : {i}",
                "Item removed from the vocabulary: {i}",
                i=of.old.telling.item(item.id),
            )
            reason = Text("un dossier qui le donne est refusé", "a referral that gives it is refused")
            yield change(
                "item.removed",
                of.old.places.item(item.id),
                what,
                Graded("tightening", reason=reason),
                of=item.id,
                gone=True,
            )
    yield from _sections(of, old.sections, new.sections)


def _sections(of: Comparison, old: Mapping[str, Text], new: Mapping[str, Text]) -> Iterator[Change]:
    for name, label in new.items():
        if name in old and old[name] != label:
            what = said("Rubrique : {w}", "Section: {w}", w=arrow(old[name], label))
            yield change(
                "section.label", of.new.places.of(of.new.places.file("section", name), "label"), what, WORDING, of=name
            )


class _Item:
    """One item before and after."""

    def __init__(self, of: Comparison, before: Item, after: Item) -> None:
        self._of = of
        self._before = before
        self._after = after

    def changes(self) -> Iterator[Change]:
        before, after = self._before, self._after
        yield from self._nature()
        if before.fresh_for != after.fresh_for:
            yield self._freshness()
        same = (before.type, before.unit) == (after.type, after.unit)
        if same and (before.low, before.high) != (after.low, after.high):
            yield self._range()
        yield from self._units()
        yield from self._choices()
        if before.codes != after.codes:
            reason = Text(
                "ce qu’un dossier informatisé envoie est lu autrement", "what a record system sends is read otherwise"
            )
            yield self._change(
                "item.codes", "codes", Text("codes modifiés", "codes changed"), Graded(MIXED, reason=reason)
            )
        if before.label != after.label:
            yield self._change(
                "item.text", "label", said("nom : {w}", "name: {w}", w=arrow(before.label, after.label)), WORDING
            )
        if before.help != after.help and (before.help, after.help) != (before.label, after.label):
            yield self._change(
                "item.text", "help", said("aide : {w}", "help: {w}", w=arrow(before.help, after.help)), WORDING
            )
        if before.step != after.step:
            what = said("pas de saisie : {w}", "step: {w}", w=arrow(figure(before.step), figure(after.step)))
            yield self._change("item.step", "step", what, WORDING)
        if before.changeable != after.changeable:
            words = {False: Text("non", "no"), True: Text("oui", "yes")}
            what = said(
                "peut être changé par un traitement : {w}",
                "a treatment can change it: {w}",
                w=arrow(words[before.changeable], words[after.changeable]),
            )
            yield self._change("item.changeable", "changeable", what, WORDING)

    def _change(self, kind: str, key: str, what: Text, grade: Graded) -> Change:
        label = self._of.new.telling.item(self._after.id)
        sentence = capital(said("{item} — {what}", "{item} — {what}", item=label, what=what))
        return change(kind, self._of.new.places.item(self._after.id, key), sentence, grade, of=self._after.id)

    def _nature(self) -> Iterator[Change]:
        before, after = self._before, self._after
        reason = Text("ce qui était dit avant n’a plus le même sens", "what was said before no longer means the same")
        mixed = Graded(MIXED, reason=reason)
        if before.type != after.type:
            yield self._change(
                "item.type",
                "type",
                said("type : {w}", "type: {w}", w=arrow(_TYPES[before.type], _TYPES[after.type])),
                mixed,
            )
        if before.scope != after.scope:
            what = said("portée : {w}", "scope: {w}", w=arrow(_SCOPES[before.scope], _SCOPES[after.scope]))
            yield self._change("item.scope", "type", what, mixed)
        if before.unit != after.unit:
            what = said("unité : {w}", "unit: {w}", w=arrow(before.unit or _NOTHING, after.unit or _NOTHING))
            yield self._change("item.unit", "unit", what, mixed)

    def _freshness(self) -> Change:
        before, after = self._before.fresh_for, self._after.fresh_for
        never = Text("ne vieillit pas", "does not age")
        told = [never if hours is None else lasting(hours) for hours in (before, after)]
        what = said("valable : {w}", "valid for: {w}", w=arrow(*told))
        shorter = before is None or (after is not None and after < before)
        # A day beyond the shorter of the two is known under the longer one only, or not under the longer one either.
        shown = self._aged(min(hours for hours in (before, after) if hours is not None))
        grade = Graded("tightening", stricter=shown) if shorter else Graded("loosening", freer=shown)
        return self._change("item.fresh_for", "fresh_for", what, grade)

    def _aged(self, shorter: float) -> Patient | None:
        """A patient whose value for this item is just too old under the shorter of the two durations."""
        for leaf in _reading(self._of, self._after.id):
            for node in (leaf, Not(leaf)):
                found = self._of.proving.shift(NEVER, node).rises
                if found is not None and (aged := _with_date(found, self._after.id, shorter)) is not None:
                    return aged
        return None

    def _range(self) -> Change:
        before, after = self._before, self._after
        what = said(
            "valeurs plausibles : {w}",
            "plausible values: {w}",
            w=arrow(
                *(
                    said("{a} à {b}", "{a} to {b}", a=figure(each.low), b=figure(each.high, each.unit))
                    for each in (before, after)
                )
            ),
        )
        narrower = after.low >= before.low and after.high <= before.high
        wider = after.low <= before.low and after.high >= before.high
        grade: Grade = "tightening" if narrower else "loosening" if wider else MIXED
        reason = Text("une valeur hors de ces bornes est refusée", "a value outside is refused")
        return self._change("item.range", "range", what, Graded(grade, reason=reason))

    def _units(self) -> Iterator[Change]:
        before, after = self._before.units, self._after.units
        for name in [name for name in before if name in after and before[name] != after[name]]:
            what = said(
                "unité {n}, facteur : {w}",
                "unit {n}, factor: {w}",
                n=name,
                w=arrow(figure(before[name]), figure(after[name])),
            )
            yield self._change("item.units", "units", what, Graded(MIXED))
        yield from self._words("item.units", "units", Text("unité acceptée", "unit accepted"), before, after)

    def _choices(self) -> Iterator[Change]:
        before, after = self._before.choices, self._after.choices
        for word in [word for word in before if word in after and before[word] != after[word]]:
            yield self._change(
                "item.text", "choices", said("mot : {w}", "word: {w}", w=arrow(before[word], after[word])), WORDING
            )
        yield from self._words("item.choices", "choices", Text("mot", "word"), before, after)

    def _words(
        self, kind: str, key: str, noun: Text, before: Mapping[str, object], after: Mapping[str, object]
    ) -> Iterator[Change]:
        """What may be said of the item, and may no longer."""
        for ours, theirs, french, english, grade in (
            (after, before, "ajouté", "added", Graded("loosening", reason=_accepted(True))),
            (before, after, "retiré", "removed", Graded("tightening", reason=_accepted(False))),
        ):
            words = [name for name in ours if name not in theirs]
            if words:
                shown = names([label if isinstance(label := ours[name], Text) else Text(name, name) for name in words])
                what = said(
                    "{noun} — {verb} : {w}",
                    "{noun} — {verb}: {w}",
                    noun=noun,
                    verb=Text(french, english),
                    w=quoted(shown),
                )
                yield self._change(kind, key, what, grade)


def _accepted(accepted: bool) -> Text:
    if accepted:
        return Text("un dossier refusé jusqu’ici est accepté", "a referral refused so far is accepted")
    return Text("un dossier accepté jusqu’ici est refusé", "a referral accepted so far is refused")


def _reading(of: Comparison, item: str) -> Iterator[Leaf]:
    """A criterion that reads the item, with whatever words or figure the item's type needs."""
    known = of.new.book.vocabulary[item]
    words = tuple(known.choices)[:1]
    match known.type:
        case "flag":
            yield Flag(item)
        case "choice":
            yield Member(item, words)
        case "set":
            yield Includes(item, words)
        case "number":
            yield Compare(Term("item", item), ">", known.low)


def _with_date(patient: Patient, item: str, hours: float) -> Patient | None:
    """The same patient with this value one day older than `hours`."""
    recorded = date.fromisoformat(str(patient.referral["recorded_at"])[:10])
    on = (recorded - timedelta(hours=hours) - timedelta(days=1)).isoformat()
    referral = {**patient.referral, "patient": dict(patient.referral.get("patient", {}))}
    referral["lesions"] = [dict(lesion) for lesion in patient.referral.get("lesions", [])]
    for holder in (referral["patient"], *referral["lesions"]):
        if item in holder:
            value = holder[item]
            holder[item] = {**value, "date": on} if isinstance(value, dict) else {"value": value, "date": on}
            return Patient(referral, patient.at)
    return None
