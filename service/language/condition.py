"""YAML condition to tree: `all`, `any`, `not`, lesion quantifiers, and one-line criteria."""

from collections.abc import Callable
from typing import Any, TypeAlias

from service.language.errors import LanguageError, nearest
from service.language.parser import Words, parse_count, parse_criterion
from service.language.tree import All, Always, AnyOf, CountLesions, Node, Not, leaves

#: where a mistake stands: the keys and indexes that lead to it from the condition's root
Path: TypeAlias = tuple[str | int, ...]
Complain: TypeAlias = Callable[[Path, LanguageError], None]

_CONNECTIVES = ("all", "any", "not", "any_lesion", "every_lesion", "count_lesions")


def read_condition(data: Any, words: Words, complain: Complain, path: Path = ()) -> Node:
    """The tree of a condition; every mistake in it goes to `complain`, so that all are listed at once.

    A part that could not be read stands as `Always` in the result, which the caller must then not use.
    """
    if isinstance(data, str):
        try:
            return parse_criterion(data, words)
        except LanguageError as error:
            complain(path, error)
            return Always()
    if not isinstance(data, dict) or len(data) != 1:
        complain(path, LanguageError("a condition is one line, or one of " + ", ".join(_CONNECTIVES)))
        return Always()
    (connective, inner), *_ = data.items()
    below = (*path, connective)
    match connective:
        case "all" | "any":
            if not isinstance(inner, list) or not inner:
                complain(below, LanguageError(f"«{connective}» needs a list of at least one condition"))
                return Always()
            parts = tuple(read_condition(part, words, complain, (*below, at)) for at, part in enumerate(inner))
            return All(parts) if connective == "all" else AnyOf(parts)
        case "not":
            return Not(read_condition(inner, words, complain, below))
        case "any_lesion":
            where = read_condition(inner, words, complain, below)
            return CountLesions(_unnested(where, below, complain), ">=", 1.0, "any lesion: " + outline(inner))
        case "every_lesion":
            where = read_condition(inner, words, complain, below)
            # Every lesion fulfils it when no lesion fails to.
            failing = Not(_unnested(where, below, complain))
            return Not(CountLesions(failing, ">=", 1.0, "a lesion that is not: " + outline(inner)))
        case "count_lesions":
            if not isinstance(inner, dict) or set(inner) != {"where", "is"}:
                complain(below, LanguageError("«count_lesions» needs «where» and «is», as in {where: …, is: '> 3'}"))
                return Always()
            where = read_condition(inner["where"], words, complain, (*below, "where"))
            shown = f"lesions with {outline(inner['where'])}: {inner['is']}"
            try:
                return parse_count(str(inner["is"]), _unnested(where, below, complain), shown)
            except LanguageError as error:
                complain((*below, "is"), error)
                return Always()
    complain(
        path,
        LanguageError(
            "unknown connective", offender=str(connective), suggestion=nearest(str(connective), _CONNECTIVES)
        ),
    )
    return Always()


def _unnested(where: Node, path: Path, complain: Complain) -> Node:
    if any(isinstance(leaf, CountLesions) for leaf in leaves(where)):
        complain(path, LanguageError("a question about lesions cannot stand inside another one"))
    return where


def outline(data: Any) -> str:
    """A condition on one line, for display."""
    if isinstance(data, str):
        return data
    if isinstance(data, dict) and len(data) == 1:
        (connective, inner), *_ = data.items()
        if isinstance(inner, list):
            joint = " and " if connective == "all" else " or "
            return "(" + joint.join(outline(part) for part in inner) + ")"
        return f"{connective} ({outline(inner)})"
    return str(data)
