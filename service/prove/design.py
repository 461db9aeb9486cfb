"""Questions about the design itself: they do not depend on what the rules say, but on what verdicts and statuses mean."""

from collections.abc import Iterator

import z3

from service.language.tree import CountLesions, Leaf, criteria
from service.language.vocabulary import Text
from service.prove.conditions import compared
from service.prove.logic import Tri, all_of, any_of
from service.prove.options import Bears, ranked, whole
from service.prove.patients import (
    ChoiceUnknown,
    FlagUnknown,
    MomentUnknown,
    NumberUnknown,
    Patients,
    SetUnknown,
    Unknown,
)
from service.prove.prover import Proof, Prover
from service.prove.question import Question
from service.prove.world import World
from service.rulebook.bearing import tier
from service.rulebook.model import Rulebook

_FAULT = Text("C’est un défaut du service, non du référentiel.", "This is a fault of the service, not of the rulebook.")

#: the preferred one first
_MODES = ("first", "second")


def questions(rulebook: Rulebook) -> Iterator[Question]:
    yield _more_danger(rulebook)
    yield from _sound(rulebook)


# ---- more danger never helps ----


def _more_danger(rulebook: Rulebook) -> Question:
    """Of two acts that differ in that more speaks against the second, or against modes of it, the second is in no better
    tier: another mode may be chosen then, but that act is in no better tier than the first was.

    Two modes are enough, as only the one that was chosen and the one that is chosen then bear on the two acts.
    """
    mode_keys = rulebook.ranking.mode_keys

    def ask(prover: Prover) -> Proof:
        parts = [(_bears(f"one:{part}"), _bears(f"another:{part}")) for part in ("own", *_MODES)]
        own, *modes = parts
        needed = [tri for pair in modes for bears in pair for tri in (bears.indicated.yes, z3.Not(bears.indicated.no))]
        favours = {name: z3.Int(f"favours:{name}") for name in _MODES}
        before, after = (
            whole(
                own[at],
                [ranked({name: pair[at] for name, pair in zip(_MODES, modes, strict=True)}, favours, mode_keys)],
            )
            for at in (0, 1)
        )
        better = _tier(after) < _tier(before)
        changed = [assumption for pair in parts for assumption in _more_against(*pair)]
        return Proof(prover.always(prover.world(()), z3.Not(all_of([*changed, *needed, better]))), 0.0)

    return Question(
        "more-danger",
        "more-danger",
        (),
        "docs/architecture.md",
        Text(
            "Ajouter une contre-indication ou une alerte ne rend jamais une option meilleure (« éligible » et « provisoire »"
            " se valent).",
            "A contraindication or an alert that is added never makes an option better («eligible» and «provisional» are"
            " as good as each other).",
        ),
        _FAULT,
        f"statuses {mode_keys}",
        ask,
    )


def _more_against(one: Bears, other: Bears) -> Iterator[z3.BoolRef]:
    """The second differs from the first in that more speaks against it."""
    kinds = ("alert", "excluding", "deferring", "against")
    yield from (_at_least(getattr(other, kind), getattr(one, kind)) for kind in kinds)
    yield one.indicated.yes == other.indicated.yes
    yield one.indicated.no == other.indicated.no
    for bears in (one, other):
        yield from (z3.Not(z3.And(tri.yes, tri.no)) for tri in (getattr(bears, kind) for kind in (*kinds, "indicated")))
        # What must be asked is open: with nothing open there is nothing to ask.
        yield z3.Implies(bears.asked, _open(bears))
    # A danger that is added may settle what was asked; so only acts where as much is asked are compared.
    yield z3.Implies(one.asked, z3.Or(other.asked, _closed(other)))


def _bears(name: str) -> Bears:
    def tri(kind: str) -> Tri:
        return Tri(z3.Bool(f"{name}:{kind}:yes"), z3.Bool(f"{name}:{kind}:no"))

    return Bears(
        tri("alert"), tri("excluding"), tri("deferring"), tri("indicated"), tri("against"), z3.Bool(f"{name}:asked")
    )


def _at_least(more: Tri, less: Tri) -> z3.BoolRef:
    """Whether one verdict is as much of a danger as another."""
    return z3.And(z3.Implies(less.yes, more.yes), z3.Implies(more.no, less.no))


def _open(bears: Bears) -> z3.BoolRef:
    return any_of(tri.open for tri in (bears.alert, bears.excluding, bears.deferring, bears.indicated))


def _closed(bears: Bears) -> z3.BoolRef:
    return z3.Or(bears.alert.yes, bears.excluding.yes, bears.deferring.yes)


