"""The file that says which EHRs may call: read whole, and every mistake told at once, with its place and how to mend it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from service.clients.keys import ALGORITHMS, MAX_KEY_SET, read_key_set
from service.language.errors import Mistake, nearest
from service.rulebook.source import Document, read

HOOKS = ("order-select", "order-sign", "patient-view")
LANGUAGES = ("fr", "en")
MOST_LEEWAY = 120
MOST_CLIENTS = 200
LONGEST = 500
#: what a client may do when its entry does not say
DEFAULT_HOOKS = ("order-select", "order-sign")
DEFAULT_LEEWAY = 30

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+\Z")
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Wrong:
    message: str
    offender: str = ""
    suggestion: str | None = None


def read_file(path: Path) -> tuple[list[dict[str, Any]], list[Mistake]]:
    """The entries of the file, checked, with what is left out filled in; or every mistake in it. Never raises on content."""
    try:
        document, mistakes = read(path, path.name)
    except OSError as error:
        return [], [Mistake(path.name, 1, 1, f"cannot be read: {error.strerror or type(error).__name__}")]
    if document.data is None:
        return [], mistakes
    try:
        checked = _File(path.parent).load(document.data)
    except ValidationError as error:
        mistakes += [_mistake(document, keys, wrong) for keys, wrong in _flat(error.messages)]
        return [], sorted(set(mistakes))
    entries: list[dict[str, Any]] = checked["clients"]
    mistakes += [_mistake(document, keys, wrong) for keys, wrong in _twice(entries)]
    return ([], sorted(set(mistakes))) if mistakes else (entries, [])


def _mistake(document: Document, keys: tuple[str | int, ...], wrong: Wrong) -> Mistake:
    where = ".".join(map(str, keys)) or "the file"
    return document.mistake(keys, f"{where}: {wrong.message}", offender=wrong.offender, suggestion=wrong.suggestion)


def _flat(messages: Any, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Wrong]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _flat(inner, keys if key == "_schema" else (*keys, key))
    elif isinstance(messages, list):
        for message in messages:
            yield from _flat(message, keys)
    else:
        yield keys, messages if isinstance(messages, Wrong) else Wrong(str(messages))


def _twice(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[tuple[str | int, ...], Wrong]]:
    for what in ("name", "issuer"):
        seen: set[str] = set()
        for at, entry in enumerate(entries):
            if entry[what] in seen:
                yield ("clients", at, what), Wrong(f"two clients have this {what}: each needs its own")
            seen.add(entry[what])


# ---- one field each --------------------------------------------------------------------------------------------------


def _refuse(message: str, offender: object = "", suggestion: str | None = None) -> ValidationError:
    shown = str(offender)
    return ValidationError([Wrong(message, shown if len(shown) <= 80 else shown[:80] + "…", suggestion)])


class _Checked(fields.Field[Any]):
    """A field that is checked by its own `_deserialize`, in our own words."""

    default_error_messages = {  # noqa: RUF012 - as marshmallow has it; it passes messages on as they are
        "required": Wrong("is missing"),  # type: ignore[dict-item]  # marshmallow types texts; it passes on whatever it is given
        "null": Wrong("has no value: give one, or leave the key out"),  # type: ignore[dict-item]  # likewise
    }


class _Name(_Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, str) and _NAME.match(value):
            return value
        raise _refuse("a short name is needed, for logs: small letters, digits, hyphens, as in general-hospital", value)


class _Issuer(_Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, str) and len(value) <= LONGEST and _URI.match(value):
            return value
        raise _refuse("the URI that stands in the tokens as iss is needed, letter for letter", value)


class _Audiences(_Checked):
    """A list of exact addresses, or one address from which those of the services follow."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | tuple[str, ...]:
        if isinstance(value, str):
            return _address(value).rstrip("/")
        if isinstance(value, list) and value:
            return tuple(_each(value, _address))
        raise _refuse(
            "give the address at which the EHR sees this service (https://…), or the list of the exact addresses it calls"
        )


