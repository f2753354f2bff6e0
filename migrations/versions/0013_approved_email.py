"""Make the tables of approved email."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables."""
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "mail_pieces",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_mail_pieces_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_pieces")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_mail_pieces_site_id_key")),
    )
    op.create_table(
        "mail_piece_versions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("piece_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=150), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("fields", json, nullable=False),
        sa.Column("bounds", json, nullable=False),
        sa.Column("audiences", json, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.String(length=32), nullable=True),
        sa.Column("approval_code", sa.String(length=60), nullable=True),
        sa.Column("in_force_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("in_force_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("row_html", sa.Text(), nullable=True),
        sa.Column("rendered_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["piece_id"], ["mail_pieces.id"], name=op.f("fk_mail_piece_versions_piece_id_mail_pieces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_piece_versions")),
        sa.UniqueConstraint("piece_id", "number", name=op.f("uq_mail_piece_versions_piece_id_number")),
    )
    op.create_index(op.f("ix_mail_piece_versions_state"), "mail_piece_versions", ["state"], unique=False)
    op.create_table(
        "mail_reviews",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("reviewer_id", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["mail_piece_versions.id"], name=op.f("fk_mail_reviews_version_id_mail_piece_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_reviews")),
    )
    op.create_index(op.f("ix_mail_reviews_version_id"), "mail_reviews", ["version_id"], unique=False)
    op.create_table(
        "mailings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("sender_id", sa.String(length=32), nullable=False),
        sa.Column("template_id", sa.String(length=32), nullable=False),
        sa.Column("hcp_ids", json, nullable=False),
        sa.Column("fragments", json, nullable=False),
        sa.Column("modules", json, nullable=False),
        sa.Column("filled", json, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(length=32), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["sender_id"], ["users.id"], name=op.f("fk_mailings_sender_id_users")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_mailings_site_id_sites")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["mail_piece_versions.id"], name=op.f("fk_mailings_template_id_mail_piece_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailings")),
    )
    op.create_index(op.f("ix_mailings_sender_id_created_at"), "mailings", ["sender_id", "created_at"], unique=False)
    op.create_table(
        "sendings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("mailing_id", sa.String(length=32), nullable=True),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("sender_id", sa.String(length=32), nullable=True),
        sa.Column("template_id", sa.String(length=32), nullable=True),
        sa.Column("fragments", json, nullable=False),
        sa.Column("modules", json, nullable=False),
        sa.Column("to_address", sa.String(length=254), nullable=True),
        sa.Column("from_name", sa.String(length=120), nullable=False),
        sa.Column("reply_to", sa.String(length=254), nullable=True),
        sa.Column("subject", sa.String(length=300), nullable=True),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("unsubscribe_url", sa.Text(), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("status_code", sa.String(length=12), nullable=True),
        sa.Column("composed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_sendings_hcp_id_hcps")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_sendings_mailing_id_mailings")),
        sa.ForeignKeyConstraint(["sender_id"], ["users.id"], name=op.f("fk_sendings_sender_id_users")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_sendings_site_id_sites")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["mail_piece_versions.id"], name=op.f("fk_sendings_template_id_mail_piece_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sendings")),
        sa.UniqueConstraint("message_id", name=op.f("uq_sendings_message_id")),
    )
    op.create_index(op.f("ix_sendings_hcp_id_due_at"), "sendings", ["hcp_id", "due_at"], unique=False)
    op.create_index(op.f("ix_sendings_mailing_id"), "sendings", ["mailing_id"], unique=False)
    op.create_index(op.f("ix_sendings_sender_id_composed_at"), "sendings", ["sender_id", "composed_at"], unique=False)
    op.create_index(op.f("ix_sendings_state"), "sendings", ["state"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("sending_id", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["sending_id"], ["sendings.id"], name=op.f("fk_outbox_sending_id_sendings")),
        sa.PrimaryKeyConstraint("sending_id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"], unique=False)
    op.create_table(
        "delivery_reports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("sending_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("status_code", sa.String(length=12), nullable=True),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sending_id"], ["sendings.id"], name=op.f("fk_delivery_reports_sending_id_sendings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_reports")),
    )
    op.create_index(op.f("ix_delivery_reports_sending_id"), "delivery_reports", ["sending_id"], unique=False)
    op.create_table(
        "unsubscribes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("sending_id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=True),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_unsubscribes_hcp_id_hcps")),
        sa.ForeignKeyConstraint(["sending_id"], ["sendings.id"], name=op.f("fk_unsubscribes_sending_id_sendings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsubscribes")),
    )
    op.create_index(op.f("ix_unsubscribes_hcp_id"), "unsubscribes", ["hcp_id"], unique=False)
    op.create_index(op.f("ix_unsubscribes_sending_id"), "unsubscribes", ["sending_id"], unique=False)
    op.create_table(
        "mail_preferences",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("frequency", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_mail_preferences_hcp_id_hcps")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_mail_preferences_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_preferences")),
        sa.UniqueConstraint("hcp_id", "site_id", name=op.f("uq_mail_preferences_hcp_id_site_id")),
    )
    op.create_table(
        "opt_ins",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("sending_id", sa.String(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_opt_ins_hcp_id_hcps")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_opt_ins_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_ins")),
    )
    op.create_index(op.f("ix_opt_ins_hcp_id"), "opt_ins", ["hcp_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "opt_ins",
        "mail_preferences",
        "unsubscribes",
        "delivery_reports",
        "outbox",
        "sendings",
        "mailings",
        "mail_reviews",
        "mail_piece_versions",
        "mail_pieces",
    ):
        op.drop_table(table)
