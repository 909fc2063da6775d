"""What a policy asks of a task besides its cost: inputs, part of the workflow, how often and when it was used."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NEW = ("inputs", "part", "hits", "last_version")


def upgrade() -> None:
    """Add the columns."""
    for name in ("inputs", "part"):
        op.add_column("costs", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("hits", "last_version"):
        op.add_column("costs", sa.Column(name, sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop the columns."""
    for name in _NEW:
        op.drop_column("costs", name)
