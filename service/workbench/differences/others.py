"""Changes of the files of which there is one: checklist, ranking, session, impossible, invariants, sources, traits, rulebook."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from service.language.tree import Node
from service.language.vocabulary import Text
from service.rulebook.model import STATUSES, Invariant, Status
from service.tell.words import STATUS
from service.workbench.differences.change import MIXED, Change
from service.workbench.differences.comparison import WORDING, Comparison, change
from service.workbench.differences.proving import UNDECIDED, Graded
from service.workbench.differences.scores import flat
from service.workbench.differences.telling import arrow, figure, joined, lasting, line, names, quoted, said
from service.workbench.differences.trees import lines

_ORDER = Text("change l’ordre, non ce qui est permis", "changes the order, not what is allowed")


def other_changes(of: Comparison) -> Iterator[Change]:
    for part in (checklist, ranking, session, impossible, invariants, sources, traits, rulebook, review, remarks):
        yield from part(of)


def checklist(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book, of.new.book
    for ours, theirs, french, english, grade, why in (
        (new, old, "ajouté à la liste d’avant geste", "added to the pre-procedure checklist", "loosening",
         Text("inconnu, il ne rend plus une option « à préciser »", "when unknown it no longer makes an option “to be settled”")),
        (old, new, "retiré de la liste d’avant geste", "removed from the pre-procedure checklist", "tightening",
         Text("inconnu, il rend désormais une option « à préciser »", "when unknown it now makes an option “to be settled”")),
    ):  # fmt: skip
        here = of.new if ours is new else of.old
        for item in ours.checklist:
            if item not in theirs.checklist:
                what = said(f"Élément {french} : {{i}}", f"Item {english}: {{i}}", i=here.telling.item(item))
                where = here.places.of("checklist.yaml", "items", ours.checklist[item])
                yield change("checklist", where, what, Graded(grade, reason=why), of=item, gone=ours is old)  # type: ignore[arg-type]
    if set(old.checklist) == set(new.checklist) and list(old.checklist) != list(new.checklist):
        what = Text("Liste d’avant geste : autre ordre", "Pre-procedure checklist: another order")
        yield change("checklist", of.new.places.of("checklist.yaml", "items"), what, WORDING)
    if old.asked_first != new.asked_first:
        what = Text(
            "Ordre des premières questions du formulaire modifié", "Order of the form’s first questions changed"
        )
        yield change("referral_form", of.new.places.of("referral_form.yaml", "first"), what, WORDING)


def ranking(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.ranking, of.new.book.ranking
    if old == new:
        return
    mixed = Graded(MIXED, reason=_ORDER)
    if [key.name for key in old.keys] != [key.name for key in new.keys]:
        told = arrow(names([key.label for key in old.keys]), names([key.label for key in new.keys]))
        what = said("Classement, critères dans l’ordre : {w}", "Ranking, keys in order: {w}", w=told)
        yield change("ranking.keys", of.new.places.of("ranking.yaml", "keys"), what, mixed)
    tiers = [[(tier.id, tier.statuses) for tier in each.standings] for each in (old, new)]
    if tiers[0] != tiers[1]:
        told = arrow(*(joined([tier.label for tier in each.standings], ", ") for each in (old, new)))
        what = said("Classement, groupes de statuts : {w}", "Ranking, groups of statuses: {w}", w=told)
        yield change("ranking.standing", of.new.places.of("ranking.yaml", "standing"), what, mixed)
    for before, after in zip(old.standings, new.standings, strict=False):
        if before.deferred_within != after.deferred_within:
            told = arrow(lasting(before.deferred_within), lasting(after.deferred_within))
            what = said(
                "Classement, « {t} » : options différées admises jusqu’à {w}",
                "Ranking, “{t}”: deferred options admitted up to {w}", t=after.label, w=told,
            )  # fmt: skip
            yield change("ranking.deferred_within", of.new.places.of("ranking.yaml", "standing"), what, mixed)
    if old.mode_keys != new.mode_keys:
        what = said(
            "Classement des modes : {a} → {b}",
            "Ranking of modes: {a} → {b}",
            a=", ".join(old.mode_keys),
            b=", ".join(new.mode_keys),
        )
        yield change("ranking.mode_keys", of.new.places.of("ranking.yaml", "mode_keys"), what, mixed)
    labels = [[*(key.label for key in each.keys), *(tier.label for tier in each.standings)] for each in (old, new)]
    if len(labels[0]) == len(labels[1]) and sorted(map(str, labels[0])) != sorted(map(str, labels[1])):
        what = Text("Classement : noms modifiés", "Ranking: names changed")
        yield change("ranking.text", of.new.places.of("ranking.yaml"), what, WORDING)


def session(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.session, of.new.book.session

    def at(*keys: str) -> str:
        return of.new.places.of("session.yaml", *keys)

    if old.max_sites != new.max_sites:
        told = arrow(figure(old.max_sites), figure(new.max_sites))
        what = said("Séance : au plus {w} sites", "Session: at most {w} sites", w=told)
        yield change(
            "session.max_sites",
            at("max_sites", "value"),
            what,
            Graded("loosening" if new.max_sites > old.max_sites else "tightening"),
        )
    if old.because != new.because:
        what = said("Séance, justification : {w}", "Session, reason given: {w}", w=arrow(old.because, new.because))
        yield change("session.text", at("max_sites", "because"), what, WORDING)
    if old.evidence != new.evidence:
        what = Text("Séance : preuves modifiées", "Session: evidence changed")
        yield change("session.evidence", at("max_sites", "evidence"), what, Graded("evidence"))
    if [(key.name, key.highest) for key in old.order] != [(key.name, key.highest) for key in new.order]:
        told = arrow(*(names([key.label for key in each.order]) for each in (old, new)))
        what = said("Séance, quelle lésion d’abord : {w}", "Session, which lesion first: {w}", w=told)
        yield change("session.order", at("order"), what, Graded(MIXED, reason=_ORDER))
    elif old.order != new.order:
        yield change("session.text", at("order"), Text("Séance : noms modifiés", "Session: names changed"), WORDING)
    if old.anaesthesia_order != new.anaesthesia_order:
        what = said(
            "Séance, anesthésies de la plus légère à la plus lourde : {a} → {b}", "Session, anaesthesia from least to most: {a} → {b}",
            a=", ".join(old.anaesthesia_order), b=", ".join(new.anaesthesia_order),
        )  # fmt: skip
        yield change("session.anaesthesia_order", at("anaesthesia_order"), what, Graded(MIXED, reason=_ORDER))


# ---- what cannot be, and what must hold ----


def impossible(of: Comparison) -> Iterator[Change]:
    """A patient who is refused is treated in no way: more that is impossible is stricter."""
    old = {entry.id: entry for entry in of.old.book.impossible}
    new = {entry.id: entry for entry in of.new.book.impossible}
    for at, (name, entry) in enumerate(new.items()):
        where = of.new.places.of("impossible.yaml", "impossible", at, "id")
        if name not in old:
            what = said("Impossible, ajouté : {w}", "Impossible, added: {w}", w=entry.because)
            yield change("impossible", where, what, Graded("tightening", reason=_REFUSED), of=name)
            continue
        before = old[name]
        if before.when != entry.when:
            told = joined([line(each, of.old.telling, of.new.telling) for each in lines(before.when, entry.when)])
            what = said("Impossible, {n} : {w}", "Impossible, {n}: {w}", n=name, w=told)
            yield change(
                "impossible", where, what, _narrower(of, of.proving.joint.old(before.when), entry.when), of=name
            )
        if before.because != entry.because:
            what = said(
                "Impossible, {n}, texte : {w}",
                "Impossible, {n}, text: {w}",
                n=name,
                w=arrow(before.because, entry.because),
            )
            yield change("impossible", where, what, WORDING, of=name)
    for at, (name, entry) in enumerate(old.items()):
        if name not in new:
            where = of.old.places.of("impossible.yaml", "impossible", at, "id")
            what = said("Impossible, retiré : {w}", "Impossible, removed: {w}", w=entry.because)
            yield change("impossible", where, what, Graded("loosening", reason=_ADMITTED), of=name, gone=True)


_REFUSED = Text("un dossier accepté jusqu’ici est refusé", "a referral accepted so far is refused")
_ADMITTED = Text("un dossier refusé jusqu’ici est accepté", "a referral refused so far is accepted")
_GUARDED = Text("ne change aucune réponse : ce qui doit être prouvé", "changes no answer: it is what must be proved")


def _narrower(of: Comparison, before: Node, after: Node) -> Graded:
    """The grade of a condition that binds: wider is stricter. Only certainty counts:

    what is merely unknown neither refuses a referral nor breaks an invariant."""
    wider, narrower = (of.proving.certain(a, b, anyone=True) for a, b in ((before, after), (after, before)))
    if wider == "proved" and narrower == "proved":
        return WORDING
    if wider == "proved" and narrower == "refuted":
        return Graded("tightening", reason=_REFUSED)
    if narrower == "proved" and wider == "refuted":
        return Graded("loosening", reason=_ADMITTED)
    return Graded(MIXED, reason=UNDECIDED if "undecided" in (wider, narrower) else None)


def invariants(of: Comparison) -> Iterator[Change]:
    old = {entry.id: entry for entry in of.old.book.invariants}
    new = {entry.id: entry for entry in of.new.book.invariants}
    for name, entry in new.items():
        where = f"invariants.yaml:{entry.line}"
        if name not in old:
            what = said("Invariant ajouté : {w}", "Invariant added: {w}", w=entry.because)
            yield change("invariant", where, what, Graded("tightening", reason=_GUARDED), of=name)
            continue
        yield from _invariant(of, old[name], entry, where)
    for name, entry in old.items():
        if name not in new:
            what = said("Invariant retiré : {w}", "Invariant removed: {w}", w=entry.because)
            yield change(
                "invariant",
                f"invariants.yaml:{entry.line}",
                what,
                Graded("loosening", reason=_GUARDED),
                of=name,
                gone=True,
            )


def _invariant(of: Comparison, before: Invariant, after: Invariant, where: str) -> Iterator[Change]:
    name = after.id
    if before.never != after.never:
        came, went = set(after.never) - set(before.never), set(before.never) - set(after.never)
        grade = Graded(
            MIXED if came and went else "tightening" if came else "loosening" if went else "wording", reason=_GUARDED
        )
        told = arrow(_statuses(before.never), _statuses(after.never))
        yield change(
            "invariant",
            where,
            said("Invariant {n}, jamais : {w}", "Invariant {n}, never: {w}", n=name, w=told),
            grade,
            of=name,
        )
    if (before.when, before.unless) != (after.when, after.unless):
        told = arrow(_guard(of.old.telling.node, before), _guard(of.new.telling.node, after))
        what = said("Invariant {n}, condition : {w}", "Invariant {n}, condition: {w}", n=name, w=told)
        yield change("invariant", where, what, _by_guard(of, before, after), of=name)
    if before.target != after.target:
        told = arrow(of.old.telling.target(before.target), of.new.telling.target(after.target))
        what = said("Invariant {n}, options : {w}", "Invariant {n}, options: {w}", n=name, w=told)
        yield change("invariant", where, what, Graded(MIXED, reason=_GUARDED), of=name)
    if before.because != after.because:
        what = said(
            "Invariant {n}, texte : {w}", "Invariant {n}, text: {w}", n=name, w=arrow(before.because, after.because)
        )
        yield change("invariant", where, what, WORDING, of=name)


def _statuses(never: Sequence[Status]) -> Text:
    return names([STATUS[status] for status in sorted(never, key=STATUSES.index)])


def _guard(told: Callable[[Node], Text], of: Invariant) -> Text:
    if of.when is not None:
        return said("tant que {w}", "while {w}", w=told(of.when))
    assert of.unless is not None
    return said("sauf si {w}", "unless {w}", w=told(of.unless))


def _by_guard(of: Comparison, before: Invariant, after: Invariant) -> Graded:
    """An invariant that binds in more patients is stricter: a wider `when`, a narrower `unless`."""
    if before.when is not None and after.when is not None:
        found = _narrower(of, of.proving.joint.old(before.when), after.when)
    elif before.unless is not None and after.unless is not None:
        found = _narrower(of, after.unless, of.proving.joint.old(before.unless))
    else:
        return Graded(MIXED, reason=_GUARDED)
    return Graded(found.grade, reason=found.reason if found.reason == UNDECIDED else _GUARDED)


# ---- what decides nothing ----


def sources(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.sources, of.new.book.sources
    for name, source in new.items():
        where = of.new.places.of("sources.yaml", name)
        if name not in old:
            what = said("Source ajoutée, {n} : {c}", "Source added, {n}: {c}", n=name, c=source.citation)
            yield change("source", where, what, Graded("evidence"), of=name)
        elif old[name] != source:
            told = [
                joined(
                    [Text(part, part) for part in (each.citation, each.where, each.supports, each.seen) if part], ", "
                )
                for each in (old[name], source)
            ]
            yield change(
                "source",
                where,
                said("Source {n} : {w}", "Source {n}: {w}", n=name, w=arrow(*told)),
                Graded("evidence"),
                of=name,
            )
    for name, source in old.items():
        if name not in new:
            what = said("Source retirée, {n} : {c}", "Source removed, {n}: {c}", n=name, c=source.citation)
            yield change("source", of.old.places.of("sources.yaml", name), what, Graded("evidence"), of=name, gone=True)


def traits(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.traits, of.new.book.traits
    for name, label in new.items():
        where = of.new.places.of("traits.yaml", name)
        if name not in old:
            yield change(
                "trait",
                where,
                said("Propriété déclarée : {t}", "Trait declared: {t}", t=quoted(label)),
                WORDING,
                of=name,
            )
        elif old[name] != label:
            yield change(
                "trait", where, said("Propriété : {w}", "Trait: {w}", w=arrow(old[name], label)), WORDING, of=name
            )
    for name, label in old.items():
        if name not in new:
            what = said("Propriété retirée : {t}", "Trait no longer declared: {t}", t=quoted(label))
            yield change("trait", of.old.places.of("traits.yaml", name), what, WORDING, of=name, gone=True)


_INFO = {
    "name": Text("nom", "name"),
    "version": Text("version", "version"),
    "effective": Text("date d’effet", "effective date"),
    "status": Text("état", "status"),
    "approved_by": Text("approuvé par", "approved by"),
    "timezone": Text("fuseau horaire", "time zone"),
    "label": Text("intitulé", "title"),
    "notice": Text("avertissement", "notice"),
}


def rulebook(of: Comparison) -> Iterator[Change]:
    for key, label in _INFO.items():
        before, after = (_shown(getattr(here.book.info, key)) for here in (of.old, of.new))
        if before != after:
            grade = WORDING
            if key == "timezone":
                grade = Graded(MIXED, reason=Text("les jours se comptent autrement", "days are counted otherwise"))
            what = said("Référentiel, {k} : {w}", "Rulebook, {k}: {w}", k=label, w=arrow(before, after))
            yield change("rulebook", of.new.places.of("rulebook.yaml", key), what, grade, of=key)
    known = {release.version for release in of.old.book.releases}
    for at, release in enumerate(of.new.book.releases):
        if release.version not in known:
            what = said(
                "Journal, version {v} : {w}", "Changelog, version {v}: {w}", v=release.version, w=release.changes
            )
            yield change(
                "changelog", of.new.places.of("changelog.yaml", "releases", at), what, WORDING, of=release.version
            )


def _shown(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return Text(text or "–", text or "–")


def review(of: Comparison) -> Iterator[Change]:
    old, new = of.old.book.review_by, of.new.book.review_by
    for file in sorted(old.keys() | new.keys()):
        before, after = old.get(file, "–"), new.get(file, "–")
        if before != after:
            what = said(
                "À relire avant le ({f}) : {a} → {b}", "To be read again by ({f}): {a} → {b}", f=file, a=before, b=after
            )
            here = of.new if file in new else of.old
            yield change("review_by", here.places.of(file, "review_by"), what, WORDING, of=file, gone=file not in new)


#: texts at the top of a file that nothing reads but its reader
_REMARKS = ("because", "label", "topic")


def remarks(of: Comparison) -> Iterator[Change]:
    """Titles and remarks of files that hold rules or lists."""
    for file, after in of.new.places.data.items():
        before = of.old.places.data.get(file)
        if (
            not isinstance(before, dict)
            or not isinstance(after, dict)
            or not ("topic" in after or file.count("/") == 0)
        ):
            continue
        for key in _REMARKS:
            if before.get(key) != after.get(key) and file not in (
                "site.yaml",
                "traits.yaml",
                "sources.yaml",
                "rulebook.yaml",
            ):
                what = said(
                    "{f}, {k} : {w}",
                    "{f}, {k}: {w}",
                    f=file,
                    k=key,
                    w=arrow(flat(before.get(key)), flat(after.get(key))),
                )
                yield change("remark", of.new.places.of(file, key), what, WORDING, of=file)
