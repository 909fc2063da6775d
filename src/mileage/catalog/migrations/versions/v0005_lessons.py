"""What runs have taught: sizes of their tables and how configurations did, without data."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "lessons",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("learned", sa.Float, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("lessons")
