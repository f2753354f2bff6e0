"""Make the table of what staff note beside a decision they write down."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "consent_evidence",
        sa.Column("consent_id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_consent_evidence_consent_id_consents")),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_consent_evidence_hcp_id_hcps")),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_consent_evidence")),
    )
    op.create_index(op.f("ix_consent_evidence_hcp_id"), "consent_evidence", ["hcp_id"], unique=False)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("consent_evidence")
