"""Where a record is kept: an address, read and checked."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from service.audit.errors import WrongStore

_WRITTEN = "write sqlite:///path/of/record.sqlite, or postgresql://user@host:port/database"


@dataclass(frozen=True, slots=True)
class Address:
    """A file of SQLite, or a database of PostgreSQL (then `file` is None)."""

    url: URL
    file: Path | None

    def __str__(self) -> str:
        """Where it is, for whoever runs the service; never a password."""
        return str(self.file) if self.file else self.url.set(password=None, query={}).render_as_string()


def address(text: str) -> Address:
    """The address that `text` writes. Raises WrongStore, without quoting it: a password may stand in it."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise WrongStore(f"the address of the record cannot be read: {_WRITTEN}") from None
    match url.drivername:
        case "sqlite":
            if not url.database or url.database == ":memory:" or url.query or url.host:
                raise WrongStore("the address of a record in SQLite must name a file and nothing else: sqlite:///path")
            return Address(url, Path(url.database))
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return Address(url.set(drivername="postgresql+psycopg"), None)
    raise WrongStore(f"a record is kept in SQLite or PostgreSQL: {_WRITTEN}")


def address_of(file: Path) -> Address:
    """The address of a record in this file."""
    return Address(URL.create("sqlite", database=str(file)), file)
