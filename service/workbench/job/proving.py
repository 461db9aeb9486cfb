"""What holds of every patient under a draft."""

from collections import Counter

from service.language.vocabulary import Text
from service.prove.prover import PATIENCE
from service.prove.question import KINDS, Question
from service.prove.questions import Finding, all_questions, prove
from service.prove.remembered import Remembered
from service.rulebook.model import Rulebook
from service.tell.words import lower_first
from service.workbench.job.order import LOADING, Order, Progress
from service.workbench.job.outcome import Grade, Outcome, Point, same

_ASKING = Text("Questions posées sur tous les patients possibles", "Questions asked of every possible patient")
_GRADES: dict[str, Grade] = {"fault": "fault", "open": "notice", "notice": "notice", "declared": "good"}
#: patients told for one claim
_MOST_PATIENTS = 3
_ANSWERS: dict[str, Text] = {
    "fault": Text("Contredit", "Contradicted"),
    "open": Text("Non tranché", "Not decided"),
    "notice": Text("Ne tient pas, pour information", "Does not hold, for information"),
    "declared": Text("Exception déclarée", "Declared exception"),
}
_OPEN = Text("Non tranché dans le temps imparti.", "Not decided in the time allowed.")


def proof(order: Order, progress: Progress) -> Outcome:
    """Every question that the draft may answer otherwise than the rules in use: the others have the same answer.

    An unchanged text asks them all. Raises RulebookError, SelfTestError.
    """
    progress(0, 1, LOADING)
    book = order.rulebook
    asked = all_questions(book)
    wanted = asked if order.files == dict(order.present) else _touched(asked, book, order.used)
    found = []
    if wanted:
        found = prove(
            book,
            only=[question.id for question in wanted],
            progress=lambda done, of: progress(done, of, _ASKING),
        )
    faults = [finding for finding in found if finding.grade == "fault"]
    still_open = [finding for finding in found if finding.grade == "open"]
    points = _points(order, found)
    if found:
        points.append(_summary(found))
    return Outcome(
        not faults and not still_open, _headline(len(found), len(asked), len(faults), len(still_open)), tuple(points)
    )


def _touched(asked: list[Question], new: Rulebook, old: Rulebook) -> list[Question]:
    """The questions that the rules in use do not ask word for word, over the same items and scores."""
    before = Remembered(None, old, PATIENCE)
    known = {(before.key(question), question.declared) for question in all_questions(old)}
    now = Remembered(None, new, PATIENCE)
    return [question for question in asked if (now.key(question), question.declared) not in known]


def _headline(count: int, of: int, faults: int, still_open: int) -> Text:
    others = of - count
    rest = Text(
        f" Les {others} autres sont les mêmes que celles des règles en service." if others else "",
        f" The other {others} are the same as those of the rules in use." if others else "",
    )
    if not count:
        return Text(
            f"Le brouillon ne change aucune des {of} questions posées aux règles : rien à prouver de nouveau.",
            f"The draft changes none of the {of} questions asked of the rules: nothing new to prove.",
        )
    if not faults and not still_open:
        return Text(
            f"{count} question{'s' if count > 1 else ''} que le brouillon touche : aucune contradiction, aucun danger, sur tous les "
            f"patients possibles.{rest.fr}",
            f"{count} question{'s' if count > 1 else ''} that the draft touches: no contradiction, no danger, over every possible "
            f"patient.{rest.en}",
        )
    fr, en = [], []
    if faults:
        fr.append(f"{faults} {'sont contredites' if faults > 1 else 'est contredite'} par un patient")
        en.append(f"{faults} {'are' if faults > 1 else 'is'} contradicted by a patient")
    if still_open:
        fr.append(
            f"{still_open} {'ne sont pas tranchées' if still_open > 1 else 'n’est pas tranchée'} dans le temps imparti"
        )
        en.append(f"{still_open} {'are' if still_open > 1 else 'is'} not decided in the time allowed")
    return Text(
        f"Sur {count} question{'s' if count > 1 else ''} que le brouillon touche, {', '.join(fr)}.{rest.fr}",
        f"Of {count} question{'s' if count > 1 else ''} that the draft touches, {', '.join(en)}.{rest.en}",
    )


def _points(order: Order, found: list[Finding]) -> list[Point]:
    """What is not as it should be, one point for each claim: the same one may be asked of every technique."""
    groups: dict[tuple[str, Grade], list[Finding]] = {}
    for finding in found:
        if finding.grade in _GRADES:
            groups.setdefault((finding.claim.fr, _GRADES[finding.grade]), []).append(finding)
    order_of = ("fault", "notice", "good")
    return [
        _point(order, grade, group)
        for (_, grade), group in sorted(groups.items(), key=lambda it: order_of.index(it[0][1]))
    ]


def _point(order: Order, grade: Grade, group: list[Finding]) -> Point:
    first = group[0]
    file, _, line = first.where.rpartition(":")
    texts = {"fault": first.advice, "open": _OPEN, "notice": first.advice, "declared": first.declared}
    subjects = dict.fromkeys(name for finding in group for name in finding.subjects)
    names = [label for name in subjects if (label := _label(order.rulebook, name)) is not None]
    about = Text(", ".join(name.fr for name in names), ", ".join(name.en for name in names))
    patients = [
        order.patient(_shown(order.rulebook, finding), finding.witness, finding.at)
        for finding in group
        if finding.witness is not None and finding.at is not None
    ][:_MOST_PATIENTS]
    return Point(
        grade,
        Text(f"{_ANSWERS[first.grade].fr} : {first.claim.fr}", f"{_ANSWERS[first.grade].en}: {first.claim.en}"),
        texts[first.grade],
        file=file or None,
        line=int(line) if file else None,
        rules=tuple(name for name in subjects if name in order.rulebook.rules),
        lines=(about,) if len(names) > 1 else (),
        patients=tuple(patients),
    )


def _shown(book: Rulebook, finding: Finding) -> Text:
    """«Un patient qui le montre : cyphoplastie»."""
    names = [book.techniques[name].label for name in finding.subjects if name in book.techniques]
    if not names:
        return Text("Un patient qui le montre", "A patient who shows it")
    return Text(
        f"Un patient qui le montre : {', '.join(lower_first(name.fr) for name in names)}",
        f"A patient who shows it: {', '.join(lower_first(name.en) for name in names)}",
    )


def _label(book: Rulebook, name: str) -> Text | None:
    """What a technique or a mode is called; of anything else, nothing."""
    if name in book.techniques:
        return book.techniques[name].label
    return next((mode.label for (_, of), mode in book.modes.items() if of == name), None)


def _summary(found: list[Finding]) -> Point:
    """How many of each kind are as they should be."""
    asked = Counter(finding.kind for finding in found)
    fine = Counter(finding.kind for finding in found if finding.grade == "fine")
    lines = [
        Text(f"{KINDS[kind].fr} : {fine[kind]} / {asked[kind]}", f"{KINDS[kind].en}: {fine[kind]} / {asked[kind]}")
        for kind in KINDS
        if asked[kind]
    ]
    seconds = round(sum(finding.seconds for finding in found), 1)
    title = Text("Ce qui a été demandé, et prouvé", "What was asked, and proved")
    return Point("good", title, same(f"{seconds:g} s"), lines=tuple(lines))