class _Words(_Checked):
    def __init__(self, known: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.known = known

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise _refuse(f"a list is needed, of: {', '.join(self.known)}", value)
        return tuple(dict.fromkeys(_each(value, lambda word: _word(word, self.known))))


class _Language(_Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return _word(value, LANGUAGES)


class _Leeway(_Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is int and 0 <= value <= MOST_LEEWAY:
            return value
        raise _refuse(
            f"a whole number of seconds from 0 to {MOST_LEEWAY} is needed; more would hide a wrong clock", value
        )


class _Flag(_Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise _refuse("true or false is needed", value)


class _Origins(_Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise _refuse("a list is needed; leave it out when no browser calls", value)
        return tuple(_each(value, _origin))


class _Codes(_Checked):
    """Codes of orders as FHIR writes them in a search: system, a vertical bar, code."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> frozenset[tuple[str, str]]:
        if not isinstance(value, list):
            raise _refuse("a list is needed, as in: [ http://snomed.info/sct|306206005 ]", value)
        return frozenset(_each(value, _code))


class _Keys(_Checked):
    """Where the client's public keys are. What is read is kept: {"found": keys or None, "jku": address or None}."""

    def __init__(self, folder: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        sources = ("jwks", "jwks_file", "jku")
        if not isinstance(value, dict):
            raise _refuse("one of jwks, jwks_file or jku is needed below it")
        wrong: dict[str | int, Any] = dict(_unknown(value, sources))
        found = None
        for source, reading in (("jwks", self._inline), ("jwks_file", self._file)):
            if source in value:
                try:
                    found = reading(value[source])
                except ValidationError as error:
                    wrong[source] = error.messages
        if "jwks" in value and "jwks_file" in value:
            wrong["jwks_file"] = [Wrong("jwks or jwks_file, not both")]
        if not value.keys() & set(sources) and not wrong:
            raise _refuse("one of jwks, jwks_file or jku is needed below it")
        jku = None
        if "jku" in value:
            try:
                jku = _https(value["jku"])
            except ValidationError as error:
                wrong["jku"] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return {"found": found, "jku": jku}

    def _inline(self, value: Any) -> Any:
        found, faults = read_key_set(value)
        if faults:
            raise ValidationError(_nested((keys, Wrong(message)) for keys, message in faults))
        return found

    def _file(self, value: Any) -> Any:
        if not isinstance(value, str) or not value:
            raise _refuse("the path of a JWKS file is needed, from the folder of this file", value)
        path = self.folder / value
        try:
            if path.stat().st_size > MAX_KEY_SET:
                raise _refuse(f"this file is larger than {MAX_KEY_SET} bytes", value)
            data = json.loads(path.read_bytes())
        except OSError as error:
            raise _refuse(f"this file cannot be read ({error.strerror or type(error).__name__})", value) from None
        except (ValueError, RecursionError):
            raise _refuse("this file is not JSON", value) from None
        found, faults = read_key_set(data)
        if faults:
            raise ValidationError(
                [Wrong(f"{'.'.join(map(str, keys)) or 'in it'}: {text}", value) for keys, text in faults]
            )
        return found


def _nested(wrongs: Iterator[tuple[tuple[str | int, ...], Wrong]] | Any) -> dict[Any, Any]:
    """marshmallow's shape of messages: dictionaries down to the lists."""
    messages: dict[Any, Any] = {}
    for keys, wrong in wrongs:
        inner = messages
        for key in keys:
            inner = inner.setdefault(key, {})
        inner.setdefault("_schema", []).append(wrong)
    return messages


def _each(values: list[Any], check: Any) -> list[Any]:
    checked, wrong = [], {}
    for at, value in enumerate(values):
        try:
            checked.append(check(value))
        except ValidationError as error:
            wrong[at] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return checked


def _word(word: Any, known: Sequence[str]) -> str:
    if isinstance(word, str) and word in known:
        return word
    raise _refuse(f"not accepted (accepted: {', '.join(known)})", word, nearest(str(word)[:60], known))


def _parts(value: Any) -> Any:
    """The parts of an address, or None when it is none, or holds what an address of a service never holds."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not _URI.match(value):
        return None
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    plain = parts.username is None and not parts.fragment and "#" not in value
    return parts if host and plain else None


def _secure(parts: Any) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)


def _address(value: Any) -> str:
    parts = _parts(value)
    if parts is None or not _secure(parts) or "?" in value:
        raise _refuse("an https address without ? or # is needed (http for this machine alone, to try)", value)
    return str(value)


def _https(value: Any) -> str:
    parts = _parts(value)
    if parts is None or parts.scheme != "https":
        raise _refuse("an https address is needed, letter for letter as the tokens name it", value)
    return str(value)


def _origin(value: Any) -> str:
    parts = _parts(value)
    if parts is None or not _secure(parts) or value != f"{parts.scheme}://{parts.netloc}" or value != value.lower():
        raise _refuse(
            "an origin is needed as browsers write it: https://host or https://host:port, small letters, no path, no *",
            value,
        )
    return str(value)


def _code(value: Any) -> tuple[str, str]:
    system, bar, code = value.rpartition("|") if isinstance(value, str) else ("", "", "")
    if not bar or not code or not _URI.match(system):
        raise _refuse("system|code is needed, as in http://snomed.info/sct|306206005", value)
    return system, code


def _unknown(data: Mapping[Any, Any], known: Sequence[str]) -> dict[Any, list[Wrong]]:
    return {
        key: [Wrong(f"unknown key (known: {', '.join(known)})", str(key)[:60], nearest(str(key)[:60], known))]
        for key in data
        if key not in known
    }


# ---- the whole -------------------------------------------------------------------------------------------------------


class _Strict(Schema):
    class Meta:
        # `_others` refuses them, with the nearest right word.
        unknown = EXCLUDE

    error_messages = {"type": Wrong("a mapping is needed (key: value)")}  # type: ignore[dict-item]  # noqa: RUF012 - likewise

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _others(self, data: Any, original_data: Any, **_: Any) -> None:
        if isinstance(original_data, dict) and (wrong := _unknown(original_data, list(self.fields))):
            raise ValidationError(wrong)


class _Clients(_Checked):
    def __init__(self, folder: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry = _Strict.from_dict(
            {
                "name": _Name(required=True),
                "issuer": _Issuer(required=True),
                "keys": _Keys(folder, required=True),
                "audiences": _Audiences(required=True),
                "algorithms": _Words(ALGORITHMS, load_default=ALGORITHMS),
                "leeway_seconds": _Leeway(load_default=DEFAULT_LEEWAY),
                "hooks": _Words(HOOKS, load_default=DEFAULT_HOOKS),
                "language": _Language(load_default=None, allow_none=True),
                "origins": _Origins(load_default=()),
                "prefill": _Flag(load_default=False),
                "keep_comments": _Flag(load_default=False),
                "referral_codes": _Codes(load_default=frozenset()),
            },
            name="Client",
        )()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not 0 < len(value) <= MOST_CLIENTS:
            raise _refuse(f"a list of 1 to {MOST_CLIENTS} clients is needed, each beginning with - name: …")
        return _each(value, self._client)

    def _client(self, value: Any) -> dict[str, Any]:
        entry: dict[str, Any] = self.entry.load(value)
        found = entry["keys"]["found"]
        if found is not None and not any(algorithm in entry["algorithms"] for _, algorithm in found):
            served = ", ".join(sorted({algorithm for _, algorithm in found}))
            raise ValidationError({"algorithms": [Wrong(f"none of its keys serves these; its keys serve {served}")]})
        return entry


def _File(folder: Path) -> Schema:  # noqa: N802 - a schema made for one folder
    return _Strict.from_dict({"clients": _Clients(folder, required=True)}, name="File")()
