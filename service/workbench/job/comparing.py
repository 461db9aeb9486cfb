"""What a draft changes: in words, by proof, and for the patients of the cases and others near them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from service.language.scores import items_read
from service.language.tree import items_of, leaves, scores_of
from service.language.vocabulary import Text, Vocabulary
from service.prove.prover import Prover
from service.rulebook.model import Rule, Rulebook
from service.tell.words import STATUS
from service.workbench import diff, flows
from service.workbench.cases import CaseFile, read_cases
from service.workbench.cohort import CohortError, fixtures, varied
from service.workbench.impact import Impact, Moved, Subject, impact
from service.workbench.job.order import LOADING, Order, Progress
from service.workbench.job.outcome import Outcome, Point, Row, same

#: referrals made from the cases, with other values of what the changed rules read
_VARIED = 150
_CASES = Text("Cas du comité", "The committee’s cases")
_VARIATIONS = Text(
    "Variantes de ces cas, sur ce que lisent les règles changées",
    "Variations of these cases, in what the changed rules read",
)
#: seconds for one question on which way a rule moved
_PATIENCE = 5.0
_MOST_EXAMPLES = 8
_COMPARING = Text("Comparaison des règles, par preuve", "Comparing the rules, by proof")
_DECIDING = Text("Cas décidés sous les deux référentiels", "Referrals decided under both rulebooks")
_NOTHING = Text("–", "–")
_COLUMNS = (Text("Quoi", "What"), Text("En service", "In use"), Text("Brouillon", "Draft"))


def compare(order: Order, progress: Progress) -> Outcome:
    """Every change graded by proof, and who gets another answer. Raises RulebookError, SelfTestError, OSError."""
    progress(0, 1, LOADING)
    old, new = order.used, order.rulebook
    if old.digest == new.digest:
        return Outcome(
            None,
            Text(
                "Le brouillon dit la même chose que les règles en service : rien ne change pour personne.",
                "The draft says the same as the rules in use: nothing changes for anybody.",
            ),
        )
    # Before any comparison: a draft with which no engine decides has no impact.
    assert order.decider.rulebook is new
    progress(0, 1, _COMPARING)
    found = diff.compare(
        old, new, lambda book: Prover(book, patience=_PATIENCE), old_files=order.present, new_files=order.files
    )
    groups = _groups(order, progress)
    points = [*_changes(order, found), *_flows(groups, (old, new)), *_examples(order, groups)]
    books = (old, new)
    moved = any(group.impact.moved for group in groups)
    picture = Text(flows.picture(groups, books, "fr"), flows.picture(groups, books, "en")) if moved else None
    return Outcome(None, _headline(found, groups), tuple(points), _COLUMNS, picture)


def _groups(order: Order, progress: Progress) -> list[flows.Group]:
    books = order.used, order.rulebook
    try:
        bases = fixtures(order.cases, books[1].info.timezone)
    except CohortError as error:
        raise OSError(str(error)) from error
    near = tuple(_narrowed(book, _changed_rules(*books)) for book in books)
    asked = (("cases", _CASES, bases), ("variations", _VARIATIONS, varied(bases, near, _VARIED)))
    total = sum(len(subjects) for _, _, subjects in asked)
    found, before = [], 0
    for key, name, subjects in asked:
        found.append(flows.Group(key=key, name=name, impact=_impact(books, subjects, before, total, progress)))
        before += len(subjects)
    return found


def _changed_rules(old: Rulebook, new: Rulebook) -> frozenset[str]:
    """Rules that are not the same in both, wherever they stand in their file."""

    def said(book: Rulebook, name: str) -> Rule | None:
        return replace(book.rules[name], line=0) if name in book.rules else None

    return frozenset(name for name in old.rules.keys() | new.rules.keys() if said(old, name) != said(new, name))


def _narrowed(book: Rulebook, rules: frozenset[str]) -> Rulebook:
    """The rulebook with the words that these rules read, and their limits, alone: near them answers may differ.

    The whole rulebook when they read nothing, or none of them changed (a score, the vocabulary, a setting did).
    """
    bound = tuple(each for each in book.bound if each.rule.id in rules)
    criteria = [leaf for each in bound for leaf in leaves(each.when)]
    read = {item for leaf in criteria for item in items_of(leaf)}
    for leaf in criteria:
        for name in scores_of(leaf):
            read |= items_read(book.scores[name], book.scores)
    if not read:
        return book
    words = Vocabulary({name: book.vocabulary[name] for name in sorted(read)}, book.vocabulary.sections)
    return replace(book, vocabulary=words, bound=bound, scores={})


def _impact(
    books: tuple[Rulebook, Rulebook], subjects: list[Subject], before: int, total: int, progress: Progress
) -> Impact:
    return impact(*books, subjects, progress=lambda done, of: progress(before + done, total, _DECIDING))


def _headline(found: diff.Diff, groups: list[flows.Group]) -> Text:
    grade = diff.GRADE_WORDS[found.overall]
    cases = groups[0].impact
    count, others = len(cases.moved), len(groups[1].impact.moved)
    of = groups[1].impact.subjects
    return Text(
        f"Dans l’ensemble : {grade.fr}. {_of(count, cases.subjects, 'cas du comité', 'fr')}, "
        f"et {others} de leurs {of} variantes sur ce que lisent les règles changées.",
        f"Taken together: {grade.en}. {_of(count, cases.subjects, 'committee cases', 'en')}, "
        f"and {others} of their {of} variations in what the changed rules read.",
    )


def _of(count: int, of: int, what: str, language: str) -> str:
    if language == "en":
        return f"{count} of {of} {what} {'gets' if count == 1 else 'get'} another answer"
    return f"{count} sur {of} {what} {'reçoivent' if count > 1 else 'reçoit'} une autre réponse"


def _changes(order: Order, found: diff.Diff) -> Iterator[Point]:
    for change in sorted(found.changes, key=lambda change: -diff.GRADES.index(change.grade)):
        file, _, line = change.where.rpartition(":")
        grade = diff.GRADE_WORDS[change.grade]
        text = grade
        if change.reason is not None:
            text = Text(f"{grade.fr} ({change.reason.fr})", f"{grade.en} ({change.reason.en})")
        patients = []
        if change.witness is not None and change.at is not None:
            name = Text("Un patient pour qui cela change", "A patient for whom it changes")
            patients.append(order.patient(name, change.witness, change.at))
        if change.other is not None and change.other.at is not None:
            name = Text("Un patient traité plus strictement", "A patient treated more strictly")
            patients.append(order.patient(name, change.other.referral, change.other.at))
        yield Point(
            # What is not surely stricter is worth a second look.
            "notice" if diff.GRADES.index(change.grade) > diff.GRADES.index("tightening") else "good",
            change.what,
            text,
            file=file,
            line=int(line),
            rules=(change.of,) if change.of in order.rulebook.rules else (),
            patients=tuple(patients),
        )


def _flows(groups: list[flows.Group], books: tuple[Rulebook, Rulebook]) -> Iterator[Point]:
    """The numbers of the picture, for whoever does not see it."""
    for group in groups:
        of = group.impact
        firsts = [(pair, count) for pair, count in of.firsts.items() if pair[0] != pair[1]]
        rows = [
            Row(
                Text(f"première option, {count}\u00a0×", f"first option, {count}\u00a0×"),
                _technique(pair[0], books),
                _technique(pair[1], books),
            )
            for pair, count in sorted(firsts, key=lambda entry: -entry[1])
        ]
        rows += [
            Row(Text(f"statut, {count}\u00a0×", f"status, {count}\u00a0×"), _status(pair[0]), _status(pair[1]))
            for pair, count in sorted(of.statuses.items(), key=lambda entry: -entry[1])
        ]
        if rows:
            yield Point("notice", group.name, rows=tuple(rows))


def _examples(order: Order, groups: list[flows.Group]) -> Iterator[Point]:
    books = order.used, order.rulebook
    cases, _ = read_cases(order.cases)
    left = _MOST_EXAMPLES
    for group in groups:
        for moved in group.impact.examples(left):
            left -= 1
            title = _titled(moved.subject, cases)
            patient = order.patient(title, moved.subject.referral, moved.subject.at.isoformat())
            yield Point("notice", title, rows=tuple(_rows(moved, books)), patients=(patient,))


def _titled(subject: Subject, cases: Mapping[str, CaseFile]) -> Text:
    """What the case is called; of a variation, whose it is."""
    _, number, base = subject.name.split("-", 2) if subject.synthetic else ("", "", subject.name)
    told = cases[base].data.get("name", {}) if base in cases and isinstance(cases[base].data, dict) else {}
    fr, en = told.get("fr", base), told.get("en", base)
    return Text(f"Variante {number} de : {fr}", f"Variation {number} of: {en}") if subject.synthetic else Text(fr, en)


def _rows(moved: Moved, books: tuple[Rulebook, Rulebook]) -> Iterator[Row]:
    said = (Text("acceptée", "accepted"), Text("refusée", "refused"))
    if moved.refused[0] != moved.refused[1]:
        yield Row(Text("demande", "referral"), said[moved.refused[0]], said[moved.refused[1]])
    for lesion, pair in moved.firsts.items():
        what = Text(f"{lesion} : première option", f"{lesion}: first option")
        yield Row(what, _technique(pair[0], books), _technique(pair[1], books))
    for (lesion, technique), pair in moved.statuses.items():
        label = _technique(technique, books)
        yield Row(Text(f"{lesion} : {label.fr}", f"{lesion}: {label.en}"), _status(pair[0]), _status(pair[1]))
    for alerts, before, after in ((moved.raised, "–", "✓"), (moved.lowered, "✓", "–")):
        for alert in alerts:
            yield Row(_alert(alert, books), same(before), same(after))


def _technique(name: str | None, books: tuple[Rulebook, Rulebook]) -> Text:
    for book in reversed(books):
        if name is not None and name in book.techniques:
            return book.techniques[name].label
    return _NOTHING


def _alert(name: str, books: tuple[Rulebook, Rulebook]) -> Text:
    for book in reversed(books):
        label = book.rules[name].label if name in book.rules else None
        if label is not None:
            return Text(f"alerte : {label.fr}", f"alert: {label.en}")
    return same(name)


def _status(name: str | None) -> Text:
    return STATUS[name] if name is not None else _NOTHING
