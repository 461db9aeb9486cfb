"""Questions about single rules and pairs of rules."""

from collections.abc import Callable, Iterable, Iterator

import z3

from service.language.kleene import YES
from service.language.tree import Always, Node
from service.language.vocabulary import Text
from service.prove.logic import all_of, any_of
from service.prove.pairs import Cut, Pairs
from service.prove.prover import Answer, Proof, Prover
from service.prove.question import Question, turned
from service.prove.world import World
from service.rulebook.bind import kind_of_argument
from service.rulebook.model import Rule, Rulebook


def questions(rulebook: Rulebook) -> Iterator[Question]:
    pairs = Pairs(rulebook)
    for rule in rulebook.rules.values():
        if pairs.bound.get(rule.id):
            yield _can_hold(rule, pairs)
    yield from _adds_something(rulebook, pairs)
    for one, other in pairs.opposed():
        if not isinstance(rulebook.rules[other].when, Always):
            yield _consistent(rulebook.rules[one], rulebook.rules[other], pairs)
    for below, above in pairs.neighbours():
        yield from _partition(rulebook, below, above, pairs)


def _where(rule: Rule) -> str:
    return f"{rule.file}:{rule.line}"


def _content(pairs: Pairs, *rules: Rule) -> str:
    """What each rule says, as what kind of argument, and its condition settled for each technique it is asked of."""
    told = []
    for rule in rules:
        told.append(f"{rule.id} {kind_of_argument(rule)} {rule.target} {rule.when!r}")
        told += [f"{bound.technique} {bound.when!r}" for bound in pairs.bound.get(rule.id, [])]
    return "\n".join(told)


def _can_hold(rule: Rule, pairs: Pairs) -> Question:
    conditions = [bound.when for bound in pairs.bound[rule.id]]

    def ask(prover: Prover) -> Proof:
        world = prover.world(conditions)
        holds = any_of(world.of(node).yes for node in conditions)
        return turned(prover.refute(world, holds, lambda verdict: any(verdict(node) == YES for node in conditions)))

    return Question(
        f"can-hold:{rule.id}",
        "can-hold",
        (rule.id,),
        _where(rule),
        Text("La règle s’applique à au moins un patient.", "The rule holds of at least one patient."),
        Text(
            "Aucun patient ne peut remplir cette condition : chercher deux critères qui s’excluent, ou une valeur impossible.",
            "No patient can fulfil this condition: look for two criteria that exclude each other, or an impossible value.",
        ),
        "\n".join(map(repr, conditions)),
        ask,
        rule.dormant,
    )


# ---- rules that add nothing ----


def _adds_something(rulebook: Rulebook, pairs: Pairs) -> Iterator[Question]:
    others: dict[str, list[str]] = {}
    for name, other in pairs.may_add_nothing():
        others.setdefault(name, []).append(other)
    for name, beside in others.items():
        rule = rulebook.rules[name]
        meant = {other: reason for other, reason in rule.tolerates.items() if other in beside}
        free = [other for other in beside if other not in meant]
        if free:
            yield _adds_beside(rulebook, rule, free, None, pairs)
        for other, reason in meant.items():
            yield _adds_beside(rulebook, rule, [other], reason, pairs)


def _adds_beside(rulebook: Rulebook, rule: Rule, others: list[str], declared: Text | None, pairs: Pairs) -> Question:
    versions = [conditions for other in others if (conditions := list(pairs.versions(rule.id, other)))]

    def ask(prover: Prover) -> Proof:
        """The first of the others that is certain whenever the rule is; then, with it, a patient who shows it."""
        found: list[Answer] = []
        for conditions in versions:
            covered = _together(_implied(prover, a, b) for a, b in conditions)
            if covered == "proved":
                shown = prover.never(conditions[0][0])
                if shown.answer == "refuted":
                    return shown
                # A rule that can never hold is told as such, not as one that adds nothing.
                covered = "refuted" if shown.answer == "proved" else "undecided"
            found.append(covered)
        return Proof("undecided" if "undecided" in found else "proved", 0.0)

    named = ", ".join(others)
    several = len(others) > 1
    return Question(
        f"adds-something:{rule.id}" + (f":{others[0]}" if declared else ""),
        "adds-something",
        (rule.id, *others),
        _where(rule),
        Text(
            f"La règle dit quelque chose que ne dit pas déjà {'une autre' if several else others[0]}.",
            f"The rule says something that {'no other' if several else others[0]} says already.",
        ),
        Text(
            f"Chaque fois qu’elle s’applique, une autre qui dit au moins autant s’applique aussi ({named}) : la retirer, "
            "la resserrer, ou la déclarer avec « tolerates ».",
            f"Whenever it holds, another that says at least as much holds too ({named}): remove it, narrow it, or declare "
            "it with «tolerates».",
        ),
        _content(pairs, rule, *(rulebook.rules[other] for other in others)),
        ask,
        declared,
    )


def _implied(prover: Prover, a: Node, b: Node) -> Answer:
    """Whether b is certain whenever a is, without a witness."""
    world = prover.world((a, b))
    return prover.always(world, z3.Implies(world.of(a).yes, world.of(b).yes))


