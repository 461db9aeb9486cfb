"""Every mistake that the loader can tell is told in French as well."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.language.errors import Mistake
from service.web.committee.mistakes import in_french, told

#: what words a mistake, by the name of the call, and which of its arguments is the message
CALLS = {"LanguageError": 0, "_at": 1, "complain": 2, "mistake": 1, "Mistake": 3, "lookup": 2}


def worded(node: ast.expr) -> str | None:
    """A message as it would come out, with a word in each of its gaps; None when it is made elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "gap" for part in parts)
        case ast.BinOp(left=left, op=ast.Add()):
            return f"{worded(left)}gap"
    return None


def messages(root: Path) -> Iterator[tuple[str, str]]:
    for folder in ("language", "rulebook"):
        for path in sorted((root / "service" / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = ast.unparse(node.func).rpartition(".")[2]
                at = CALLS.get(name)
                if at is None or at >= len(node.args) or any(isinstance(each, ast.Starred) for each in node.args):
                    continue
                message = worded(node.args[at])
                if message:
                    yield f"{path.name}:{node.lineno}", f"unknown {message}" if name == "lookup" else message


def test_every_message_of_the_loader_is_known_in_french(root: Path) -> None:
    found = list(messages(root))
    assert len(found) > 70
    unknown = [
        (where, message)
        for where, message in found
        # Made of parts: the kind that is looked up, the type that is needed.
        if in_french(message) is None
        and message not in ("unknown gap", "gap is needed", "gap", "points, written without a unit")
    ]
    assert unknown == []


@pytest.mark.parametrize(
    ("message", "french"),
    [
        ("unknown item", "item inconnu"),
        ("unknown technique", "technique inconnue"),
        ("unknown key", "clé inconnue"),
        ("a list is needed", "il faut une liste"),
        ("not valid YAML: could not find expected ':'", "YAML illisible : il manque un deux-points"),
        ("not valid YAML: something else", "YAML illisible : something else"),
        ("needs a unit after the number, as in «G/L»", "demande une unité après le nombre, comme « G/L »"),
        (
            "outside the plausible range of blood.inr (0.5 to 15)",
            "hors de l’intervalle plausible de blood.inr (de 0.5 à 15)",
        ),
        ("score.sins is in points, written without a unit", "score.sins est en points, écrits sans unité"),
        ("this id is taken (a.yaml:3)", "cet identifiant est déjà pris (a.yaml:3)"),
        ("a technique's own rule is already narrow", "une règle d’une technique ne vise déjà qu’elle"),
    ],
)
def test_some_in_full(message: str, french: str) -> None:
    assert in_french(message) == french


def test_what_is_not_known_stays_in_english() -> None:
    assert in_french("quite another thing") is None
    mistake = Mistake("a.yaml", 1, 1, "quite another thing", "x", "y")
    assert told(mistake, "fr") == "quite another thing « x » ; vouliez-vous dire « y » ?"
    assert told(mistake, "en") == "quite another thing «x»; did you mean «y»?"
