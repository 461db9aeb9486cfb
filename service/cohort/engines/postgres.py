"""PostgreSQL: the server of a warehouse, in temporary tables of one session; nothing else is ever written."""

import re
from typing import Final

import ibis
import ibis.expr.types as ir
import psycopg
import pyarrow as pa
from ibis.backends.postgres import Backend

from service.cohort.engines import Dialect, EngineError
from service.cohort.engines.sql import as_sql, compiler
from service.cohort.engines.steps import SETTINGS, dropping, kept, making, without_values

_SERVER: Final = r"(\[[0-9A-Fa-f:.]+\]|[^:/?#@,\s\[\]]*)(:[0-9]*)?"
#: name and password without a sign that would end them early, then servers with their ports
_URL: Final = re.compile(
    rf"postgres(ql)?://([^:/?#@\s]*(:[^:/?#@\s]*)?@)?{_SERVER}(,{_SERVER})*(/[^/?#@\s]*)?(\?[^?#@\s]*)?"
)
_FIND: Final = """
SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
"""


class PostgresEngine:
    """An engine over one session of a PostgreSQL server."""

    dialect: Dialect = "postgres"

    def __init__(self, session: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._session = session
        self.connection: Backend = ibis.postgres.from_connection(session)
        self.connection.compiler = compiler(self.dialect)
        self._run(SETTINGS[self.dialect])

    def table(self, name: str) -> ir.Table | None:
        """The table or view that `name` means in the session's search path; None when there is none."""
        with self._session.cursor() as cursor:
            found = cursor.execute(_FIND, (name,)).fetchone()
        return None if found is None else self.connection.table(name, database=str(found[0]))

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """Computes a step into a temporary table, with its statistics."""
        statements = making(self.dialect, name, expr, as_sql(self.dialect, expr))
        with without_values(name, psycopg.DataError):
            self._run(statements)
        return kept(self.dialect, name, expr.schema(), self.connection)

    def drop(self, name: str) -> None:
        self._run(dropping(self.dialect, name))

    def read(self, expr: ir.Table) -> pa.Table:
        return self.connection.to_pyarrow(expr)

    def close(self) -> None:
        """Ends the session, and with it its temporary tables."""
        self._session.close()

    def _run(self, statements: tuple[str, ...]) -> None:
        with self._session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.encode())


def connect(url: str) -> PostgresEngine:
    """An engine over the server and database of a `postgresql://` URL, in the form that libpq takes.

    Raises EngineError, which tells no part of the URL but where it leads.
    """
    if not _URL.fullmatch(url):
        raise EngineError(
            "this is not the URL of a PostgreSQL database",
            "it reads postgresql://name:password@host:port/database, and in the name and the password "
            "the signs @ : / ? # and the space are written %40 %3A %2F %3F %23 %20",
        )
    try:
        session = psycopg.connect(url, autocommit=True, fallback_application_name="indication")
    except psycopg.OperationalError as error:
        raise EngineError("PostgreSQL cannot be reached:", *str(error).strip().splitlines()) from None
    except psycopg.ProgrammingError:
        # What libpq says of a URL that it cannot read may quote the password.
        raise EngineError(
            "the URL of the PostgreSQL database cannot be read: look at the port and at what stands after the `?`"
        ) from None
    return PostgresEngine(session)
