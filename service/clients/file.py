"""The file that says who may call: read whole, and every mistake told at once, with its place and how to mend it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, validates_schema

from service.clients.caller_fields import fields_of_callers
from service.clients.checked import (
    LONGEST,
    MOST_LEEWAY,
    URI,
    Checked,
    Leeway,
    Strict,
    Words,
    Wrong,
    address_parts,
    each_of,
    flattened,
    is_secure,
    one_word,
    plain_address,
    refuse,
)
from service.clients.key_source import KeySource
from service.clients.keys import ALGORITHMS
from service.language.errors import Mistake
from service.rulebook.source import Document, read

__all__ = ["DEFAULT_LEEWAY", "HOOKS", "MOST_LEEWAY", "entries_of", "read_document", "read_file"]

HOOKS = ("order-select", "order-sign", "patient-view")
LANGUAGES = ("fr", "en")
MOST_CLIENTS = 200
#: what a client may do when its entry does not say
DEFAULT_HOOKS = ("order-select", "order-sign")
DEFAULT_LEEWAY = 30

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")


def read_file(path: Path) -> tuple[list[dict[str, Any]], list[Mistake]]:
    """The entries of the file, checked, with what is left out filled in; or every mistake in it. Never raises on content."""
    return entries_of(*read_document(path), path.parent)


def read_document(path: Path) -> tuple[Document, list[Mistake]]:
    """The file as it stands, and the mistakes of its form. Never raises."""
    try:
        return read(path, path.name)
    except OSError as error:
        unread = Mistake(path.name, 1, 1, f"cannot be read: {error.strerror or type(error).__name__}")
        return Document(path.name, None, {}), [unread]


def entries_of(document: Document, mistakes: list[Mistake], folder: Path) -> tuple[list[dict[str, Any]], list[Mistake]]:
    """The entries of a document whose key files stand in `folder`, or every mistake; `mistakes` are those of its form."""
    if document.data is None:
        return [], mistakes
    try:
        checked = _File(folder).load(document.data)
    except ValidationError as error:
        mistakes += [_mistake(document, keys, wrong) for keys, wrong in flattened(error.messages)]
        return [], sorted(set(mistakes))
    entries: list[dict[str, Any]] = checked["clients"]
    mistakes += [_mistake(document, keys, wrong) for keys, wrong in _twice(entries)]
    return ([], sorted(set(mistakes))) if mistakes else (entries, [])


def _mistake(document: Document, keys: tuple[str | int, ...], wrong: Wrong) -> Mistake:
    where = ".".join(map(str, keys)) or "the file"
    return document.mistake(keys, f"{where}: {wrong.message}", offender=wrong.offender, suggestion=wrong.suggestion)


def _twice(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[tuple[str | int, ...], Wrong]]:
    """What two entries have that only one may have, at the later one."""
    for what in ("name", "issuer"):
        said = f"two clients have this {what}: each needs its own"
        yield from _repeated(((("clients", at, what), entry[what]) for at, entry in enumerate(entries)), said)
    keys = (
        (("clients", at, "api_keys", number, "id"), key.id)
        for at, entry in enumerate(entries)
        for number, key in enumerate(entry["api_keys"])
    )
    yield from _repeated(keys, "two keys have this id: make a new one with `flask clients key`")
    tokens = (
        (("clients", at, "tokens", "issuer"), (found.issuer, frozenset(found.only.items())))
        for at, entry in enumerate(entries)
        if (found := entry["tokens"]) is not None
    )
    yield from _repeated(tokens, "two clients have this issuer: say under `only` by which claim their tokens differ")


def _repeated(found: Iterable[tuple[tuple[str | int, ...], Any]], said: str) -> Iterator[tuple[Any, Wrong]]:
    seen = set()
    for keys, value in found:
        if value in seen and value is not None:
            yield keys, Wrong(said)
        seen.add(value)


# ---- one field each --------------------------------------------------------------------------------------------------


class _Name(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, str) and _NAME.match(value):
            return value
        raise refuse("a short name is needed, for logs: small letters, digits, hyphens, as in general-hospital", value)


class _Issuer(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, str) and len(value) <= LONGEST and URI.match(value):
            return value
        raise refuse("the URI that stands in the tokens as iss is needed, letter for letter", value)


class _Audiences(Checked):
    """A list of exact addresses, or one address from which those of the services follow."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | tuple[str, ...]:
        if isinstance(value, str):
            return plain_address(value).rstrip("/")
        if isinstance(value, list) and value:
            return tuple(each_of(value, plain_address))
        raise refuse(
            "give the address at which the EHR sees this service (https://…), or the list of the exact addresses it calls"
        )


