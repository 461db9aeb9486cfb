"""Every way in which one value of the rule files can be changed by one step."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from service.rulebook.model import MODE_KINDS, Rulebook
from service.rulebook.source import Document, Keys
from service.workbench.mutation.claims import of_claim
from service.workbench.mutation.conditions import Conditions
from service.workbench.mutation.mutant import Change, Mutant
from service.workbench.mutation.scores import of_score
from service.workbench.mutation.settings import of_checklist, of_item, of_ranking, of_session, of_setting
from service.workbench.mutation.techniques import of_technique

#: the lists of a rule file in which rules, or what is written like them, stand
_LISTS = ("rules", "indications", "favours", "contraindications", "impossible")


def all_mutants(documents: Mapping[str, tuple[str, Document]], rulebook: Rulebook) -> list[Mutant]:
    """Every mutant of every file; `documents` holds (kind, document) by file name."""
    maker = _Maker(rulebook)
    return [
        mutant
        for name in sorted(documents)
        for mutant in maker.of(*documents[name])
        if mutant.what.partition(" → ")[0] != mutant.what.partition(" → ")[2]
    ]


class _Maker:
    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.conditions = Conditions(rulebook.vocabulary.items, rulebook.settings)

    def of(self, kind: str, document: Document) -> Iterator[Mutant]:
        by_kind: dict[str, Callable[[Document], Iterator[Mutant]]] = {
            "topic": self.rules,
            "technique": self.technique,
            **dict.fromkeys(MODE_KINDS, self.rules),
            "impossible": self.rules,
            "score": self.score,
            "vocabulary": self.vocabulary,
            "site": self.site,
            "checklist": self.checklist,
            "ranking": lambda document: self.make(document, "ranking", (), of_ranking(document.data)),
            "session": lambda document: self.make(document, "session", (), of_session(document.data)),
        }
        if kind in by_kind:
            yield from by_kind[kind](document)

    def make(self, document: Document, owner: str, base: Keys, changes: Iterable[Change]) -> Iterator[Mutant]:
        for keys, kind, what, value in changes:
            place = (*base, *keys)
            while place and place not in document.places:
                place = place[:-1]
            line = document.places.get(place, (1, 1))[0]
            yield Mutant(kind, document.name, line, owner, (*base, *keys), value, what)

    def rules(self, document: Document) -> Iterator[Mutant]:
        for section in _LISTS:
            for at, entry in enumerate(document.data.get(section) or []):
                base = (section, at)
                below = self.conditions.of(entry["when"], ("when",))
                yield from self.make(document, entry["id"], base, below)
                if section != "impossible":
                    yield from self.make(document, entry["id"], base, of_claim(entry, self.rulebook))

    def technique(self, document: Document) -> Iterator[Mutant]:
        yield from self.rules(document)
        changes = of_technique(document.data, self.rulebook)
        yield from self.make(document, document.data["technique"], (), changes)

    def score(self, document: Document) -> Iterator[Mutant]:
        changes = of_score(document.data, self.conditions)
        yield from self.make(document, f"score.{document.data['score']}", (), changes)

    def vocabulary(self, document: Document) -> Iterator[Mutant]:
        for name, entry in document.data["items"].items():
            yield from self.make(document, name, ("items", name), of_item(entry))

    def site(self, document: Document) -> Iterator[Mutant]:
        for name, entry in document.data.items():
            yield from self.make(document, name, (name,), of_setting(entry))

    def checklist(self, document: Document) -> Iterator[Mutant]:
        changes = of_checklist(document.data["items"], self.rulebook.vocabulary.items)
        yield from self.make(document, "checklist", (), changes)
