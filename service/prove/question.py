"""One question about every patient, before it is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.language.vocabulary import Text
from service.prove.prover import Proof, Prover

#: what is asked, in the order in which it is told
Kind: TypeAlias = Literal[
    "invariant",
    "no-silent-risk",
    "more-danger",
    "sound",
    "can-hold",
    "adds-something",
    "consistent",
    "partition",
    "leads-somewhere",
    "can-be-eligible",
    "can-be-chosen",
    "coverage",
]

KINDS: dict[Kind, Text] = {
    "invariant": Text("Invariants du comité", "The committee's invariants"),
    "no-silent-risk": Text("Aucun risque passé sous silence", "No silent risk"),
    "more-danger": Text("Un danger de plus n’améliore jamais le statut", "More danger never helps"),
    "sound": Text("Juste sur des données partielles", "Sound on partial data"),
    "can-hold": Text("Règles qui peuvent s’appliquer", "Rules that can hold"),
    "adds-something": Text("Règles qui apportent quelque chose", "Rules that add something"),
    "consistent": Text("Règles qui ne se contredisent pas", "Rules that do not contradict each other"),
    "partition": Text("Seuils sans trou ni recouvrement", "Limits without gap or overlap"),
    "leads-somewhere": Text("Indications qui mènent à leur technique", "Indications that lead to their technique"),
    "can-be-eligible": Text("Techniques qui peuvent être éligibles", "Techniques that can be eligible"),
    "can-be-chosen": Text("Modes qui peuvent être choisis", "Modes that can be chosen"),
    "coverage": Text("Patients sans autre option", "Patients left without an option"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A claim that should hold of every patient (or, for what «can» be, of at least one).

    `expected`: whether the claim is «no such patient», which a witness refutes, or «there is one», which a witness proves.
    """

    id: str
    kind: Kind
    #: rules, techniques or modes it is about
    subjects: tuple[str, ...]
    #: file:line
    where: str
    claim: Text
    #: what to think of when it fails
    advice: Text
    #: all that the answer depends on beside the vocabulary and the scores, for remembering answers
    content: str
    ask: Callable[[Prover], Proof]
    #: the committee's reason why it may fail
    declared: Text | None = None
    #: told, but never held against the rulebook
    informative: bool = False


def turned(proof: Proof) -> Proof:
    """The answer to «there is one» from that to «there is none»."""
    answers: dict[str, Literal["proved", "refuted", "undecided"]] = {"proved": "refuted", "refuted": "proved"}
    return Proof(answers.get(proof.answer, "undecided"), proof.seconds, proof.witness, proof.at)
