"""What is kept with versions of flows: sources and reports by content, and which version a flow is at."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "blobs",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "heads",
        sa.Column("flow", sa.Text, primary_key=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("heads", "blobs"):
        op.drop_table(name)
