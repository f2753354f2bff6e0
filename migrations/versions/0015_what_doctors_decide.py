"""Make the tables of what doctors save and have forgotten, and let a site carry its revision."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make both tables and the column."""
    for name in ("saved_modules", "forgotten_histories"):
        key = ["hcp_id", "site_id"] + (["module_key"] if name == "saved_modules" else [])
        op.create_table(
            name,
            *(sa.Column(each, sa.String(length=80 if each == "module_key" else 32), nullable=False) for each in key),
            sa.Column("at", sa.DateTime(timezone=True), nullable=False),
            sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")),
        )
    op.add_column("sites", sa.Column("revision", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Drop the column and both tables."""
    op.drop_column("sites", "revision")
    op.drop_table("forgotten_histories")
    op.drop_table("saved_modules")
