"""Sentences: why an option has its status, and why it stands where it stands."""

from collections.abc import Iterable

from service.language.kleene import YES
from service.language.residual import residual
from service.language.tree import All, AnyOf
from service.language.vocabulary import Text
from service.recommend.options import Option
from service.recommend.questions import asked_of, precautions_to_check, to_verify
from service.recommend.recommendation import LesionRecommendation, Recommendation
from service.rulebook.model import MODE_KINDS, STRENGTHS, Rule
from service.tell import words
from service.tell.phrases import Phrases
from service.tell.words import lower_first, sentence

#: conditions told in one sentence; the rest is in the questions
MOST_PROVISOS = 3


class Sentences:
    """Words the options of one lesion, in one language."""

    def __init__(self, recommendation: Recommendation, lesion: LesionRecommendation, language: str) -> None:
        self._rulebook = recommendation.rulebook
        self._meaning = recommendation.meaning
        self._judgement = lesion.judgement
        self._language = language
        self._phrases = Phrases(self._rulebook.vocabulary, self._rulebook.scores, language)

    def say(self, text: Text) -> str:
        return text.in_(self._language)

    def of(self, fr: str, en: str) -> str:
        return en if self._language == "en" else fr

    def plan(self, option: Option) -> str:
        """«Vertébroplastie sous neuroleptanalgésie, guidage fluoroscopique, en ambulatoire»."""
        parts = []
        for kind in MODE_KINDS:
            chosen = option.chosen(kind)
            if chosen is not None:
                label = self.say(self._rulebook.modes[(kind, chosen.mode)].label)
                parts.append(f"{self.say(words.KIND[kind])}{self.of(' : ', ': ')}{lower_first(label)}")
        technique = self.say(option.technique.label)
        return f"{technique} ({self.of(' ; ', '; ').join(parts)})" if parts else technique

    def why(self, option: Option) -> str:
        """Why the option has its status: the indication, then what settles the status."""
        indications = self._rules(option.arguments.indications, YES)
        reason = self.say(self._strongest(indications).because) if indications else ""
        match option.status:
            case "eligible":
                return self._two(
                    reason,
                    self.of(
                        "Tout ce qui pourrait s’y opposer est connu et absent.",
                        "Everything that could stand against it is known and absent.",
                    ),
                )
            case "provisional":
                return self._two(reason, self._still_open(option))
            case "cautioned":
                cautions = [
                    rule for arguments in option.bearing_arguments() for rule in self._rules(arguments.cautions, YES)
                ]
                return self._two(reason, self._with(self.of("Précaution", "Precaution"), cautions[0].precaution))
            case "undetermined":
                return self._two(reason, self.proviso(option))
            case "deferred":
                return self._two(reason, self.deferral(option))
            case "excluded":
                return self._first_because(option, "excluding")
            case "preempted":
                return self._first_because(option, "alerts")
            case "not_indicated":
                return self.of("Aucune indication n’est remplie.", "No indication is fulfilled.")

    def _still_open(self, option: Option) -> str:
        """What leaves an option provisional: the checks before the act, or what could at most call for a precaution."""
        checklist = self._rulebook.checklist
        if to_verify(option, self._judgement, checklist):
            return self.of(
                "Rien de connu ne s’y oppose ; à vérifier avant le geste.",
                "Nothing known stands against it; to be verified before the act.",
            )
        items = dict.fromkeys(item.item for item in precautions_to_check(option, self._judgement, checklist))
        labels = ", ".join(self._phrases.label(item) for item in items)
        open_point = self.of(
            "Rien de connu ne s’y oppose ; une précaution peut s’ajouter selon : ",
            "Nothing known stands against it; a precaution may be called for by: ",
        )
        return sentence(open_point + labels)

    def _first_because(self, option: Option, kind: str) -> str:
        for arguments in option.bearing_arguments():
            for rule in self._rules(getattr(arguments, kind), YES):
                return self.say(rule.because)
        return ""

    def proviso(self, option: Option) -> str:
        """«Éligible à condition que : plaquettes ≥ 50 G/L ; …»: what an undetermined option hangs on."""
        conditions = self.provisos(option)
        more = len(conditions) - MOST_PROVISOS
        joint = self.of(" ; ", "; ")
        tail = f"{joint}{self.of(f'et {more} de plus', f'and {more} more')}" if more > 0 else ""
        return sentence(
            self.of("Éligible à condition que : ", "Eligible provided that: ")
            + joint.join(conditions[:MOST_PROVISOS])
            + tail
        )

    def provisos(self, option: Option) -> list[str]:
        """Each open point as it would have to be answered."""
        found = []
        for place, _ in asked_of(option, self._judgement):
            bound = self._rulebook.bound[place]
            node = residual(bound.when, self._judgement.situation, self._meaning)
            text = self._phrases.of(node, holds=bound.rule.claim == "indicates")
            # The outermost parentheses of an "and" or "or" add nothing to a condition that stands alone.
            found.append(text[1:-1] if isinstance(node, All | AnyOf) else text)
        return list(dict.fromkeys(found))

    def deferral(self, option: Option) -> str:
        """What to do first, and from when the act is possible."""
        rules = [rule for arguments in option.bearing_arguments() for rule in self._rules(arguments.deferring, YES)]
        by = " ".join(dict.fromkeys(self.say(rule.correction.by) for rule in rules if rule.correction))
        when = (
            f"{self.of('Possible à partir du', 'Possible from')} {words.day(option.earliest, self._language)}"
            if option.earliest
            else ""
        )
        return self._two(sentence(when) if when else "", by)

    def _with(self, prefix: str, text: Text | None) -> str:
        return sentence(f"{prefix}{self.of(' : ', ': ')}{lower_first(self.say(text))}") if text else ""

    @staticmethod
    def _two(first: str, second: str) -> str:
        return " ".join(part for part in (first, second) if part)

    def _rules(self, places: Iterable[int], verdict: int) -> list[Rule]:
        return [self._rulebook.bound[place].rule for place in places if self._judgement.verdicts[place] == verdict]

    @staticmethod
    def _strongest(rules: list[Rule]) -> Rule:
        return min(rules, key=lambda rule: (STRENGTHS.index(rule.strength or "weak"), rule.id))
