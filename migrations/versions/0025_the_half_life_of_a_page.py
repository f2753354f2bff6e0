"""Note with each page view the half-life of interest of the rules that decided it."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column; pages that are open meanwhile keep the usual half-life."""
    op.add_column("page_views", sa.Column("half_life_days", sa.Float(), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("page_views", "half_life_days")
