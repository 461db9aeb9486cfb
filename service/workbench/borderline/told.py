"""A borderline case in one plain sentence, in French or in English."""

from collections.abc import Sequence
from typing import Any

from service.language.vocabulary import Item, Text
from service.rulebook.model import Rule, Rulebook
from service.tell.phrases import Phrases
from service.tell.words import POSITION, duration, listed, lower_first, number, sentence, typeset, unit
from service.workbench.borderline.case import UNKNOWN, Case, compact
from service.workbench.site.teller import Teller
from service.workbench.tables.patients import Given


class Telling:
    """Words the cases of one rulebook in one language."""

    def __init__(self, rulebook: Rulebook, language: str) -> None:
        self._rulebook = rulebook
        self._language = language
        self._phrases = Phrases(rulebook.vocabulary, rulebook.scores, language)

    def say(self, fr: str, en: str) -> str:
        return en if self._language == "en" else fr

    def _set(self, text: str) -> str:
        return text if self._language == "en" else typeset(text)

    def follows(self, rule: Rule) -> str:
        """What follows when the rule holds: «Écarter : tout acte de type « ciment »»."""
        return sentence(Teller(self._rulebook, self._language).consequence(rule))

    def undecisive(self, criterion: str) -> str:
        """That no patient turns on a criterion."""
        return self._set(
            self.say(
                f"« {criterion} » ne fait basculer la règle chez aucun patient possible : "
                "ce critère clôt la question quand le reste est inconnu, ou guide la lecture.",
                f"No possible patient turns on «{criterion}»: "
                "it closes the question while the rest is not known, or guides the reader.",
            )
        )

    # ---- the case ----

    def case(self, case: Case) -> str:
        """«Plaquettes 49 G/L : la règle s’applique ; 50 G/L : elle ne s’applique pas ; non connu : elle reste ouverte.»"""
        colon, semicolon = self.say(" : ", ": "), self.say(" ; ", "; ")
        holds, fails = self._side(case, case.yes, case.no), self._side(case, case.no, case.yes)
        sides = [
            f"{holds}{colon}{self.say('la règle s’applique', 'the rule holds')}",
            f"{fails}{colon}{self.say('elle ne s’applique pas', 'it does not')}",
        ]
        if self._is_the_rest(case, case.yes, case.no):
            # «Any other» is only understood after what it is other than.
            sides = [
                f"{fails}{colon}{self.say('la règle ne s’applique pas', 'the rule does not hold')}",
                f"{holds}{colon}{self.say('elle s’applique', 'it does')}",
            ]
        if case.unknown is not None:
            sides.append(f"{self._open(case)}{colon}{self.say('elle reste ouverte', 'it stays open')}")
        told = f"{self._opening(case)}{semicolon.join(sides)}"
        if case.beside:
            told += self.say(", chez un patient par ailleurs avec ", ", in a patient otherwise with ")
            told += self.patient(case.beside)
        return self._set(sentence(told))

    def _opening(self, case: Case) -> str:
        """What the sentence is about; of one lesion among several, the others."""
        others = self._lesions_beside(case)
        if others:
            told = self._lesions(others)
            return self.say(f"À côté de lésions ({told}), une de plus ", f"Beside lesions ({told}), one more ")
        return f"{self._subject(case.on)}{self._joint(case.on)}"

    def _these_lesions(self, case: Case, value: Sequence[Given]) -> str:
        """One patient's lesions, without those told already."""
        told_already = len(self._lesions_beside(case))
        return self._lesions(value[told_already:], counted=not told_already)

    @staticmethod
    def _lesions_beside(case: Case) -> list[Given]:
        """The lesions that are the same on both sides, when only one more differs."""
        if case.on != "lesions":
            return []
        same: list[Given] = case.yes[0][:-1]
        alike = all(lesions[:-1] == same for lesions in (*case.yes, *case.no, case.unknown or case.no[0]))
        return same if alike else []

    def patient(self, given: Given) -> str:
        """«siège vertèbre, douleur 6 et mécanique oui»."""
        return listed([self._named(name, value) for name, value in given.items()], self._language)

    def _named(self, name: str, value: Any) -> str:
        # The name of a score is a title in English.
        titled = name.startswith("score.") and self._language == "en"
        subject = self._subject(name) if titled else lower_first(self._subject(name))
        return f"{subject}{self.say(' : ', ': ') if self._joint(name) == ', ' else ' '}{self.value(name, value)}"

    def _subject(self, name: str) -> str:
        if name == "lesions":
            return self.say("Lésions du patient", "Lesions of the patient")
        if name.startswith("score."):
            return self._rulebook.scores[name.removeprefix("score.")].label.in_(self._language)
        if name.startswith("technique."):
            timed = name.endswith("duration")
            return self.say("Durée du geste", "Duration of the act") if timed else self.say("Position", "Position")
        return self._rulebook.vocabulary[name].label.in_(self._language)

    def _joint(self, name: str) -> str:
        """Between a name and its value: a number follows at once."""
        measured = name.startswith("score.") or name == "technique.duration"
        return " " if measured or (name in self._rulebook.vocabulary and self._item(name).type == "number") else ", "

    def _item(self, name: str) -> Item:
        return self._rulebook.vocabulary[name]

    # ---- values ----

    def _side(self, case: Case, values: Sequence[Any], others: Sequence[Any]) -> str:
        """All values of one side."""
        if self._is_the_rest(case, values, others):
            return self.say("toute autre réponse", "any other answer")
        if case.on == "lesions":
            return self._alternatives([self._these_lesions(case, value) for value in compact(values)])
        return self._alternatives([self.value(case.on, value) for value in values])

    def _is_the_rest(self, case: Case, values: Sequence[Any], others: Sequence[Any]) -> bool:
        """Whether one side is every word that is not on the other, and there are several."""
        item = self._rulebook.vocabulary.items.get(case.on)
        if item is None or item.type != "choice" or len(values) <= max(1, len(others)):
            return False
        return {*values, *others} == set(item.choices)

    def _open(self, case: Case) -> str:
        if case.unknown == UNKNOWN:
            return self.say("non connu", "not known")
        if case.on == "lesions":
            return self._these_lesions(case, case.unknown)
        return self.value(case.on, case.unknown)

    def _alternatives(self, values: Sequence[str]) -> str:
        return listed(list(values), self._language, Text("ou", "or"))

    def value(self, name: str, value: Any) -> str:
        """A value as tables write it, in words."""
        if name.startswith("score."):
            return self._score(name.removeprefix("score."), value)
        if name == "technique.duration":
            return f"{number(value, self._language)} min"
        if name.startswith("technique."):
            return POSITION[value].in_(self._language)
        if name == "lesions":
            return self._lesions(value)
        item = self._item(name)
        match item.type:
            case "number":
                return f"{number(value, self._language)} {unit(item.unit, self._language)}".strip()
            case "flag":
                return self.say("oui", "yes") if value else self.say("non", "no")
            case "choice":
                return self._choice(item, value)
            case "set":
                return self._list(item, value)
            case "moment":
                return self._moment(value)

    def _choice(self, item: Item, value: str | list[str]) -> str:
        """One word, or several in turn; most of them are told by what they are not."""
        named = [value] if isinstance(value, str) else value
        missing = frozenset(word for word in item.choices if word not in named)
        if len(named) > len(missing) > 0:
            return f"{self.say('autre que', 'other than')} {self._phrases.words(item.id, missing)}"
        return self._alternatives([lower_first(item.choices[word].in_(self._language)) for word in named])

    def _score(self, name: str, value: Any) -> str:
        read = unit(self._rulebook.scores[name].unit, self._language)
        if isinstance(value, list):
            low, high = (number(end, self._language) for end in value)
            return self.say(
                f"entre {low} et {high} {read}, des éléments manquant".replace("  ", " "),
                f"between {low} and {high} {read}, with parts missing".replace("  ", " "),
            )
        return f"{number(value, self._language)} {read}".strip()

    def _list(self, item: Item, value: list[str]) -> str:
        """A list is complete: what it does not hold is told when it holds most words."""
        missing = [word for word in item.choices if word not in value]
        if not value:
            return self.say("aucun", "none")
        if len(value) > len(missing):
            without = self._phrases.words(item.id, frozenset(missing)) if missing else ""
            return self.say(f"liste complète sans {without}", f"a complete list without {without}")
        return listed([lower_first(item.choices[word].in_(self._language)) for word in value], self._language)

    def _moment(self, value: str) -> str:
        if value.startswith("D-"):
            return self.say(f"à J-{value[2:]}", f"on {value}")
        count, of = value.split()
        elapsed = f"{count} h" if of == "h" else duration(float(count) * 24, self._language)
        elapsed = f"{count} {self.say('jours', 'days')}" if of == "d" else elapsed
        return self.say(f"il y a {elapsed}", f"{elapsed} ago")

    def _lesions(self, value: Sequence[Given], *, counted: bool = True) -> str:
        """«3 avec siège : vertèbre et douleur 6, et 1 dont rien n’est connu»; of a single one not the number."""
        told = []
        for lesion in value:
            described = self.patient({name: given for name, given in lesion.items() if name != "count"})
            count = f"{lesion.get('count', 1)} " if counted else ""
            nothing = self.say("dont rien n’est connu", "of which nothing is known")
            told.append(f"{count}{self.say('avec', 'with')} {described}" if described else f"{count}{nothing}")
        return self.say(", et ", ", and ").join(told)
