"""What import-linter cannot say: one door to the engine, and no clinical knowledge in Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.reading import ROOT, decider

ADAPTER = "service/run/adapter.py"
MODULES = sorted((ROOT / "service").rglob("*.py"))
#: floors where a verdict is made: a number there could be a clinical threshold
DECIDING = ("language", "rulebook", "run", "recommend", "referral", "tell")

#: numbers that code may compare with: none, one, and twice. Every other one is listed here with what it counts
NUMBERS = {0, 1, -1, 2}
KNOWN_NUMBERS = {
    "service/recommend/options.py": {24},  # hours in a day
    "service/referral/case.py": {24, 3600},  # hours in a day, seconds in an hour
    "service/referral/complaints.py": {10, 15},  # 10**15: where digits stop telling anything
    "service/referral/schema.py": {10, 15, 200},  # likewise; the length of a date; words in one list
    "service/rulebook/shape.py": {60},  # characters shown
    "service/tell/values.py": {72},  # hours after which days are told
    "service/tell/words.py": {24},  # hours in a day
}
#: words of the rulebook that code may know, because they are words of the language itself, with the reason
KNOWN_WORDS = {
    "service/cohort/layout.py": {"none"},  # no column, in English
    "service/cohort/summary/counting.py": {"percutaneous"},  # the trait of the acts that a cohort is asked about
    "service/fhir/observations.py": {"comparator"},  # FHIR's own name for < and > before a figure
    "service/fhir/unused.py": {"comparator"},  # likewise
    "service/language/parser.py": {"none"},  # a position: no position is needed
    "service/recommend/session.py": {"percutaneous"},  # acts that are done in a session
    "service/settings/table.py": {"none"},  # nothing is set, in English
    "service/tell/values.py": {"none"},  # an empty list, in English
    "service/web/cds/discovery.py": {"allergies", "devices"},  # prefetch keys
    "service/web/form/same_origin.py": {"none"},  # where a browser says that a request comes from
    "service/web/form/result_trace.py": {"none"},  # an empty list, in English
    "service/web/form/view.py": {"none"},  # likewise
    "service/tell/words.py": {"none"},  # no indication, no certainty, in English
    "service/workbench/decision_tables/xlsx.py": {"left"},  # how a cell is aligned
    "service/workbench/borderline/told.py": {"none"},  # an empty list, in English
    "service/bundle/manifest.py": {"mixed"},  # a grade of a change, as in differences/change.py
    "service/workbench/publish/numbering.py": {"mixed"},  # likewise
    "service/workbench/differences/change.py": {"mixed"},  # a grade of a change: stricter for some, freer for others
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            # importlib.import_module("durable…"), __import__("durable…")
            name = ast.unparse(node.func)
            if name.endswith(("import_module", "__import__", "find_spec")):
                yield str(node.args[0].value)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text in code, but not what documents it."""
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.lineno, node.value


def compared_numbers(tree: ast.AST) -> Iterator[tuple[int, float]]:
    for node in ast.walk(tree):
        sides: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max", "range"):
            sides = node.args
        elif isinstance(node, ast.match_case) and isinstance(node.pattern, ast.MatchValue):
            sides = [node.pattern.value]
        for side in sides:
            for part in ast.walk(side):
                if isinstance(part, ast.Constant) and type(part.value) in (int, float) and not _index(part, side):
                    yield part.lineno, part.value


def _index(number: ast.Constant, inside: ast.AST) -> bool:
    """Whether a number only picks a part of a text or list: `name[2:]`, `text.partition(".")[2]`."""
    return any(isinstance(part, ast.Subscript) and number in ast.walk(part.slice) for part in ast.walk(inside))


def rulebook_words() -> set[str]:
    """Every name that means something clinical: items, rules, techniques, scores, settings, traits, modes, words of choices."""
    rulebook = decider().rulebook
    words: set[str] = {mode for _, mode in rulebook.modes}
    for named in (rulebook.vocabulary.items, rulebook.rules, rulebook.techniques, rulebook.scores, rulebook.settings):
        words |= set(named)
    words |= set(rulebook.traits) | set(rulebook.sources)
    return words | {word for item in rulebook.vocabulary for word in item.choices}


def test_the_checks_below_see_what_they_look_for() -> None:
    code = 'import durable_rules_engine\nif x["blood.platelets"] < 50 or y[3:] == "a":\n    max(7, z)\n__import__("durable.lang")'
    tree = ast.parse(code)
    assert list(imported(tree)) == ["durable_rules_engine", "durable.lang"]
    assert (2, "blood.platelets") in set(strings(tree))
    assert {number for _, number in compared_numbers(tree)} == {50, 7}


@pytest.mark.parametrize("path", [*MODULES, ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"], ids=relative)
def test_only_the_adapter_touches_the_engine(path: Path) -> None:
    engines = [name for name in imported(parsed(path)) if name.split(".")[0] in ("durable", "durable_rules_engine")]
    assert bool(engines) == (relative(path) == ADAPTER)


def test_no_clinical_name_stands_in_code() -> None:
    """A rule that was written in Python would be seen here: it has to name what it speaks of."""
    words = rulebook_words()
    dotted = re.compile("|".join(re.escape(item) for item in sorted(words, key=len, reverse=True) if "." in item))
    found = []
    for path in MODULES:
        allowed = KNOWN_WORDS.get(relative(path), set())
        for line, text in strings(parsed(path)):
            if (text in words and text not in allowed) or dotted.search(text):
                found.append(f"{relative(path)}:{line}: {text}")
    assert found == []


@pytest.mark.parametrize("floor", DECIDING)
def test_no_threshold_stands_in_code(floor: str) -> None:
    found = []
    for path in MODULES:
        if path.is_relative_to(ROOT / "service" / floor):
            allowed = NUMBERS | KNOWN_NUMBERS.get(relative(path), set())
            found += [
                f"{relative(path)}:{line}: {number:g}"
                for line, number in compared_numbers(parsed(path))
                if number not in allowed
            ]
    assert found == []


def test_the_lists_of_exceptions_hold_no_more_than_they_must() -> None:
    for name, words in KNOWN_WORDS.items():
        assert words <= {text for _, text in strings(parsed(ROOT / name))}, name
    for name, numbers in KNOWN_NUMBERS.items():
        assert numbers <= {number for _, number in compared_numbers(parsed(ROOT / name))}, name


def test_rule_files_are_data() -> None:
    """No Python beside the rules, and nothing in the service that would run what a file says."""
    assert [path.name for path in (ROOT / "rules").rglob("*") if path.is_file() and path.suffix != ".yaml"] == []
    running = ("eval", "exec", "compile", "yaml.load", "pickle.loads")
    dangerous = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in running
    ]
    # The reader composes YAML nodes and converts them itself; the reference meaning may compile the checked tree.
    assert [place for place in dangerous if not place.startswith("service/language/meaning.py")] == []


#: the shadow decides in the dark, and nothing of it leaves
DECIDE_FOR_A_DOOR = {"service/web/decisions.py", "service/web/shadow/process.py"}


def test_every_door_decides_in_one_place() -> None:
    """What leaves must be recorded, and it is recorded where it is decided."""
    calls = re.compile(r"\b(decider\.(decide|decide_json|recommend|considered)|Judge)\(")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "service" / "web").rglob("*.py")
        if calls.search(path.read_text(encoding="utf-8"))
    }
    assert found == DECIDE_FOR_A_DOOR
