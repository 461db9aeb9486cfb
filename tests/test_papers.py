"""The papers name what is there: every test of the risk table and the threat model exists, every command, every file."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from service.cli import register
from service.web import create_app

ROOT = Path(__file__).parent.parent
PAPERS = (
    "SECURITY.md",
    "docs/risks.md",
    "docs/threat-model.md",
    "docs/intended-use.md",
    "docs/runbook.md",
    "docs/settings.md",
)
#: every page that tells somebody what to type
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*"))
    if path.is_file()
)
#: commands that Flask has of its own
OF_FLASK = {"run", "routes", "shell"}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def rows(page: str, letter: str) -> list[list[str]]:
    """The rows of the table whose lines begin with R1, T1 …, cell by cell."""
    lines = re.findall(rf"^\| {letter}\d+ \|.*$", text(page), re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse(text(file))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("page", [page for page in PAPERS if NAMED.search(text(page))])
def test_every_test_that_is_named_exists(page: str) -> None:
    named = NAMED.findall(text(page))
    assert [
        f"{file}::{name}" for file, name in named if not (ROOT / file).is_file() or name not in functions_of(file)
    ] == []


@pytest.mark.parametrize(("page", "letter", "column"), [("docs/risks.md", "R", 5), ("docs/threat-model.md", "T", 4)])
def test_every_row_has_its_control_and_its_test(page: str, letter: str, column: int) -> None:
    found = rows(page, letter)
    assert len(found) >= 20
    assert [row[0] for row in found] == [f"{letter}{number}" for number in range(1, len(found) + 1)]
    assert {len(row) for row in found} == {7 if letter == "R" else 6}
    for row in found:
        assert all(row), row[0]
        assert NAMED.findall(row[column]), f"{row[0]}: no test"
        assert not re.sub(r"`tests/[\w/]+\.py::\w+`|[, ]", "", row[column]), f"{row[0]}: more than tests"


def commands(page: str) -> Iterator[tuple[list[str], set[str]]]:
    """What is typed after `flask`, in code: the words that may be commands, and the options."""
    for part in re.findall(
        r"`[^`\n]+`|```.*?```|^(?:    |#  ).*$", text(page).replace("\\\n", " "), re.DOTALL | re.MULTILINE
    ):
        for typed in re.findall(r"\bflask ([a-z][^\n`#|;]*)", part):
            typed = typed.partition("&&")[0]
            words = re.match(r"[a-z][a-z-]*(?: [a-z][a-z-]+)*", typed)
            assert words is not None
            yield words[0].split(), set(re.findall(r"(?<!\S)--[a-z][a-z-]+", typed))


@pytest.fixture(scope="module")
def cli() -> click.Group:
    app = create_app()
    register(app)
    return app.cli


@pytest.mark.parametrize("page", PAGES)
def test_every_flask_command_and_option_exists(page: str, cli: click.Group) -> None:
    for words, options in commands(page):
        if words[0] in OF_FLASK:
            continue
        command: click.Command = cli
        for word in words:
            if not isinstance(command, click.Group):
                break  # what follows are its arguments
            assert word in command.commands, f"{page}: flask {' '.join(words)}"
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert options <= known, f"{page}: flask {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES)
def test_every_script_exists(page: str) -> None:
    for name in re.findall(r"\bscript/([a-z]+)", text(page)):
        assert (ROOT / "script" / name).stat().st_mode & 0o111, f"{page}: script/{name}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".md")])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text(page)):
        assert ((ROOT / page).parent / target).exists(), target


def blocks_by_shell(page: str) -> Iterator[tuple[str, str]]:
    """What is typed, line by line, and into whose shell; "" where nothing says it."""
    for block in re.findall(r"^```sh\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE):
        shell = ""
        for line in block.splitlines():
            if line in ("# root:", "# indication:"):
                shell = line.strip("# :")
            else:
                yield shell, line


def test_the_runbook_says_whose_shell_each_line_is_for() -> None:
    """The service's user may become nobody else; and what root writes into the state folder that user cannot open."""
    typed = list(blocks_by_shell("docs/runbook.md"))
    assert {shell for shell, _ in typed} == {"root", "indication"}
    assert [line for _, line in typed if "sudo" in line] == ["sudo -i", "sudo -u indication -s"]
    of_root = r"systemctl|\bgit |script/setup|\beditor |\bln |useradd"
    assert [line for shell, line in typed if shell == "indication" and re.search(of_root, line)] == []
    assert [line for shell, line in typed if shell == "root" and re.match(r"flask |.*\bflask audit", line)] == []


def test_every_metric_that_the_runbook_names_exists() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "service/web/metrics").glob("*.py"))
    named = set(re.findall(r"`(indication_[a-z_]+?)(?:_total|_bucket)?(?=[{`])", text("docs/runbook.md")))
    assert len(named) > 10
    assert {name for name in named if f'"{name}"' not in source} == set()


@pytest.mark.skipif(not (ROOT / "deploy/prometheus-alerts.yaml").exists(), reason="no alarms are defined yet")
def test_every_alarm_is_explained() -> None:
    alarms = re.findall(r"alert: (\w+)", text("deploy/prometheus-alerts.yaml"))
    assert [alarm for alarm in alarms if f"`{alarm}`" not in text("docs/runbook.md")] == []
