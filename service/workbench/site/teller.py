"""Words of a rulebook in one language: conditions as lists to read, targets, consequences, formulas."""

from dataclasses import dataclass, replace

from service.language.arithmetic import Constant, Expression, Operation, Variable
from service.language.parser import MomentAfter
from service.language.tree import All, AnyOf, CountLesions, Node, Not, Settled
from service.language.vocabulary import Item, Text
from service.rulebook.model import CERTAINTIES, STRENGTHS, Benefit, Correction, Evidence, Rule, Rulebook, Target
from service.tell import words
from service.tell.phrases import Phrases
from service.tell.words import listed, lower_first

_OR, _AND = Text("ou", "or"), Text("et", "and")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as it is read: one line, or a line that introduces `parts`."""

    text: str
    parts: tuple["Condition", ...] = ()


class _InOrder(Phrases):
    """Lists the words of a choice as the vocabulary does: T2 before T10."""

    def words(self, item: str, words: tuple[str, ...] | frozenset[str]) -> str:
        choices = self._vocabulary[item].choices
        told = [lower_first(label.in_(self._language)) for word, label in choices.items() if word in words]
        return listed(told, self._language, _OR)


class Teller:
    """Words a rulebook in one language, with French punctuation set as print has it."""

    def __init__(self, rulebook: Rulebook, language: str) -> None:
        self.rulebook = rulebook
        self.language = language
        self._phrases = _InOrder(rulebook.vocabulary, rulebook.scores, language)

    def t(self, fr: str, en: str) -> str:
        return en if self.language == "en" else words.typeset(fr)

    def say(self, text: Text) -> str:
        return self.t(text.fr, text.en)

    def number(self, value: float) -> str:
        return words.number(value, self.language)

    # ---- conditions ----

    def condition(self, node: Node, *, holds: bool = True) -> Condition:
        """What `node` says, or what it says when it does not hold. Groups within like groups are one list."""
        match node:
            case Not(part):
                return self.condition(part, holds=not holds)
            case All(parts) | AnyOf(parts):
                every = isinstance(node, All) == holds
                told = [self.condition(part, holds=holds) for part in parts]
                if len(told) == 1:
                    return told[0]
                lead = (
                    self.t("toutes ces conditions :", "all of these:")
                    if every
                    else self.t("au moins une de ces conditions :", "at least one of these:")
                )
                flat = [inner for part in told for inner in (part.parts if part.text == lead else (part,))]
                return Condition(lead, tuple(flat))
            case CountLesions():
                return self._count(node, holds)
            case Settled(verdict, value):
                known = words.POSITION[value].in_(self.language) if value in words.POSITION else value
                answer = words.VERDICT["yes" if bool(verdict) == holds else "no"].in_(self.language)
                here = self.t(f" (ici : {known}, donc {answer})", f" (here: {known}, so {answer})")
                return Condition(self._set(self._phrases.of(node, holds=holds)) + here)
            case _:
                return Condition(self._set(self._phrases.of(node, holds=holds)))

    def _set(self, text: str) -> str:
        return words.typeset(text) if self.language == "fr" else text

    def _count(self, node: CountLesions, holds: bool) -> Condition:
        """«au moins une lésion où …», «chaque lésion …», «nombre de lésions où … > 3»."""
        some = (node.operator, node.value) == (">=", 1.0)
        if some and not holds and isinstance(node.where, Not):
            lead, where = self.t("pour chaque lésion", "for every lesion"), node.where.part
        elif some:
            lead = (
                self.t("au moins une lésion avec", "at least one lesion with")
                if holds
                else self.t("aucune lésion avec", "no lesion with")
            )
            where = node.where
        else:
            sign = _SIGNS[node.operator if holds else _CONTRARY[node.operator]]
            count = f"{sign} {self.number(node.value)}"
            lead, where = (
                self.t(f"nombre de lésions {count}, parmi celles avec", f"number of lesions {count}, among those with"),
                node.where,
            )
        told = self.condition(where)
        colon = self.t(" :", ":")
        if not told.parts:
            return Condition(f"{lead}{colon} {told.text}")
        return replace(told, text=f"{lead}{colon} {told.text}")

    def line(self, node: Node, *, holds: bool = True) -> str:
        """The same in one line, for a table."""
        return self._line(self.condition(node, holds=holds))

    def _line(self, told: Condition) -> str:
        if not told.parts:
            return told.text
        parts = [self._line(part) for part in told.parts]
        inner = [f"({text})" if part.parts else text for text, part in zip(parts, told.parts, strict=True)]
        return f"{told.text} {'; '.join(inner) if self.language == 'en' else words.typeset(' ; '.join(inner))}"

    # ---- rules ----

    def claim(self, rule: Rule) -> str:
        """«contre-indication absolue, corrigeable», «indication forte»."""
        if rule.claim == "indicates":
            strength = words.STRENGTH[STRENGTHS.index(rule.strength or "weak")].in_(self.language)
            return self.t(f"indication {strength}", f"{strength} indication")
        if rule.claim == "contraindicates":
            severity = "absolute" if rule.absolute else "relative"
            return self.say(words.CLAIM[(rule.claim, severity, rule.correction is not None)])
        return self.say(words.CLAIM[rule.claim])

    def consequence(self, rule: Rule) -> str:
        """What follows when the rule holds, in one sentence without its details."""
        about = self.target(rule.target)
        match rule.claim:
            case "indicates":
                return self.t(f"proposer : {about}", f"propose: {about}")
            case "favours":
                return self.t(f"argument en faveur de : {about}", f"argument in favour of: {about}")
            case "preempts":
                if rule.target.nothing:
                    return self.t("avertir, sans rien suspendre", "warn, and suspend nothing")
                return self.t(f"suspendre : {about}", f"suspend: {about}")
            case "contraindicates":
                if not rule.absolute:
                    return self.t(f"précaution pour : {about}", f"precaution for: {about}")
                if rule.correction:
                    return self.t(f"différer, le temps de corriger : {about}", f"defer until corrected: {about}")
                return self.t(f"écarter : {about}", f"rule out: {about}")

    def target(self, target: Target) -> str:
        """«tout acte avec : ciment acrylique (PMMA)», «anesthésie générale, pour : cyphoplastie»."""
        if target.nothing:
            return self.t("aucun acte", "no act")
        acts = self._acts(target)
        if target.mode is None:
            return acts or self.t("tout acte", "every act")
        mode = lower_first(self.say(self.rulebook.modes[target.mode].label))
        kind = self.say(words.KIND[target.mode[0]])
        named = f"{mode} ({kind})"
        return self.t(f"{named}, pour {acts}", f"{named}, for {acts}") if acts else named

    def _acts(self, target: Target) -> str:
        named = [lower_first(self.say(self.rulebook.techniques[name].label)) for name in target.techniques]
        traits = [lower_first(self.say(self.rulebook.traits[trait])) for trait in target.traits]
        told = []
        if named:
            told.append(listed(named, self.language, _OR))
        if traits:
            quoted = [f"«{trait}»" if self.language == "en" else f"«\u00a0{trait}\u00a0»" for trait in traits]
            together = listed(quoted, self.language, _AND)
            told.append(self.t(f"tout acte de type {together}", f"every act of type {together}"))
        return ", ".join(told)

    def correction(self, correction: Correction) -> list[str]:
        """What to do, how long it takes, the earliest day, what to measure again."""
        told = [self.say(correction.by)]
        delay = words.duration(correction.lead_time, self.language)
        told.append(self.t(f"Délai : {delay}.", f"Time needed: {delay}."))
        if correction.earliest:
            told.append(self.earliest(correction.earliest))
        if correction.recheck:
            item = self.item(correction.recheck)
            told.append(self.t(f"À recontrôler : {item}.", f"To measure again: {item}."))
        return told

    def earliest(self, moment: MomentAfter) -> str:
        item = self.item(moment.item)
        if moment.days is not None:
            days = moment.days
            return self.t(
                f"Au plus tôt : {days} jour{'s' if days > 1 else ''} de calendrier après {item}.",
                f"At the earliest: {days} calendar day{'' if days == 1 else 's'} after {item}.",
            )
        after = words.duration(moment.hours or 0.0, self.language)
        return self.t(f"Au plus tôt : {after} après {item}.", f"At the earliest: {after} after {item}.")

    def certainty(self, evidence: Evidence) -> str:
        word = words.CERTAINTY[CERTAINTIES.index(evidence.certainty)].in_(self.language)
        return word if evidence.certainty == "consensus" else self.t(f"certitude {word}", f"{word} certainty")

    def duration(self, hours: float) -> str:
        return words.duration(hours, self.language)

    # ---- items, scores, benefits ----

    def item(self, name: str) -> str:
        return self._set(self._phrases.label(name))

    def measured(self, name: str) -> str:
        """An item or score of the session's order."""
        score = name.removeprefix("score.")
        return self.say(self.rulebook.scores[score].label) if score in self.rulebook.scores else self.item(name)

    def unit(self, name: str | None) -> str:
        return words.unit(name, self.language)

    def range(self, item: Item) -> str:
        if item.type != "number":
            return ""
        both = f"{self.number(item.low)}–{self.number(item.high)} {self.unit(item.unit)}".strip()
        step = self.number(item.step)
        return self.t(f"{both} (pas : {step})", f"{both} (step: {step})")

    def formula(self, expression: Expression) -> str:
        """Points as they are computed: «(140 − âge) × poids × 1,23 / créatinine»."""
        match expression:
            case Constant(value):
                return self.number(value)
            case Variable(item):
                return self.item(item)
            case Operation(operator, left, right):
                sides = [self._side(side, operator, last=side is right) for side in (left, right)]
                return f" {_OPERATORS[operator]} ".join(sides)

    def _side(self, side: Expression, operator: str, *, last: bool) -> str:
        told = self.formula(side)
        if isinstance(side, Operation):
            weak = side.operator in "+-"
            if (weak and operator in "*/") or (last and (operator in "/-")):
                return f"({told})"
        return told

    def benefit(self, benefit: Benefit) -> str:
        """«47–87 % : baisse de la douleur initiale, en 2 jours, pendant 6 mois»."""
        figures = "–".join(dict.fromkeys(self.number(value) for value in (benefit.low, benefit.high)))
        unit = "" if benefit.measure == "points" else f" {self.unit(benefit.unit)}"
        told = f"{figures}{unit}{self.t(' : ', ': ')}{self.say(words.MEASURE[benefit.measure])}"
        if benefit.by is not None:
            told += self.t(", en ", ", within ") + self.duration(benefit.by)
        if benefit.lasts is not None:
            told += self.t(", pendant ", ", for ") + self.duration(benefit.lasts)
        return self._set(told)


_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}
_CONTRARY = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_OPERATORS = {"+": "+", "-": "−", "*": "×", "/": "/"}