def _together(answers: Iterable[Answer]) -> Answer:
    """Whether all claims hold: one that fails is enough, and no later one is asked."""
    found: Answer = "proved"
    for answer in answers:
        if answer == "refuted":
            return answer
        if answer == "undecided":
            found = answer
    return found


# ---- rules that contradict each other ----


def _consistent(one: Rule, other: Rule, pairs: Pairs) -> Question:
    """Rules for and against the same thing contradict each other when the one for never stands without the one against.

    So does an indication or an argument in favour that holds whenever an absolute contraindication does: it would say
    yes just where the other says no.
    """
    versions = list(pairs.versions(one.id, other.id))
    absolute = kind_of_argument(other) in ("excluding", "deferring")

    def ask(prover: Prover) -> Proof:
        found: list[Answer] = []
        for a, b in versions:
            ways = [(a, b), (b, a)] if absolute else [(a, b)]
            answers = [_contradict(prover, one_way, other_way) for one_way, other_way in ways]
            if "proved" in answers:
                world = prover.world((a, b))
                return prover.refute(
                    world,
                    z3.And(world.of(a).yes, world.of(b).yes),
                    lambda verdict, a=a, b=b: verdict(a) == YES and verdict(b) == YES,  # type: ignore[misc]  # mypy infers no type for a default of a lambda
                )
            found += answers
        return Proof("undecided" if "undecided" in found else "proved", 0.0)

    declared = one.overrides.get(other.id) or other.overrides.get(one.id)
    return Question(
        f"consistent:{one.id}:{other.id}",
        "consistent",
        (one.id, other.id),
        _where(one),
        Text(
            f"« {one.id} » et « {other.id} » ne disent pas le contraire l’une de l’autre des mêmes patients.",
            f"«{one.id}» and «{other.id}» do not say the contrary of each other about the same patients.",
        ),
        Text(
            "L’une est pour, l’autre contre, et l’une ne va jamais sans l’autre : corriger, ou déclarer avec « overrides ».",
            "One is for, the other against, and one never goes without the other: mend it, or declare it with «overrides».",
        ),
        _content(pairs, one, other),
        ask,
        declared,
    )


def _contradict(prover: Prover, a: Node, b: Node) -> Answer:
    """Whether a never holds without b. A rule that can never hold is told as such, not as a contradiction."""
    implied = _implied(prover, a, b)
    if implied != "proved":
        return implied
    world = prover.world((a,))
    never = prover.always(world, z3.Not(world.of(a).yes))
    return "refuted" if never == "proved" else "proved" if never == "refuted" else "undecided"


# ---- limits that read as the parts of one whole ----


def _partition(rulebook: Rulebook, below: Cut, above: Cut, pairs: Pairs) -> Iterator[Question]:
    one, other = rulebook.rules[below.rule], rulebook.rules[above.rule]
    rest = sorted(below.rest, key=repr)
    declared = one.tolerates.get(other.id) or other.tolerates.get(one.id)
    step = pairs.step(below.limit)
    figures = f"{below.limit.text} / {above.limit.text}"

    def between(world: World) -> z3.BoolRef:
        """Everything else is fulfilled, and the value lies within a step of both limits."""
        low, high = sorted((below.limit.value, above.limit.value))
        near = (
            type(below.limit)(below.limit.term, ">=", low - step),
            type(below.limit)(below.limit.term, "<=", high + step),
        )
        return all_of(world.of(node).yes for node in (*rest, *near))

    def gap(world: World) -> z3.BoolRef:
        falls = (world.of(below.limit).yes, world.of(above.limit).yes)
        return z3.And(between(world), *(z3.Not(each) for each in falls))

    def overlap(world: World) -> z3.BoolRef:
        return z3.And(between(world), world.of(below.limit).yes, world.of(above.limit).yes)

    kinds: tuple[tuple[str, Callable[[World], z3.BoolRef], Text, Text], ...] = (
        (
            "gap",
            gap,
            Text(
                f"Aucune valeur ne tombe entre les deux seuils ({figures}).",
                f"No value falls between the two limits ({figures}).",
            ),
            Text(
                "Une valeur n’est prise par aucune des deux règles : l’un des seuils doit être strict, l’autre non.",
                "A value is taken by neither rule: one of the limits must be strict and the other not.",
            ),
        ),
        (
            "overlap",
            overlap,
            Text(f"Aucune valeur ne tombe des deux côtés ({figures}).", f"No value falls on both sides ({figures})."),
            Text(
                "Une valeur est prise par les deux règles : l’un des seuils doit être strict, l’autre non.",
                "A value is taken by both rules: one of the limits must be strict and the other not.",
            ),
        ),
    )
    for name, failing, claim, advice in kinds:

        def ask(prover: Prover, failing: Callable[[World], z3.BoolRef] = failing) -> Proof:
            world = prover.world((one.when, other.when))
            return prover.refute(world, failing(world))

        yield Question(
            f"partition:{name}:{one.id}:{other.id}",
            "partition",
            (one.id, other.id),
            _where(one),
            claim,
            advice,
            f"{step} {_content(pairs, one, other)}",
            ask,
            declared,
        )
