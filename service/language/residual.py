"""What remains of a condition once everything known has been taken out."""

from service.language.kleene import UNKNOWN
from service.language.meaning import Meaning, Situation
from service.language.tree import All, AnyOf, Node, Not


def residual(node: Node, situation: Situation, meaning: Meaning) -> Node:
    """The undecided part of an undecided condition: it has the same verdict under everything that may still be learnt.

    A decided part of an undecided `all` holds, and of an undecided `any` does not: neither can matter any more.
    """
    match node:
        case All(parts) | AnyOf(parts):
            left = tuple(
                residual(part, situation, meaning) for part in parts if meaning.condition(part)(situation) == UNKNOWN
            )
            return left[0] if len(left) == 1 else All(left) if isinstance(node, All) else AnyOf(left)
        case Not(part):
            return Not(residual(part, situation, meaning))
        case _:
            return node
