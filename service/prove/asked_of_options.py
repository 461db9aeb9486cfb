"""Questions about options: what the design says must always hold, what leads nowhere, and who is left without any."""

from collections.abc import Callable, Iterable, Iterator

import z3

from service.language.kleene import YES, Verdict
from service.language.tree import Node
from service.language.vocabulary import Text
from service.prove.logic import all_of, any_of
from service.prove.options import BINDING
from service.prove.prover import Proof, Prover
from service.prove.question import Question, turned
from service.prove.world import World
from service.rulebook.model import Arguments, Coverage, Dossier, ModeKind, Rulebook, Status

_FILE = "invariants.yaml"
#: statuses with which nothing can be done
CLOSED: tuple[Status, ...] = ("preempted", "excluded", "not_indicated")
#: statuses with which something is proposed
OPEN: tuple[Status, ...] = ("eligible", "provisional", "cautioned")


def questions(rulebook: Rulebook) -> Iterator[Question]:
    for dossier in rulebook.dossiers.values():
        yield _no_silent_risk(rulebook, dossier)
    for dossier in rulebook.dossiers.values():
        yield from _leads_somewhere(rulebook, dossier)
    for dossier in rulebook.dossiers.values():
        yield _can_be_eligible(rulebook, dossier)
        yield from _can_be_chosen(rulebook, dossier)
    for coverage in rulebook.coverage:
        yield _coverage(rulebook, coverage)


def _conditions(rulebook: Rulebook, parts: Iterable[Arguments]) -> list[Node]:
    return [rulebook.bound[place].when for part in parts for place in part.all()]


def everything(rulebook: Rulebook, dossier: Dossier, kinds: Iterable[ModeKind] = BINDING) -> list[Node]:
    """Every condition that bears on a technique or on its modes of these kinds."""
    modes = [arguments for kind in kinds for arguments in dossier.modes[kind].values()]
    return _conditions(rulebook, [dossier.own, *modes])


def content(rulebook: Rulebook, dossier: Dossier, kinds: Iterable[ModeKind] = BINDING) -> str:
    """All that the status of a technique, and which of its modes of these kinds is chosen, depends on."""
    told = [f"{dossier.technique.id} {dossier.technique.modes} {rulebook.ranking.mode_keys}"]
    parts = {
        "": dossier.own,
        **{f"{kind}:{mode}": part for kind in kinds for mode, part in dossier.modes[kind].items()},
    }
    for bearer, part in parts.items():
        for name in Arguments.__dataclass_fields__:
            told += [f"{bearer} {name} {rulebook.bound[place].when!r}" for place in getattr(part, name)]
    return "\n".join(told)


# ---- what the design says must always hold ----


def _no_silent_risk(rulebook: Rulebook, dossier: Dossier) -> Question:
    """Nothing is eligible while an alert or absolute contraindication to the act, or to the modes chosen, holds or is open."""
    name = dossier.technique.id
    nodes = everything(rulebook, dossier)

    def risks(world: World, arguments: Arguments) -> z3.BoolRef:
        places = (*arguments.alerts, *arguments.excluding, *arguments.deferring)
        return any_of(z3.Not(world.of(rulebook.bound[place].when).no) for place in places)

    def ask(prover: Prover) -> Proof:
        world = prover.world(nodes)
        option = prover.options(world).of(name)
        found = [risks(world, dossier.own)]
        for kind in BINDING:
            for mode, arguments in dossier.modes[kind].items():
                found.append(z3.And(option.modes[kind][mode].chosen, risks(world, arguments)))
        return prover.refute(world, z3.And(option.statuses["eligible"], any_of(found)))

    return Question(
        f"no-silent-risk:{name}",
        "no-silent-risk",
        (name,),
        f"techniques/{name}.yaml:1",
        Text(
            "Rien n’est éligible tant qu’une contre-indication absolue à l’acte ou à ses modes est présente ou inconnue.",
            "Nothing is eligible while an absolute contraindication to the act or its modes holds or is unknown.",
        ),
        Text("C’est un défaut du service, non du référentiel.", "This is a fault of the service, not of the rulebook."),
        content(rulebook, dossier),
        ask,
    )


# ---- indications, techniques and modes that lead nowhere ----