def _tier(bears: Bears) -> z3.ArithRef:
    return z3.Sum([z3.If(formula, tier(status), 0) for status, formula in bears.statuses().items()])


# ---- sound on partial data ----


def _sound(rulebook: Rulebook) -> Iterator[Question]:
    """Each distinct criterion. Connectives keep what is certain (Kleene's are monotonic), so conditions do too."""
    distinct: dict[Leaf, tuple[str, str]] = {}
    for bound in rulebook.bound:
        for leaf in criteria(bound.when):
            distinct.setdefault(leaf, (bound.rule.id, f"{bound.rule.file}:{bound.rule.line}"))
    for at, (leaf, (rule, where)) in enumerate(distinct.items()):
        yield _sound_criterion(rulebook, at, leaf, rule, where)


def _sound_criterion(rulebook: Rulebook, at: int, leaf: Leaf, rule: str, where: str) -> Question:
    def ask(prover: Prover) -> Proof:
        if isinstance(leaf, CountLesions):
            return _sound_count(prover, leaf)
        partial, whole = (World(rulebook, patients=Patients(rulebook.vocabulary, prefix=name)) for name in ("a:", "b:"))
        less, more = partial.of(leaf), whole.of(leaf)
        learnt = all_of(_learnt(*pair) for pair in _pairs(partial.patients, whole.patients))
        kept = z3.And(z3.Implies(less.yes, more.yes), z3.Implies(less.no, more.no))
        same_hour = partial.patients.now == whole.patients.now
        assumed = all_of([*whole.assumptions(), learnt, same_hour])
        return Proof(prover.always(partial, z3.Implies(assumed, kept)), 0.0)

    text = getattr(leaf, "text", "")
    return Question(
        f"sound:{at}:{text}",
        "sound",
        (rule,),
        where,
        Text(
            f"Ce que « {text} » dit de certain le reste quoi qu’on apprenne ensuite.",
            f"What «{text}» says for certain stays so whatever is learnt afterwards.",
        ),
        _FAULT,
        repr(leaf),
        ask,
    )


def _sound_count(prover: Prover, leaf: CountLesions) -> Proof:
    """With more known of each lesion, as many or more fulfil a condition for certain, and as many or fewer may.

    That follows from its criteria, which are asked about on their own; so it is enough to look at the two numbers.
    """
    certain, more_certain, may, fewer_may = (z3.Real(name) for name in ("certain", "certain+", "may", "may-"))
    narrowing = all_of([certain <= more_certain, more_certain <= fewer_may, fewer_may <= may])
    less = compared((certain, may), leaf.operator, leaf.value)
    more = compared((more_certain, fewer_may), leaf.operator, leaf.value)
    kept = z3.And(z3.Implies(less.yes, more.yes), z3.Implies(less.no, more.no))
    return Proof(prover.always(prover.world(()), z3.Implies(narrowing, kept)), 0.0)


def _pairs(partial: Patients, whole: Patients) -> Iterator[tuple[Unknown, Unknown]]:
    for place, item in list(partial.made):
        yield partial.of(item, place or 0), whole.of(item, place or 0)


def _learnt(less: Unknown, more: Unknown) -> z3.BoolRef:
    """Whether the second is the first with perhaps more known of it."""
    match less, more:
        case SetUnknown(), SetUnknown():
            parts = [z3.Implies(less.complete, more.complete)]
            for word in less.present:
                (here, not_here), (there, not_there) = less.word(word), more.word(word)
                parts += [z3.Implies(here, there), z3.Implies(not_here, not_there)]
                # A complete list stays what it is.
                parts.append(z3.Implies(less.complete, here == there))
            return all_of(parts)
        case MomentUnknown(), MomentUnknown():
            exactly = z3.And(more.exact, more.hour == less.hour, more.shift == less.shift)
            # Of a day on which the clock changes an hour may lie before or after the change, which is never near midnight.
            before = z3.And(more.shift == less.shift, z3.Implies(less.shift != less.end_shift, more.hour <= 23))
            after = z3.And(more.shift == less.end_shift, z3.Implies(less.shift != less.end_shift, more.hour >= 1))
            of_the_day = z3.If(more.exact, z3.Or(before, after), more.shift == less.shift)
            ends = z3.Implies(z3.Not(more.exact), more.end_shift == less.end_shift)
            same = all_of([less.days == more.days, z3.Implies(less.exact, exactly), of_the_day, ends])
            return z3.Implies(less.known, z3.And(more.known, same))
        case FlagUnknown() | ChoiceUnknown() | NumberUnknown(), FlagUnknown() | ChoiceUnknown() | NumberUnknown():
            return z3.Implies(less.known, z3.And(more.known, less.value == more.value))
    raise TypeError("two items of different types")
