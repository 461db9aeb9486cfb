"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "record",
        sa.Column("seq", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("id", _PLAIN, nullable=False, unique=True),
        *(sa.Column(name, _PLAIN, nullable=False) for name in ("kind", "at", "line", "previous", "seal", "hash")),
    )
    op.create_index("record_kind", "record", ["kind", "seq"])
    op.create_table(
        "content",
        sa.Column("id", _PLAIN, sa.ForeignKey("record.id"), primary_key=True),
        sa.Column("salt", _PLAIN, nullable=False),
        sa.Column("body", _PLAIN, nullable=False),
    )
    head = op.create_table(
        "head",
        sa.Column("one", sa.Integer, sa.CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("hash", _PLAIN, nullable=False),
    )
    op.bulk_insert(head, [{"one": 1, "seq": 0, "hash": "0" * 64}])
    op.create_table(
        "rulebook",
        sa.Column("digest", _PLAIN, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("first_seen", _PLAIN, nullable=False),
    )
