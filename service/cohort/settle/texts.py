"""Text read as numbers, days and instants. Checked by its form before it is cast, since a database stops at a bad cast."""

from typing import Any, Final, cast

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

# ---- functions that every dialect has under the same name, and that Ibis writes at greater length ----


def _of_one(text: Any) -> None: ...


def _of_two(text: Any, start: Any) -> None: ...


def _of_three(text: Any, first: Any, second: Any) -> None: ...


# They are declared by their types alone: nothing of them runs here.
_known: Final[Any] = ibis.udf.scalar.builtin
_TRIM: Final = _known(_of_one, name="trim", signature=((dt.string,), dt.string))
_FLOOR: Final = _known(_of_one, name="floor", signature=((dt.float64,), dt.int64))
_REST: Final = _known(_of_two, name="substr", signature=((dt.string, dt.int32), dt.string))
_SUBSTR: Final = _known(_of_three, name="substr", signature=((dt.string, dt.int32, dt.int32), dt.string))
_SPLIT_PART: Final = _known(_of_three, name="split_part", signature=((dt.string, dt.string, dt.int32), dt.string))


def floor(number: ir.Value) -> ir.Value:
    """The whole number below, still as a double: Ibis would cast it to an integer, which stops at what has none."""
    return cast("ir.Value", _FLOOR(number).cast("float64"))


def trimmed(text: ir.Value) -> ir.StringValue:
    """Without the blanks around it; NULL when nothing is left."""
    return stripped(text).nullif("")


def stripped(text: ir.Value) -> ir.StringValue:
    """Without the blanks around it."""
    return cast("ir.StringValue", _TRIM(text))


def part(text: ir.Value, number: int) -> ir.StringValue:
    """The part of `a|b|c` with this number, from 1."""
    return cast("ir.StringValue", _SPLIT_PART(text, "|", number))


# ---- numbers ----

#: as in JSON, without an exponent
_NUMBER: Final = r"^ *-?[0-9]+(\.[0-9]+)? *$"
#: characters of the longest number that is read: no measurement has more, and databases refuse a number without bounds
_LONGEST: Final = 40


def number(text: ir.Value) -> ir.FloatingValue:
    """The number that a text is, blanks around it or not; NULL when it is none."""
    plain = stripped(text)
    usable = cast("ir.StringValue", text).re_search(_NUMBER) & (plain.length() <= _LONGEST)
    return cast("ir.FloatingValue", usable.ifelse(plain.try_cast("float64"), ibis.null("float64")))


# ---- days and instants ----

_CENTURY: Final = "(19|20|21)"
_LEAP: Final = f"({_CENTURY}(0[48]|[2468][048]|[13579][26])|2000)"
_DAY: Final = (
    f"({_CENTURY}[0-9]{{2}}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
#: databases write whole hours of a zone without minutes
_ZONE: Final = "(Z|[+-]([01][0-9]|2[0-3])(:[0-5][0-9])?)"
_MOMENT: Final = f"^ *{_DAY}([T ]{_CLOCK}{_ZONE}?)? *$"
#: what a zone begins with, and nothing else behind the minutes
_ZONED: Final = "[Z+-]"
#: the length of a day, as in 2026-11-23, and of a minute of it, as in 2026-11-23T09:00
_OF_DAY: Final = 10
_OF_MINUTE: Final = 16


def moment(text: ir.Value) -> ir.StringValue:
    """A text that is a day of the calendar, or an instant or local time of one, between 1900 and 2199; else NULL."""
    is_moment = cast("ir.StringValue", text).re_search(_MOMENT)
    return cast("ir.StringValue", is_moment.ifelse(stripped(text), ibis.null("string")))


def has_clock(moment: ir.StringValue) -> ir.BooleanValue:
    """Whether more than the day is told. `moment` is one."""
    return cast("ir.BooleanValue", moment.length() > _OF_DAY)


def has_zone(moment: ir.StringValue) -> ir.BooleanValue:
    """Whether it is an instant, not a local time. `moment` is one."""
    return _REST(moment, _OF_MINUTE + 1).re_search(_ZONED)


def day(moment: ir.StringValue) -> ir.DateValue:
    """The day that is written. `moment` is one."""
    return cast("ir.DateValue", _SUBSTR(moment, 1, _OF_DAY).try_cast("date"))


def local(moment: ir.StringValue) -> ir.TimestampValue:
    """The local time that is written. `moment` is one without a zone."""
    return cast("ir.TimestampValue", moment.try_cast("timestamp"))


def instant(moment: ir.StringValue) -> ir.TimestampValue:
    """The instant that is written. `moment` is one with a zone."""
    return cast("ir.TimestampValue", moment.try_cast(dt.Timestamp(timezone="UTC")))
