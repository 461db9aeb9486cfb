"""Durations and how a number with a unit is read."""

from service.language.errors import LanguageError, nearest

#: Hours in one unit of time. A month is 30 days and a year 365 days, stated in docs/rule-language.md.
HOURS = {"min": 1 / 60, "h": 1.0, "d": 24.0, "wk": 168.0, "mo": 720.0, "y": 8760.0}


def hours(text: str) -> float:
    """`"72 h"` -> 72.0. Raises LanguageError on anything but a number, a space and a unit of time."""
    number, _, unit = text.strip().partition(" ")
    try:
        value = float(number)
    except ValueError:
        raise LanguageError("a duration is a number and a unit, as in «72 h»", offender=text) from None
    if unit not in HOURS:
        raise LanguageError(
            f"unknown unit of time (known: {', '.join(HOURS)})", offender=unit, suggestion=nearest(unit, HOURS)
        )
    return value * HOURS[unit]
