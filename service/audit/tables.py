"""The tables of the record, as the newest of `migrations/versions` leaves them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    func,
)

#: the version of these tables: the last of `migrations/versions`
SCHEMA = "0001"

METADATA = MetaData()
#: compared letter by letter, whatever language the database sorts in
PLAIN = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER = BigInteger().with_variant(Integer, "sqlite")

RECORD = Table(
    "record",
    METADATA,
    Column("seq", NUMBER, primary_key=True, autoincrement=False),
    Column("id", PLAIN, nullable=False, unique=True),
    Column("kind", PLAIN, nullable=False),
    Column("at", PLAIN, nullable=False),
    Column("line", PLAIN, nullable=False),
    Column("previous", PLAIN, nullable=False),
    Column("seal", PLAIN, nullable=False),
    Column("hash", PLAIN, nullable=False),
    Index("record_kind", "kind", "seq"),
)
CONTENT = Table(
    "content",
    METADATA,
    Column("id", PLAIN, ForeignKey("record.id"), primary_key=True),
    Column("salt", PLAIN, nullable=False),
    Column("body", PLAIN, nullable=False),
)
#: what stands in the place of a salt that was overwritten
NO_SALT = "0" * 64
#: a content that was overwritten where it stood (SQLite), and holds nothing any more
OVERWRITTEN = and_(CONTENT.c.salt == NO_SALT, func.ltrim(CONTENT.c.body, "0") == "")

HEAD = Table(
    "head",
    METADATA,
    # One row, which whoever appends holds until it has committed.
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("seq", NUMBER, nullable=False),
    Column("hash", PLAIN, nullable=False),
)
RULEBOOK = Table(
    "rulebook",
    METADATA,
    Column("digest", PLAIN, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("first_seen", PLAIN, nullable=False),
)
