"""What a request asks for beside its body: the language, and the parameters of its address."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from flask import request
from marshmallow import ValidationError

from service.decision import Detail, Language
from service.language.errors import nearest
from service.language.vocabulary import Text
from service.referral.schema import parse_day
from service.web.problem import Fault, Problem

Read = TypeVar("Read")

#: a moment of evaluation outside these years is a slip of the pen
YEARS = (2000, 2099)


def language() -> Language:
    """The language that the request likes best, French when it names neither."""
    for wanted in request.accept_languages.values():
        match wanted.lower().partition("-")[0]:
            case "fr" | "en" as known:
                return known
            case "*":
                return "fr"
    return "fr"


def only(*known: str) -> None:
    """Refuses parameters that are not known or are given twice: one that is silently ignored misleads."""
    faults = []
    for name, values in request.args.lists():
        if name not in known:
            faults.append(_unknown(name, known))
        elif len(values) > 1:
            faults.append(_fault(name, "given_twice", "donné deux fois", "given twice"))
    if faults:
        raise Problem("bad-parameter", faults=faults)


def parameter(name: str, read: Callable[[str], Read], default: Read) -> Read:
    given = request.args.get(name)
    return default if given is None else read(given)


def detail() -> Detail:
    """`?trace=`: the decisive reasons, or every rule considered."""
    return parameter("trace", _detail, "decisive")


def _detail(given: str) -> Detail:
    match given:
        case "decisive" | "full":
            return given
    raise Problem("bad-parameter", faults=[_not_one_of("trace", given, ("decisive", "full"))])


def moment() -> datetime:
    """`?at=`: the time of evaluation, now by default."""
    return parameter("at", _moment, None) or datetime.now(UTC).replace(microsecond=0)


def _moment(given: str) -> datetime | None:
    try:
        # In an address a plus sign means a space: +01:00 arrives as « 01:00».
        at = parse_day(given.replace(" ", "+"))
    except ValidationError:
        at = None
    if isinstance(at, datetime) and YEARS[0] <= at.year <= YEARS[1]:
        return at
    raise Problem(
        "bad-parameter",
        faults=[
            _fault(
                "at",
                "bad_moment",
                f"il faut une date et une heure de {YEARS[0]} à {YEARS[1]}, comme 2026-11-23T09:00:00+01:00",
                f"a date and time from {YEARS[0]} to {YEARS[1]} is needed, as in 2026-11-23T09:00:00+01:00",
            )
        ],
    )


def one_of(name: str, known: Iterable[str]) -> str | None:
    """A parameter that must be one of `known`, or absent."""
    given = request.args.get(name)
    if given is None or given in (words := list(known)):
        return given
    raise Problem("bad-parameter", faults=[_not_one_of(name, given, words)])


def _not_one_of(name: str, given: str, known: Iterable[str]) -> Fault:
    words = sorted(known)
    near = nearest(given[:60], words)
    listed = ", ".join(words)
    return _fault(
        name,
        "unknown_word",
        f"« {given[:60]} » n’est pas accepté{f' ; vouliez-vous dire « {near} » ?' if near else ''} (acceptés : {listed})",
        f"«{given[:60]}» is not accepted{f'; did you mean «{near}»?' if near else ''} (accepted: {listed})",
    )


def _unknown(name: str, known: tuple[str, ...]) -> Fault:
    listed = ", ".join(known)
    return _fault(
        name[:60],
        "unknown_parameter",
        "paramètre inconnu" + (f" (connus : {listed})" if known else " : cette adresse n’en a pas"),
        "unknown parameter" + (f" (known: {listed})" if known else ": this address has none"),
    )


def _fault(name: str, code: str, fr: str, en: str) -> Fault:
    return Fault(code, Text(fr, en), parameter=name)