def _leads_somewhere(rulebook: Rulebook, dossier: Dossier) -> Iterator[Question]:
    name, own = dossier.technique.id, dossier.own
    nodes = _conditions(rulebook, [own])
    for place in own.indications:
        bound = rulebook.bound[place]

        def ask(prover: Prover, when: Node = bound.when) -> Proof:
            world = prover.world(nodes)
            bars = [rulebook.bound[at].when for at in (*own.alerts, *own.excluding)]
            barred = any_of(world.of(bar).yes for bar in bars)

            def replay(verdict: Callable[[Node], Verdict]) -> bool:
                return verdict(when) == YES and all(verdict(bar) != YES for bar in bars)

            return turned(prover.refute(world, z3.And(world.of(when).yes, z3.Not(barred)), replay))

        yield Question(
            f"leads-somewhere:{bound.rule.id}:{name}",
            "leads-somewhere",
            (bound.rule.id, name),
            f"{bound.rule.file}:{bound.rule.line}",
            Text(
                "L’indication n’est pas entièrement couverte par des contre-indications absolues et des alertes.",
                "The indication is not wholly covered by absolute contraindications and alerts.",
            ),
            Text(
                "Chaque patient qui a cette indication a aussi une contre-indication absolue : l’indication ne sert à rien.",
                "Every patient with this indication has an absolute contraindication too: the indication serves nobody.",
            ),
            f"{bound.when!r}\n{content(rulebook, dossier)}",
            ask,
        )


def _can_be_eligible(rulebook: Rulebook, dossier: Dossier) -> Question:
    name = dossier.technique.id
    nodes = everything(rulebook, dossier)

    def ask(prover: Prover) -> Proof:
        world = prover.world(nodes)
        found = prover.always(world, z3.Not(prover.options(world).of(name).statuses["eligible"]))
        # Some hundred items must be known before it is: nobody would read that patient.
        return turned(Proof(found, 0.0))

    return Question(
        f"can-be-eligible:{name}",
        "can-be-eligible",
        (name,),
        f"techniques/{name}.yaml:1",
        Text("La technique peut être éligible.", "The technique can be eligible."),
        Text(
            "Quoi qu’on sache du patient, cette technique n’est jamais éligible : deux contre-indications se complètent.",
            "Whatever is known of the patient, this technique is never eligible: contraindications complete each other.",
        ),
        content(rulebook, dossier),
        ask,
    )


def _can_be_chosen(rulebook: Rulebook, dossier: Dossier) -> Iterator[Question]:
    name = dossier.technique.id
    for kind in BINDING:
        if len(dossier.modes[kind]) < 2:
            continue
        nodes = _conditions(rulebook, dossier.modes[kind].values())
        for mode in dossier.modes[kind]:

            def ask(prover: Prover, kind: ModeKind = kind, mode: str = mode, nodes: list[Node] = nodes) -> Proof:
                world = prover.world(nodes)
                of = prover.options(world).of(name).modes[kind][mode]
                usable = any_of(of.bears.statuses()[status] for status in OPEN)
                return turned(Proof(prover.always(world, z3.Not(z3.And(of.chosen, usable))), 0.0))

            label = rulebook.modes[kind, mode].label
            yield Question(
                f"can-be-chosen:{name}:{mode}",
                "can-be-chosen",
                (name, mode),
                f"techniques/{name}.yaml:1",
                Text(f"« {label.fr} » peut être choisi en premier.", f"«{label.en}» can be chosen first."),
                Text(
                    "Quel que soit le patient, un autre mode passe avant : celui-ci n’est jamais qu’une solution de rechange.",
                    "Whoever the patient, another mode comes first: this one is never more than a fallback.",
                ),
                content(rulebook, dossier),
                ask,
                informative=True,
            )


# ---- patients left without an option ----


def _coverage(rulebook: Rulebook, coverage: Coverage) -> Question:
    others = [name for name in rulebook.techniques if name not in coverage.besides]
    nodes = [coverage.when, *(node for name in others for node in everything(rulebook, rulebook.dossiers[name]))]

    def ask(prover: Prover) -> Proof:
        world = prover.world(nodes)
        options = prover.options(world)
        without = all_of(options.of(name).has(CLOSED) for name in others)
        return prover.refute(world, z3.And(world.of(coverage.when).yes, without))

    return Question(
        f"coverage:{coverage.id}",
        "coverage",
        (coverage.id,),
        f"{_FILE}:{coverage.line}",
        coverage.because,
        Text(
            "Voici le plus simple des patients qui n’ont rien d’autre : est-ce voulu ?",
            "Here is the simplest of the patients who have nothing else: is it meant?",
        ),
        "\n".join([repr(coverage), *(content(rulebook, rulebook.dossiers[name]) for name in others)]),
        ask,
        informative=True,
    )
