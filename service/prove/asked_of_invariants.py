"""Questions about what the committee says must always hold (`rules/invariants.yaml`), and whether it says it of anybody."""

from collections.abc import Iterable, Iterator

import z3

from service.language.tree import AnyOf, Node, for_technique
from service.language.vocabulary import Text
from service.prove.asked_of_options import content, everything
from service.prove.logic import all_of
from service.prove.options import BINDING, Options
from service.prove.prover import Proof, Prover
from service.prove.question import Question, turned
from service.prove.twins import twin
from service.prove.world import World
from service.rulebook.model import Coverage, Invariant, Rulebook, Technique

_FILE = "invariants.yaml"


def questions(rulebook: Rulebook) -> Iterator[Question]:
    for invariant in rulebook.invariants:
        techniques = spoken_of(rulebook, invariant)
        for technique in techniques:
            yield _invariant(rulebook, invariant, technique)
        if not techniques:
            yield _of_nothing(invariant)
        if techniques and invariant.when is not None:
            yield _can_come_about(rulebook, invariant, invariant.when, techniques)
    for coverage in rulebook.coverage:
        yield _can_come_about(rulebook, coverage, coverage.when, rulebook.techniques)


def spoken_of(rulebook: Rulebook, invariant: Invariant) -> list[str]:
    """The techniques that an invariant speaks of."""
    target = invariant.target

    def meant(technique: Technique) -> bool:
        named = not target.techniques or technique.id in target.techniques
        admitted = target.mode is None or target.mode[1] in technique.modes[target.mode[0]]
        return named and admitted and set(target.traits) <= technique.traits

    return [name for name, technique in rulebook.techniques.items() if meant(technique)]


def _invariant(rulebook: Rulebook, invariant: Invariant, technique: str) -> Question:
    dossier = rulebook.dossiers[technique]
    of = dossier.technique
    when, unless = (
        node and for_technique(node, of.duration, of.position) for node in (invariant.when, invariant.unless)
    )
    kinds = BINDING if invariant.target.mode is None else (*BINDING, invariant.target.mode[0])
    nodes = [
        *everything(rulebook, dossier, dict.fromkeys(kinds)),
        *(node for node in (when, unless) if node is not None),
    ]

    def failing(world: World, options: Options) -> z3.BoolRef:
        option = options.of(technique)
        parts = [option.has(invariant.never)]
        if invariant.target.mode is not None:
            kind, mode = invariant.target.mode
            parts.append(option.modes[kind][mode].chosen)
        if when is not None:
            parts.append(world.of(when).yes)
        if unless is not None:
            parts.append(z3.Not(world.of(unless).yes))
        return all_of(parts)

    def ask(prover: Prover) -> Proof:
        world = prover.world(nodes, invariant.alone)
        if invariant.alone is None:
            return prover.refute(world, failing(world, prover.options(world)))
        other = twin(world, invariant.alone)
        spared = [z3.Not(Options(other).of(technique).has(invariant.never))]
        if when is not None:
            spared.append(other.of(when).yes)
        return prover.refute(world, all_of([*other.assumptions(), failing(world, prover.options(world)), *spared]))

    label = rulebook.techniques[technique].label
    return Question(
        f"invariant:{invariant.id}:{technique}",
        "invariant",
        (invariant.id, technique),
        f"{_FILE}:{invariant.line}",
        invariant.because,
        Text(
            f"« {label.fr} » a pour ce patient un statut que l’invariant interdit : une règle manque, ou l’invariant est trop large.",
            f"«{label.en}» has a status that the invariant forbids: a rule is missing, or the invariant is too wide.",
        ),
        f"{invariant!r}\n{when!r}\n{unless!r}\n{content(rulebook, dossier, dict.fromkeys(kinds))}",
        ask,
    )


def _of_nothing(invariant: Invariant) -> Question:
    """An invariant that no technique fulfils the target of guards nothing, and must not be told as one that holds."""
    return Question(
        f"invariant:{invariant.id}",
        "invariant",
        (invariant.id,),
        f"{_FILE}:{invariant.line}",
        Text("L’invariant parle d’au moins une technique.", "The invariant speaks of at least one technique."),
        Text(
            "Aucune technique ne répond à « options » : corriger la technique, les caractéristiques ou le mode.",
            "No technique is what «options» asks for: mend the technique, the traits or the mode.",
        ),
        repr(invariant.target),
        lambda prover: Proof("refuted", 0.0),
    )


def _can_come_about(
    rulebook: Rulebook, spoken: Invariant | Coverage, when: Node, techniques: Iterable[str]
) -> Question:
    """What is said of patients of whom there is none would hold of whatever option."""
    of = [rulebook.techniques[name] for name in techniques]
    conditions = sorted({for_technique(when, each.duration, each.position) for each in of}, key=repr)

    def ask(prover: Prover) -> Proof:
        return turned(prover.never(AnyOf(tuple(conditions))))

    return Question(
        # A rule may have the same name.
        f"can-hold:{'invariant' if isinstance(spoken, Invariant) else 'coverage'}:{spoken.id}",
        "can-hold",
        (spoken.id,),
        f"{_FILE}:{spoken.line}",
        Text("Ce « when » se rencontre chez au moins un patient.", "At least one patient fulfils this «when»."),
        Text(
            "Aucun patient ne remplit ce « when » : ce qui est affirmé ne l’est de personne.",
            "No patient can fulfil this «when»: what is claimed is claimed of nobody.",
        ),
        "\n".join(map(repr, conditions)),
        ask,
    )
