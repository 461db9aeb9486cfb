"""The figures as text for a terminal."""

from collections.abc import Callable, Iterator, Mapping
from textwrap import fill
from typing import Final, Literal, TypeAlias

from service.cohort.running.record import Record
from service.cohort.summary.counting import PERCUTANEOUS
from service.cohort.summary.figures import WAYS, Cell, Figures
from service.cohort.summary.grid import WIDTH, grid
from service.cohort.summary.words import HIDDEN, Names
from service.language.vocabulary import Text
from service.rulebook.model import STATUSES

#: what the columns of statuses count
Counted: TypeAlias = Literal["lesions", "patients"]

_WORDS: Final = {
    "as_of": Text("au", "as of"),
    "synthetic": Text("DONNÉES SYNTHÉTIQUES : aucun patient réel", "SYNTHETIC DATA: no real patient"),
    "another": Text(
        "Attention : ce résultat vient d’un autre référentiel que celui-ci ; ce qu’il ne connaît pas porte son identifiant.",
        "Mind: this result comes from another rulebook than this one; what it does not know is called by its id.",
    ),
    "strangers": Text(
        "Règles inconnues ici, comptées nulle part :", "Rules that are unknown here, and are counted nowhere:"
    ),
    "ways": Text("Au moins un geste percutané", "At least one percutaneous procedure"),
    "first": Text("Première option", "First option"),
    "anaesthesia": Text("Anesthésie", "Anaesthesia"),
    "patients": Text("patients", "patients"),
    "lesions": Text("lésions", "lesions"),
    "options": Text("options", "options"),
    "alone_patients": Text("seul : patients", "alone: patients"),
    "alone_options": Text("seul : options", "alone: options"),
    "obstacles": Text("Ce qui s’oppose à une option indiquée", "What stands in the way of an indicated option"),
    "kind": Text("Nature", "Kind"),
    "questions": Text("Ce qui manque pour conclure", "What is missing to conclude"),
    "section": Text("Rubrique", "Section"),
    "problems": Text("Valeurs inutilisables", "Unusable values"),
    "why": Text("Pourquoi", "Why"),
    "number": Text("nombre", "number"),
    "refused": Text("Patients refusés", "Patients refused"),
    "unread": Text("Aucune colonne de la source ne donne :", "No column of the source gives:"),
    "more": Text(
        "… et {} autres : --top, --json ou --csv les donnent", "… and {} more: --top, --json or --csv give them"
    ),
    "row": Text("(ligne entière)", "(whole row)"),
    "indicated": Text(
        "Une option contre-indiquée ou suspendue n’est pas toujours indiquée par ailleurs ; les obstacles, eux, ne comptent que"
        " des options dont l’indication est établie.",
        "A contraindicated or suspended option is not always indicated otherwise; the obstacles count only options whose"
        " indication is established.",
    ),
}


def told(
    figures: Figures,
    record: Record,
    names: Names,
    *,
    top: int,
    counted: Counted = "lesions",
    same_rulebook: bool = True,
) -> str:
    """Everything on a few screens; the `top` first of the long lists."""
    return "\n".join(_Page(figures, record, names, top, counted, same_rulebook).lines())