class _Language(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return one_word(value, LANGUAGES)


class _Flag(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise refuse("true or false is needed", value)


class _Origins(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise refuse("a list is needed; leave it out when no browser calls", value)
        return tuple(each_of(value, _origin))


class _Codes(Checked):
    """Codes of orders as FHIR writes them in a search: system, a vertical bar, code."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> frozenset[tuple[str, str]]:
        if not isinstance(value, list):
            raise refuse("a list is needed, as in: [ http://snomed.info/sct|306206005 ]", value)
        return frozenset(each_of(value, _code))


def _origin(value: Any) -> str:
    parts = address_parts(value)
    if parts is None or not is_secure(parts) or value != f"{parts.scheme}://{parts.netloc}" or value != value.lower():
        raise refuse(
            "an origin is needed as browsers write it: https://host or https://host:port, small letters, no path, no *",
            value,
        )
    return str(value)


def _code(value: Any) -> tuple[str, str]:
    system, bar, code = value.rpartition("|") if isinstance(value, str) else ("", "", "")
    if not bar or not code or not URI.match(system):
        raise refuse("system|code is needed, as in http://snomed.info/sct|306206005", value)
    return system, code


# ---- the whole -------------------------------------------------------------------------------------------------------


#: what makes an entry an EHR's, and what an EHR cannot do without
_NEEDED_OF_EHR = ("issuer", "keys", "audiences")
_OF_EHR = frozenset({*_NEEDED_OF_EHR, "algorithms", "leeway_seconds", "hooks", "language", "origins", "prefill"}) | {
    "keep_comments",
    "referral_codes",
}
_OTHER_WAYS = ("api_keys", "tokens")


class _Entry(Strict):
    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _is_known_somehow(self, data: Any, original_data: Any, **_: Any) -> None:
        if not isinstance(original_data, dict):
            return
        other = any(way in original_data for way in _OTHER_WAYS)
        if original_data.keys() & _OF_EHR or not other:
            why = "is missing" if other else "is missing (of an EHR; others have api_keys or tokens)"
            missing = {name: [Wrong(why)] for name in _NEEDED_OF_EHR if name not in original_data}
            if missing:
                raise ValidationError(missing)


class _Clients(Checked):
    def __init__(self, folder: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry = _Entry.from_dict(
            {
                "name": _Name(required=True),
                "issuer": _Issuer(load_default=None),
                "keys": KeySource(folder, "jku", ALGORITHMS, load_default=None),
                "audiences": _Audiences(load_default=None),
                "algorithms": Words(ALGORITHMS, load_default=ALGORITHMS),
                "leeway_seconds": Leeway(load_default=DEFAULT_LEEWAY),
                "hooks": Words(HOOKS, load_default=DEFAULT_HOOKS),
                "language": _Language(load_default=None, allow_none=True),
                "origins": _Origins(load_default=()),
                "prefill": _Flag(load_default=False),
                "keep_comments": _Flag(load_default=False),
                "referral_codes": _Codes(load_default=frozenset()),
                **fields_of_callers(folder),
            },
            name="Client",
        )()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not 0 < len(value) <= MOST_CLIENTS:
            raise refuse(f"a list of 1 to {MOST_CLIENTS} clients is needed, each beginning with - name: …")
        return each_of(value, self._client)

    def _client(self, value: Any) -> dict[str, Any]:
        entry: dict[str, Any] = self.entry.load(value)
        wrong: dict[str, Any] = {}
        found = entry["keys"]["found"] if entry["keys"] is not None else None
        if found is not None and not any(algorithm in entry["algorithms"] for _, algorithm in found):
            served = ", ".join(sorted({algorithm for _, algorithm in found}))
            wrong["algorithms"] = [Wrong(f"none of its keys serves these; its keys serve {served}")]
        if entry["issuer"] is not None and "evaluate" not in entry["roles"]:
            wrong["roles"] = [Wrong("an EHR evaluates: add evaluate")]
        if (tokens := entry["tokens"]) is not None:
            unheld = sorted(set(tokens.meaning.values()) - set(entry["roles"]))
            if unheld:
                wrong["tokens"] = {"meaning": [Wrong(f"gives {', '.join(unheld)}, which `roles` of this client lack")]}
        if wrong:
            raise ValidationError(wrong)
        return entry


def _File(folder: Path) -> Schema:  # noqa: N802 - a schema made for one folder
    return Strict.from_dict({"clients": _Clients(folder, required=True)}, name="File")()
