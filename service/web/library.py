"""GET: the rulebook, its rules, and the words that a referral may use."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response

from service.language.errors import nearest
from service.language.vocabulary import Text
from service.web import asked
from service.web.answering import identified, json_response
from service.web.problem import Problem
from service.web.state import Desk, state

blueprint = Blueprint("library", __name__, url_prefix="/v1")


@blueprint.get("/rulebook")
def rulebook() -> Response:
    asked.only()
    desk = state().desk()
    return _told(desk, {**desk.catalogue.summary, "published": desk.published})


@blueprint.get("/rulebook/rules")
def rules() -> Response:
    asked.only("technique", "topic")
    desk = state().desk()
    technique = asked.one_of("technique", desk.decider.rulebook.techniques)
    topic = asked.one_of("topic", desk.catalogue.topics)
    return _told(desk, {"rules": desk.catalogue.rules(technique, topic)})


@blueprint.get("/rulebook/rules/<name>")
def rule(name: str) -> Response:
    asked.only()
    desk = state().desk()
    return _found(desk, desk.catalogue.rule, name, desk.decider.rulebook.rules)


@blueprint.get("/vocabulary")
def vocabulary() -> Response:
    asked.only()
    desk = state().desk()
    return _told(desk, desk.catalogue.vocabulary)


@blueprint.get("/vocabulary/<name>")
def item(name: str) -> Response:
    asked.only()
    desk = state().desk()
    return _found(desk, desk.catalogue.item, name, desk.decider.rulebook.vocabulary.items)


@blueprint.get("/techniques")
def techniques() -> Response:
    asked.only()
    desk = state().desk()
    return _told(desk, {"techniques": desk.catalogue.techniques})


@blueprint.get("/techniques/<name>")
def technique(name: str) -> Response:
    asked.only()
    desk = state().desk()
    return _found(desk, desk.catalogue.technique, name, desk.decider.rulebook.techniques)


@blueprint.get("/scores")
def scores() -> Response:
    asked.only()
    desk = state().desk()
    return _told(desk, {"scores": desk.catalogue.scores})


@blueprint.get("/scores/<name>")
def score(name: str) -> Response:
    asked.only()
    desk = state().desk()
    return _found(desk, desk.catalogue.score, name, desk.decider.rulebook.scores)


def _told(desk: Desk, value: Any) -> Response:
    return identified(json_response(value), desk.decider.rulebook)


def _found(desk: Desk, tell: Callable[[str], Any], name: str, known: Iterable[str]) -> Response:
    if name in known:
        return _told(desk, tell(name))
    near = nearest(name[:60], known)
    raise Problem(
        "not-found",
        detail=Text(
            f"« {name[:60]} » n’existe pas{f' ; vouliez-vous dire « {near} » ?' if near else '.'}",
            f"«{name[:60]}» does not exist{f'; did you mean «{near}»?' if near else '.'}",
        ),
    )