class _Page:
    def __init__(
        self, figures: Figures, record: Record, names: Names, top: int, counted: Counted, same_rulebook: bool
    ) -> None:
        self._figures = figures
        self._record = record
        self._names = names
        self._top = top
        self._counted: Callable[[Cell], str] = names.lesions if counted == "lesions" else names.patients
        self._unit = counted
        self._same_rulebook = same_rulebook

    def _word(self, name: str) -> str:
        return self._names.say(_WORDS[name])

    def lines(self) -> Iterator[str]:
        yield from self._head()
        for part in (
            self._ways(),
            self._statuses(),
            self._firsts(),
            self._obstacles(),
            self._questions(),
            self._problems(),
            self._refused(),
            self._unread(),
        ):
            if part:
                yield ""
                yield from part
        yield ""
        yield from self._foot()

    def _head(self) -> Iterator[str]:
        names, cohort, identity = self._names, self._figures.cohort, self._record.identity
        yield (
            f"{names.number(cohort.patients)} {self._word('patients')}, {names.number(cohort.lesions)} {self._word('lesions')} "
            f"· {self._word('as_of')} {names.moment(identity.as_of)}"
        )
        yield f"{identity.rulebook} {identity.rulebook_version} ({identity.rulebook_status}) {identity.rulebook_digest[:12]}"
        if identity.synthetic:
            yield self._word("synthetic")
        if not self._same_rulebook:
            yield from self._wrapped(self._word("another"))
        if self._figures.strangers:
            yield from self._wrapped(f"{self._word('strangers')} {', '.join(self._figures.strangers)}")

    def _ways(self) -> list[str]:
        names, figures = self._names, self._figures

        def share(cell: Cell) -> str:
            return "" if cell is None else names.share(cell.patients, figures.cohort.patients)

        return grid(
            self._word("ways"),
            [self._word("patients"), "%", self._word("lesions")],
            [
                [
                    names.way(way),
                    names.patients(figures.ways[way]),
                    share(figures.ways[way]),
                    names.lesions(figures.ways[way]),
                ]
                for way in WAYS
            ],
        )

    def _statuses(self) -> list[str]:
        names = self._names
        known = names.rulebook.techniques
        # Percutaneous acts first; the alternatives after them.
        techniques = sorted(
            self._figures.techniques,
            key=lambda each: each.technique not in known or PERCUTANEOUS not in known[each.technique].traits,
        )
        table = grid(
            self._word(self._unit).capitalize(),
            [names.status(status, short=True) for status in STATUSES],
            [
                [names.technique(each.technique), *(self._counted(each.by_status[status]) for status in STATUSES)]
                for each in techniques
            ],
        )
        return [*table, *self._wrapped(self._word("indicated"))]

    def _firsts(self) -> list[str]:
        names = self._names
        rows = []
        for each in sorted(self._figures.techniques, key=lambda each: _descending(each.first)):
            if each.first == (0, 0):
                continue
            rows.append([names.technique(each.technique), "", names.patients(each.first), names.lesions(each.first)])
            if each.first is not None and set(each.anaesthesia) != {""}:
                rows += [
                    ["", names.anaesthesia(mode), names.patients(cell), names.lesions(cell)]
                    for mode, cell in sorted(each.anaesthesia.items(), key=lambda entry: _descending(entry[1]))
                ]
        return grid(
            self._word("first"), [self._word("anaesthesia"), self._word("patients"), self._word("lesions")], rows
        )

    def _obstacles(self) -> list[str]:
        names, shown = self._names, self._figures.obstacles[: self._top]
        heads = [self._word("kind"), self._word("patients"), self._word("lesions")]
        rows = [
            [names.rule(each.rule), names.kind(each.rule), names.patients(each.count), names.lesions(each.count)]
            for each in shown
        ]
        return [*grid(self._word("obstacles"), heads, rows), *self._more(len(self._figures.obstacles))]

    def _questions(self) -> list[str]:
        names, shown = self._names, self._figures.questions[: self._top]
        heads = ["section", "patients", "lesions", "options", "alone_patients", "alone_options"]
        rows = [
            [
                names.item(each.item),
                names.section(each.item),
                names.patients(each.count),
                names.lesions(each.count),
                names.number(each.options),
                names.patients(each.alone),
                names.number(each.alone_options),
            ]
            for each in shown
        ]
        table = grid(self._word("questions"), [self._word(head) for head in heads], rows)
        return [*table, *self._more(len(self._figures.questions))]

    def _problems(self) -> list[str]:
        names, shown = self._names, self._figures.problems[: self._top]
        rows = [
            [
                names.item(each.item) if each.item else self._word("row"),
                names.problem(each.problem),
                names.number(each.number),
            ]
            for each in shown
        ]
        table = grid(self._word("problems"), [self._word("why"), self._word("number")], rows)
        return [*table, *self._more(len(self._figures.problems))]

    def _refused(self) -> list[str]:
        refused: Mapping[str, int | None] = self._figures.refused
        rows = [[self._names.reason(reason), self._names.number(number)] for reason, number in refused.items()]
        return grid(self._word("refused"), [self._word("patients")], rows)

    def _unread(self) -> list[str]:
        if not self._figures.unread:
            return []
        items = ", ".join(self._names.item(item) for item in self._figures.unread)
        return self._wrapped(f"{self._word('unread')} {items}")

    def _foot(self) -> Iterator[str]:
        smallest = self._figures.smallest
        if smallest > 1:
            yield from self._wrapped(f"{HIDDEN}  {hidden_note(self._names, smallest)}")
        yield from self._wrapped(self._names.say(self._names.rulebook.info.notice))

    def _more(self, number: int) -> list[str]:
        return [self._word("more").format(number - self._top)] if number > self._top else []

    def _wrapped(self, text: str) -> list[str]:
        return fill(text, WIDTH, break_on_hyphens=False).split("\n")


def hidden_note(names: Names, smallest: int) -> str:
    """What is not told, and why."""
    return names.say(
        Text(
            f"effectif masqué : moins de {smallest} patients, ou permettrait de déduire un tel effectif.",
            f"count hidden: fewer than {smallest} patients, or would tell such a count.",
        )
    )


def _descending(cell: Cell) -> tuple[int, int]:
    """The largest first, what is hidden last."""
    return (0, 0) if cell is None else (-cell.patients, -cell.lesions)
