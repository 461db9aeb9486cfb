"""Finding a rule among some hundreds: by its id, by words of what it says, by topic, by technique."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from service.rulebook.model import Rule, Rulebook
from service.workbench.site.teller import Teller


@dataclass(frozen=True)
class Index:
    """The words of every rule, without accents or capitals, in both languages."""

    rulebook: Rulebook

    @cached_property
    def _words(self) -> Mapping[str, str]:
        tellers = [Teller(self.rulebook, language) for language in ("fr", "en")]
        return {name: fold(" ".join(_told(rule, tellers))) for name, rule in self.rulebook.rules.items()}

    def find(self, text: str, topic: str | None, among: frozenset[str] | None) -> list[Rule]:
        """Rules that hold every word of `text`, in the order of the files; those of `topic`, those of `among`."""
        wanted = fold(text).split()
        return [
            rule
            for rule in sorted(self.rulebook.rules.values(), key=lambda rule: (rule.topic, rule.file, rule.line))
            if (topic is None or rule.topic == topic)
            and (among is None or rule.id in among)
            and all(word in self._words[rule.id] for word in wanted)
        ]


def _told(rule: Rule, tellers: list[Teller]) -> list[str]:
    told = [rule.id, rule.file, rule.because.fr, rule.because.en]
    for text in (rule.label, rule.precaution, rule.action):
        told += [text.fr, text.en] if text else []
    for teller in tellers:
        told += [teller.claim(rule), teller.consequence(rule), teller.line(rule.when)]
    return told


def fold(text: str) -> str:
    """Small letters without accents: «Épidurite» is found by «epidur»."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).replace("’", "'")
