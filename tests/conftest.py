"""What every test may ask for."""

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.cli import register
from service.rulebook.model import Rulebook
from service.selftest import vector
from service.web import create_app

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def app() -> Flask:
    """The application over the project's own rules, with the commands."""
    app = create_app({"RULES": ROOT / "rules", "TESTING": True, "WARM": True})
    register(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def rulebook(app: Flask) -> Rulebook:
    """The project's own rules."""
    book: Rulebook = app.extensions["indication"].desk().decider.rulebook
    return book


@pytest.fixture
def referral() -> dict[str, Any]:
    """An ordinary referral, to be changed at will."""
    changeable: dict[str, Any] = copy.deepcopy(vector().referral)
    return changeable


@pytest.fixture(scope="session")
def at() -> datetime:
    """The moment at which `referral` is decided."""
    return vector().at
