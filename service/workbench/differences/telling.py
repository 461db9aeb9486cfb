"""What differs, in words a clinician reads, French and English."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from service.language.tree import All, AnyOf, Compare, CountLesions, Includes, Leaf, Member, Node, Not
from service.language.vocabulary import Text
from service.rulebook.model import CERTAINTIES, STRENGTHS, Claim, Evidence, Rule, Rulebook, Strength, Target
from service.tell.phrases import Phrases
from service.tell.words import CERTAINTY, KIND, STRENGTH, duration, listed, lower_first, number, unit
from service.workbench.differences.trees import Line

LANGUAGES = ("fr", "en")
_AND = Text("et", "and")
_OR = Text("ou", "or")

CLAIMS: dict[Claim, Text] = {
    "indicates": Text("indication", "indication"),
    "favours": Text("argument en faveur", "argument in favour"),
    "contraindicates": Text("contre-indication", "contraindication"),
    "preempts": Text("alerte", "alert"),
}
#: how strongly a contraindication stands against an act, weakest first
FORCES = (
    Text("relative (précaution)", "relative (precaution)"),
    Text("absolue mais corrigeable (diffère)", "absolute but correctable (defers)"),
    Text("absolue, non corrigeable (exclut)", "absolute, not correctable (excludes)"),
)

_SIGN = re.compile(r"^(.*) ([<≤>≥=≠]) (.*)$")
_ARROW = " → "


def both(make: Callable[[str], str]) -> Text:
    """A text made in each language."""
    return Text(*(make(language) for language in LANGUAGES))


def said(french: str, english: str, **parts: Text | str) -> Text:
    """A sentence in both languages; each `{part}` in its own."""

    def filled(template: str, language: str) -> str:
        return template.format(**{k: v.in_(language) if isinstance(v, Text) else v for k, v in parts.items()})

    return Text(filled(french, "fr"), filled(english, "en"))


def joined(texts: Iterable[Text], joint: Text | str = "; ") -> Text:
    """Several texts as one. French puts a space before a semicolon."""
    kept = list(texts)
    between = joint if isinstance(joint, Text) else Text(joint.replace(";", " ;"), joint)
    return both(lambda language: between.in_(language).join(text.in_(language) for text in kept))


def arrow(old: Text | str, new: Text | str) -> Text:
    return said(f"{{old}}{_ARROW}{{new}}", f"{{old}}{_ARROW}{{new}}", old=old, new=new)


def capital(text: Text) -> Text:
    return both(lambda language: text.in_(language)[:1].upper() + text.in_(language)[1:])


def quoted(text: Text) -> Text:
    return Text(f"« {text.fr} »", f"“{text.en}”")


def names(texts: Sequence[Text]) -> Text:
    """«a, b et c», each as within a sentence."""
    return both(lambda language: listed([lower_first(text.in_(language)) for text in texts], language, _AND))


def figure(value: float, of_unit: str | None = None) -> Text:
    def one(language: str) -> str:
        read = unit(of_unit, language)
        return f"{number(value, language)}{f' {read}' if read else ''}"

    return both(one)


def lasting(hours: float | None) -> Text:
    return Text("aucun délai", "no limit") if hours is None else both(lambda language: duration(hours, language))


#: ids named one by one; more are counted
_MOST_NAMED = 5


def few(ids: Sequence[str]) -> Text:
    """Ids of rules, the first ones by name."""
    shown, more = ", ".join(ids[:_MOST_NAMED]), len(ids) - _MOST_NAMED
    return said("{s} et {n} de plus", "{s} and {n} more", s=shown, n=str(more)) if more > 0 else Text(shown, shown)


def strength(of: Strength | None) -> Text:
    return STRENGTH[STRENGTHS.index(of)] if of else STRENGTH[-1]


def evidence(of: Evidence) -> Text:
    certainty = CERTAINTY[CERTAINTIES.index(of.certainty)]
    checked = Text("vérifié", "checked") if of.verified else Text("non vérifié", "not checked")
    return said("{c} ; {s} ; {v}", "{c}; {s}; {v}", c=certainty, s=", ".join(of.sources), v=checked)


class Telling:
    """Words of one rulebook."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self._phrases = {language: Phrases(book.vocabulary, book.scores, language) for language in LANGUAGES}

    def node(self, node: Node) -> Text:
        """A condition in one sentence, without outer parentheses."""

        def one(language: str) -> str:
            text = self._phrases[language].of(node)
            return text[1:-1] if isinstance(node, All | AnyOf) and text.startswith("(") else text

        return both(one)

    def words(self, item: str, words: Iterable[str]) -> Text:
        return joined([quoted(self._word(item, word)) for word in words], ", ")

    def _word(self, item: str, word: str) -> Text:
        return both(lambda language: self._phrases[language].words(item, (word,)))

    def item(self, name: str) -> Text:
        """The label of an item or of a score, as within a sentence."""
        if name in self.book.vocabulary:
            return both(lambda language: self._phrases[language].label(name))
        score = self.book.scores.get(name.removeprefix("score."))
        return score.label if score else Text(name, name)

    def techniques(self, ids: Iterable[str]) -> Text:
        return names([self.technique(name) for name in sorted(ids)])

    def technique(self, name: str) -> Text:
        found = self.book.techniques.get(name)
        return found.label if found else Text(name, name)

    def trait(self, name: str) -> Text:
        return self.book.traits.get(name, Text(name, name))

    def mode(self, kind: Any, name: str) -> Text:
        label = self.book.modes[kind, name].label if (kind, name) in self.book.modes else Text(name, name)
        named = both(lambda language: lower_first(label.in_(language)))
        return said("{kind} : {mode}", "{kind}: {mode}", kind=KIND[kind], mode=named)

    def target(self, target: Target) -> Text:
        """Whom a rule speaks of."""
        if target.nothing:
            return Text("avertit sans rien suspendre", "warns without suspending anything")
        parts: list[Text] = []
        if target.mode:
            parts.append(self.mode(*target.mode))
        if target.techniques:
            parts.append(self.techniques(target.techniques))
        if target.traits:
            parts.append(joined([quoted(self.trait(trait)) for trait in target.traits], " + "))
        return joined(parts, ", ") if parts else Text("tout geste", "any act")

    def rule(self, rule: Rule) -> Text:
        """«Contre-indication (« risque hémorragique élevé »)»: what a rule claims, and of whom."""
        claim = rule.label if rule.claim == "preempts" and rule.label else CLAIMS[rule.claim]
        return capital(said("{claim} ({target})", "{claim} ({target})", claim=claim, target=self.target(rule.target)))

    def because(self, rule: Rule) -> Text:
        return rule.because


