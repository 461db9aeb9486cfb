"""A door that knows only the commands, over one rulebook loaded once, and folders of cases that may be spoiled."""

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from service.cli import register
from tests.fixtures.reading import REFERRALS, ROOT, RULES, decider

#: what a command ended with: code, output, errors
Ended = tuple[int, str, str]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs a command in the project's folder. The rules are read anew only when `--rules` names others."""
    app = Flask(__name__)
    app.config.from_mapping(RULES=RULES, EXAMPLES=REFERRALS)
    register(app)
    monkeypatch.chdir(ROOT)
    # By name: `service.cli.add_case` is the command, once the door has been opened.
    for module in map(importlib.import_module, ("service.cli.cases", "service.cli.add_case")):
        load, make = module.loaded, module.Decider
        monkeypatch.setattr(module, "loaded", lambda folder, load=load: load(folder) if folder else decider().rulebook)
        monkeypatch.setattr(
            module, "Decider", lambda book, make=make: decider() if book is decider().rulebook else make(book)
        )

    def run(*arguments: Any, input: str | None = None) -> Ended:  # noqa: A002 - click's own word
        result = app.test_cli_runner().invoke(args=["rules", *map(str, arguments)], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three cases: one with an alert-free answer, one deferred, one refused."""
    for name in ("vertebroplasty-complete-referral", "platelets-32", "platelets-implausible"):
        shutil.copy(REFERRALS / f"{name}.yaml", tmp_path)
    return tmp_path


def spoil(path: Path, good: str, bad: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert good in text
    path.write_text(text.replace(good, bad, 1), encoding="utf-8")
