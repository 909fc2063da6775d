"""Versions of flows, their tags, and what their tasks cost."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of flows."""
    op.create_table(
        "versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("parent", sa.Integer, sa.ForeignKey("versions.id")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("versions_by_flow", "versions", ["flow"])
    op.create_table(
        "tags",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), nullable=False),
    )
    op.create_table(
        "costs",
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("last_seen", sa.Float, nullable=False),
    )
    op.create_index("costs_by_code", "costs", ["code"])


def downgrade() -> None:
    """Drop the tables."""
    for name in ("costs", "tags", "versions"):
        op.drop_table(name)
