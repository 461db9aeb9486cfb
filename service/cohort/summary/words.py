"""What figures are called: words of the rulebook and of this summary, in French or English."""

from datetime import datetime
from typing import Final

from service.cohort.settle.problems import MEANINGS
from service.cohort.summary.figures import Cell, Number, Way
from service.language.vocabulary import Text
from service.rulebook.model import ModeKind, Rulebook, Status
from service.tell.words import STATUS, day, lower_first, typeset

WAY: Final[dict[Way, Text]] = {
    "now": Text("possible maintenant", "possible now"),
    "later": Text("possible après un délai", "possible after a delay"),
    "questions": Text("à préciser d’abord", "questions to settle first"),
    "suspended": Text("suspendu par une alerte", "suspended by an alert"),
    "ruled_out": Text("contre-indiqué", "contraindicated"),
    "not_indicated": Text("aucune indication établie", "no indication established"),
}
#: a status in a narrow place
_SHORT: Final[dict[Status, Text]] = {
    "provisional": Text("sous réserve", "to verify"),
    "cautioned": Text("avec précautions", "with precautions"),
    "preempted": Text("suspendu", "suspended"),
}
KIND: Final[dict[str, Text]] = {
    "alert": Text("alerte", "alert"),
    "correctable": Text("corrigeable", "correctable"),
    "final": Text("non corrigeable", "not correctable"),
}
#: how counts are grouped: by a space that is narrow and unbreakable, or by a comma
_GROUP: Final = {"fr": "\u202f", "en": ","}
#: instead of a count that is hidden
HIDDEN: Final = "*"


class Names:
    """Names in one language. What the rulebook does not know is called by its id."""

    def __init__(self, rulebook: Rulebook, language: str) -> None:
        self.rulebook = rulebook
        self.language = language

    def say(self, text: Text) -> str:
        return typeset(text.in_(self.language)) if self.language == "fr" else text.en

    def technique(self, name: str) -> str:
        known = self.rulebook.techniques.get(name)
        return self.say(known.label) if known else name

    def mode(self, kind: ModeKind, name: str) -> str:
        known = self.rulebook.modes.get((kind, name))
        return self.say(known.label) if known else name

    def anaesthesia(self, name: str) -> str:
        """A mode of anaesthesia; "" where none is needed."""
        return self.mode("anaesthesia", name) if name else self.say(Text("Sans anesthésie", "No anaesthesia"))

    def status(self, status: Status, *, short: bool = False) -> str:
        return self.say(_SHORT.get(status, STATUS[status]) if short else STATUS[status])

    def way(self, way: Way) -> str:
        return self.say(WAY[way])

    def rule(self, name: str) -> str:
        """An alert by its label; a contraindication by its reason, after the one act or mode that it speaks of."""
        rule = self.rulebook.rules.get(name)
        if rule is None:
            return name
        if rule.label is not None:
            return self.say(rule.label)
        of = ""
        if rule.target.mode is not None:
            of = self.mode(*rule.target.mode)
        elif len(rule.target.techniques) == 1:
            of = self.technique(rule.target.techniques[0])
        because = self.say(rule.because)
        return f"{of}\u00a0— {lower_first(because)}" if of else because

    def kind(self, name: str) -> str:
        """Whether a rule is an alert, or can be corrected."""
        rule = self.rulebook.rules.get(name)
        return self.say(KIND[kind_of(rule.claim, rule.correction is not None)]) if rule else ""

    def correction(self, name: str) -> str:
        """What corrects a contraindication, or what an alert asks for; "" when there is nothing."""
        rule = self.rulebook.rules.get(name)
        told = (rule.action or (rule.correction.by if rule.correction else None)) if rule else None
        return self.say(told) if told else ""

    def item(self, name: str) -> str:
        return self.say(self.rulebook.vocabulary[name].label) if name in self.rulebook.vocabulary else name

    def section(self, name: str) -> str:
        """The section of the vocabulary that an item stands in."""
        words = self.rulebook.vocabulary
        return self.say(words.sections[words[name].section]) if name in words else ""

    def problem(self, name: str) -> str:
        return self.say(MEANINGS[name]) if name in MEANINGS else name

    def reason(self, name: str) -> str:
        """Why a patient was refused: of our own words, or what the rulebook says cannot be true of anybody."""
        for impossible in self.rulebook.impossible:
            if impossible.id == name:
                return self.say(impossible.because)
        return self.problem(name)

    def moment(self, text: str) -> str:
        """A moment in ISO form, with its hour."""
        return day(datetime.fromisoformat(text), self.language)

    def number(self, number: Number) -> str:
        return HIDDEN if number is None else f"{number:,}".replace(",", _GROUP[self.language])

    def counted(self, number: Number, one: Text, many: Text) -> str:
        """A number with its noun."""
        several = number is None or number > 1 or (number == 0 and self.language == "en")
        return f"{self.number(number)} {self.say(many if several else one)}"

    def patients(self, cell: Cell) -> str:
        return self.number(cell and cell.patients)

    def lesions(self, cell: Cell) -> str:
        return self.number(cell and cell.lesions)

    def share(self, part: int, whole: int) -> str:
        """A share in per cent; below one per cent with a decimal."""
        if not whole:
            return ""
        share = 100 * part / whole
        text = f"{share:.1f}" if 0 < share < 1 else f"{share:.0f}"
        return f"{text.replace('.', ',')}\u202f%" if self.language == "fr" else f"{text}%"


def kind_of(claim: str, correctable: bool) -> str:
    """What a rule that blocks is to whoever wants to act: an alert, correctable, or final."""
    if claim == "preempts":
        return "alert"
    return "correctable" if correctable else "final"
