"""Brings the tables of a record to this version. alembic is imported only when there is something to do."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from service.audit.errors import WrongStore
from service.audit.tables import SCHEMA

STEPS = Path(__file__).parent / "migrations"
#: PostgreSQL's name for "somebody is making the tables": a number that no other program is likely to use
_MAKING = 0x496E6469636174


def is_ready(connection: Connection) -> bool:
    """Whether the tables are those of this version."""
    return _version(connection) == SCHEMA


def migrate(connection: Connection) -> None:
    """Makes or changes the tables, in the transaction that `connection` is in. Raises WrongStore for tables of a newer version."""
    if connection.dialect.name == "postgresql":
        # Of several workers that start at once one does it; the others wait here and find it done.
        connection.execute(text("SELECT pg_advisory_xact_lock(:making)"), {"making": _MAKING})
    version = _version(connection)
    if version == SCHEMA:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise WrongStore(
            f"the record was written by a newer version of this service: its tables are of version {version}, and this one "
            f"knows them up to {SCHEMA}. Install that version again, or name another record in INDICATION_AUDIT_STORE"
        )
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found
