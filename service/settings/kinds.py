"""What a setting may hold. Values arrive as text, as the environment has them; a file's are written as text first."""

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from service.language.errors import nearest

#: in place of an address of the record: nothing is recorded
NO_RECORD = "off"
_ON, _OFF = ("1", "on", "yes", "true"), ("0", "off", "no", "false")


class Wrong(Exception):
    """A value that its setting does not take. The message says what is needed; it never repeats the value."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


class Kind(Protocol):
    """One kind of value."""

    @property
    def told(self) -> str:
        """What it takes, for the page of settings."""
        ...

    def read(self, text: str) -> Any:
        """The value. Raises Wrong."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """A file or a folder; whether it exists is asked by whoever opens it."""

    told: str = "a path"

    def read(self, text: str) -> Path:
        if "\0" in text:
            raise Wrong("a path is needed")
        return Path(text)


@dataclass(frozen=True, slots=True)
class Files:
    """Several paths, parted as PATH is; in the file a list."""

    told: str = "paths"

    def read(self, text: str) -> tuple[Path, ...]:
        return tuple(File().read(part) for part in text.split(os.pathsep) if part)


@dataclass(frozen=True, slots=True)
class Host:
    """Where to listen; its port is a setting of its own."""

    told: str = "an address without its port, or `unix:` and a path"

    def read(self, text: str) -> str:
        if text.startswith("unix:") and text != "unix:":
            return text
        try:
            is_one = bool(
                re.fullmatch(r"[A-Za-z0-9._-]+", text) or ipaddress.IPv6Address(re.sub(r"^\[(.*)\]$", r"\1", text))
            )
        except ValueError:
            is_one = False
        if is_one:
            return text
        raise Wrong(f"{self.told} is needed, as in 127.0.0.1 or ::1; the port is server.port")


@dataclass(frozen=True, slots=True)
class Database:
    """Where the record is kept, or that none is."""

    told: str = f"an address of a database: `sqlite:///…`, `postgresql://…`, or `{NO_RECORD}`"

    def read(self, text: str) -> str:
        # Imported where it is needed: it brings a library of databases.
        from service.audit.address import address
        from service.audit.errors import WrongStore

        word = text.strip().lower()
        if word == NO_RECORD:
            return word
        if word in _OFF:
            # Nothing is switched off by a word that may have been meant otherwise.
            raise Wrong("to record nothing, one word is understood", NO_RECORD)
        try:
            address(text)
        except WrongStore as error:
            raise Wrong(str(error)) from None
        return text


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both included."""

    lowest: int
    highest: int
    unit: str = ""

    @property
    def told(self) -> str:
        return f"a whole number {f'of {self.unit} ' if self.unit else ''}from {self.lowest} to {self.highest}"

    def read(self, text: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,15}", text.strip()) and self.lowest <= (found := int(text)) <= self.highest:
            return found
        raise Wrong(f"{self.told} is needed")


@dataclass(frozen=True, slots=True)
class Flag:
    told: str = "true or false"

    def read(self, text: str) -> bool:
        word = text.strip().lower()
        if word in _ON:
            return True
        if word in _OFF:
            return False
        raise Wrong(f"{self.told} is needed")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words."""

    known: Sequence[str]

    @property
    def told(self) -> str:
        return " or ".join(f"`{word}`" for word in self.known)

    def read(self, text: str) -> str:
        word = text.strip().lower()
        if word in self.known:
            return word
        raise Wrong(f"one of {', '.join(self.known)} is needed", nearest(word[:60], self.known))


@dataclass(frozen=True, slots=True)
class Pages:
    """How pages are served."""

    told: str = "`open`, `proxy` or `off`"

    def read(self, text: str) -> str:
        word = text.strip().lower()
        known = {**dict.fromkeys(_ON, "open"), **dict.fromkeys(_OFF, "off")}
        return known[word] if word in known else OneOf(("open", "proxy", "off")).read(word)


@dataclass(frozen=True, slots=True)
class Networks:
    """Addresses or networks, or the word unix for whoever comes through a unix socket."""

    told: str = "a list of addresses, networks, or `unix`"

    def read(self, text: str) -> tuple[str, ...]:
        return tuple(self._one(part) for part in re.split(r"[,\s]+", text) if part)

    def _one(self, part: str) -> str:
        if part == "unix":
            return part
        try:
            return str(ipaddress.ip_network(part))
        except ValueError:
            raise Wrong(f"{self.told} is needed, as in 10.0.0.7 or 10.1.0.0/16") from None


@dataclass(frozen=True, slots=True)
class Header:
    """The name of a header of HTTP."""

    told: str = "the name of a header"

    def read(self, text: str) -> str:
        # No underscore: on the way to us it would become a hyphen, and one header could pass for another.
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", text):
            return "-".join(part.capitalize() for part in text.split("-"))
        raise Wrong(f"{self.told} is needed, of letters, digits and hyphens")


@dataclass(frozen=True, slots=True)
class Web:
    """An address on the web."""

    told: str = "an address that begins with https:// or http://"

    def read(self, text: str) -> str:
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment:
            return text.rstrip("/")
        raise Wrong(f"{self.told} is needed")