def line(of: Line, old: Telling, new: Telling) -> Text:
    """One line that differs."""
    match of.kind:
        case "reordered":
            return Text("mêmes critères, dans un autre ordre", "same criteria, in another order")
        case "joined":
            was_all = isinstance(of.old, All)
            return (
                Text(
                    "« tous » devient « un au moins » de ces critères", "“all” becomes “at least one” of these criteria"
                )
                if was_all
                else Text(
                    "« un au moins » devient « tous » ces critères", "“at least one” becomes “all” of these criteria"
                )
            )
        case "dropped":
            assert of.old is not None
            word = _part(
                of, Text("critère retiré", "criterion dropped"), Text("possibilité retirée", "alternative dropped")
            )
            return said("{word} : {line}", "{word}: {line}", word=word, line=old.node(of.old))
        case "added":
            assert of.new is not None
            word = _part(
                of, Text("critère ajouté", "criterion added"), Text("possibilité ajoutée", "alternative added")
            )
            return said("{word} : {line}", "{word}: {line}", word=word, line=new.node(of.new))
        case "altered":
            assert of.old is not None
            assert of.new is not None
            return _altered(of.old, of.new, old, new)
        case _:
            assert of.old is not None
            assert of.new is not None
            return said(
                "avant : {old} ; après : {new}",
                "before: {old}; after: {new}",
                old=old.node(of.old),
                new=new.node(of.new),
            )


def _part(of: Line, in_all: Text, in_any: Text) -> Text:
    return in_any if of.among == "any" else in_all


def _altered(a: Node, b: Node, old: Telling, new: Telling) -> Text:
    denied, inner_a, inner_b = _both_denied(a, b)
    match inner_a, inner_b:
        case (Member(item, before), Member(_, after)) | (Includes(item, before), Includes(_, after)):
            return _word_list(item, before, after, denied, old, new)
        case (Compare(), Compare()) | (CountLesions(), CountLesions()) if _figures_only(inner_a, inner_b):
            return both(lambda language: _limit(old.node(a).in_(language), new.node(b).in_(language)))
    return arrow(old.node(a), new.node(b))


def _figures_only(a: Leaf | Node, b: Leaf | Node) -> bool:
    return not isinstance(a, CountLesions) or (isinstance(b, CountLesions) and a.where == b.where)


def _both_denied(a: Node, b: Node) -> tuple[bool, Node, Node]:
    match a, b:
        case (Not(inner_a), Not(inner_b)):
            return True, inner_a, inner_b
    return False, a, b


def _word_list(
    item: str, before: Sequence[str], after: Sequence[str], denied: bool, old: Telling, new: Telling
) -> Text:
    """Which words came to a list and which left it."""
    came = [word for word in after if word not in before]
    left = [word for word in before if word not in after]
    parts = []
    if came:
        parts.append(said("ajouté {words}", "added {words}", words=new.words(item, came)))
    if left:
        parts.append(said("retiré {words}", "removed {words}", words=old.words(item, left)))
    label = new.item(item)
    head = said("{label} autre que", "{label} other than", label=label) if denied else label
    return said("{head} : {parts}", "{head}: {parts}", head=head, parts=joined(parts))


def _limit(before: str, after: str) -> str:
    """«plaquettes : < 50 → < 30 G/L» from the two whole phrases: what they share is said once."""
    a, b = _SIGN.match(before), _SIGN.match(after)
    if not a or not b or a.group(1) != b.group(1):
        return f"{before}{_ARROW}{after}"
    head, sign, value = a.groups()
    _, sign_after, value_after = b.groups()
    (figure_before, _, of_unit), (_, _, unit_after) = value.partition(" "), value_after.partition(" ")
    kept = figure_before if of_unit == unit_after else value
    if sign == sign_after:
        return f"{head} {sign} {kept}{_ARROW}{value_after}"
    if value == value_after:
        return f"{head} {sign}{_ARROW}{sign_after} {value}"
    return f"{head} {sign} {kept}{_ARROW}{sign_after} {value_after}"
