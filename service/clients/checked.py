"""What the fields of the file of clients share: checked one by one in our own words, every mistake kept with its place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from service.language.errors import nearest

MOST_LEEWAY = 120
LONGEST = 500

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+\Z")
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Wrong:
    message: str
    offender: str = ""
    suggestion: str | None = None


def flattened(messages: Any, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Wrong]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from flattened(inner, keys if key == "_schema" else (*keys, key))
    elif isinstance(messages, list):
        for message in messages:
            yield from flattened(message, keys)
    else:
        yield keys, messages if isinstance(messages, Wrong) else Wrong(str(messages))


def refuse(message: str, offender: object = "", suggestion: str | None = None) -> ValidationError:
    shown = str(offender)
    return ValidationError([Wrong(message, shown if len(shown) <= 80 else shown[:80] + "…", suggestion)])


class Checked(fields.Field[Any]):
    """A field that is checked by its own `_deserialize`, in our own words. A key without a value is a mistake."""

    def __init__(self, *, allow_none: bool = False, **kwargs: Any) -> None:
        super().__init__(allow_none=allow_none, **kwargs)

    default_error_messages = {  # noqa: RUF012 - as marshmallow has it; it passes messages on as they are
        "required": Wrong("is missing"),  # type: ignore[dict-item]  # marshmallow types texts; it passes on whatever it is given
        "null": Wrong("has no value: give one, or leave the key out"),  # type: ignore[dict-item]  # likewise
    }


class Words(Checked):
    def __init__(self, known: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.known = known

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise refuse(f"a list is needed, of: {', '.join(self.known)}", value)
        return tuple(dict.fromkeys(each_of(value, lambda word: one_word(word, self.known))))


class Leeway(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is int and 0 <= value <= MOST_LEEWAY:
            return value
        raise refuse(
            f"a whole number of seconds from 0 to {MOST_LEEWAY} is needed; more would hide a wrong clock", value
        )


def nested(wrongs: Iterator[tuple[tuple[str | int, ...], Wrong]] | Any) -> dict[Any, Any]:
    """marshmallow's shape of messages: dictionaries down to the lists."""
    messages: dict[Any, Any] = {}
    for keys, wrong in wrongs:
        inner = messages
        for key in keys:
            inner = inner.setdefault(key, {})
        inner.setdefault("_schema", []).append(wrong)
    return messages


def each_of(values: list[Any], check: Any) -> list[Any]:
    checked, wrong = [], {}
    for at, value in enumerate(values):
        try:
            checked.append(check(value))
        except ValidationError as error:
            wrong[at] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return checked


def one_word(word: Any, known: Sequence[str]) -> str:
    if isinstance(word, str) and word in known:
        return word
    raise refuse(f"not accepted (accepted: {', '.join(known)})", word, nearest(str(word)[:60], known))


def address_parts(value: Any) -> Any:
    """The parts of an address, or None when it is none, or holds what an address of a service never holds."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not URI.match(value):
        return None
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    plain = parts.username is None and not parts.fragment and "#" not in value
    return parts if host and plain else None


def is_secure(parts: Any) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)


def plain_address(value: Any) -> str:
    parts = address_parts(value)
    if parts is None or not is_secure(parts) or "?" in value:
        raise refuse("an https address without ? or # is needed (http for this machine alone, to try)", value)
    return str(value)


def https_address(value: Any) -> str:
    parts = address_parts(value)
    if parts is None or parts.scheme != "https":
        raise refuse("an https address is needed, letter for letter as the tokens name it", value)
    return str(value)


def unknown_keys(data: Mapping[Any, Any], known: Sequence[str]) -> dict[Any, list[Wrong]]:
    return {
        key: [Wrong(f"unknown key (known: {', '.join(known)})", str(key)[:60], nearest(str(key)[:60], known))]
        for key in data
        if key not in known
    }


class Strict(Schema):
    class Meta:
        # `_others` refuses them, with the nearest right word.
        unknown = EXCLUDE

    error_messages = {"type": Wrong("a mapping is needed (key: value)")}  # type: ignore[dict-item]  # noqa: RUF012 - likewise

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _others(self, data: Any, original_data: Any, **_: Any) -> None:
        if isinstance(original_data, dict) and (wrong := unknown_keys(original_data, list(self.fields))):
            raise ValidationError(wrong)
