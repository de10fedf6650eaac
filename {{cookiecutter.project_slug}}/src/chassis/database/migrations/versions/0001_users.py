"""Users, their sessions, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the tables forward."""
    op.create_table(
        "chassis_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("roles", sa.String(length=100), nullable=False),
        sa.Column("groups", sa.String(length=500), nullable=False),
        sa.Column("backend", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("reset_code_hash", sa.String(length=64), nullable=True),
        sa.Column("reset_code_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chassis_users")),
        sa.UniqueConstraint("backend", "subject", name=op.f("uq_chassis_users_backend_subject")),
        sa.UniqueConstraint("username", name=op.f("uq_chassis_users_username")),
    )
    op.create_table(
        "chassis_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["chassis_users.id"],
            name=op.f("fk_chassis_sessions_user_id_chassis_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chassis_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_chassis_sessions_token_hash")),
    )
    op.create_index(op.f("ix_chassis_sessions_expires_at"), "chassis_sessions", ["expires_at"])
    op.create_index(op.f("ix_chassis_sessions_user_id"), "chassis_sessions", ["user_id"])
    op.create_table(
        "chassis_pending_sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["chassis_users.id"],
            name=op.f("fk_chassis_pending_sign_ins_user_id_chassis_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chassis_pending_sign_ins")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_chassis_pending_sign_ins_code_hash")),
    )
    op.create_index(
        op.f("ix_chassis_pending_sign_ins_expires_at"), "chassis_pending_sign_ins", ["expires_at"]
    )
    op.create_index(
        op.f("ix_chassis_pending_sign_ins_user_id"), "chassis_pending_sign_ins", ["user_id"]
    )
    op.create_table(
        "chassis_audit_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=50), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chassis_audit_events")),
    )
    op.create_index(op.f("ix_chassis_audit_events_at_id"), "chassis_audit_events", ["at", "id"])


def downgrade() -> None:
    """Bring the tables back."""
    op.drop_table("chassis_audit_events")
    op.drop_table("chassis_pending_sign_ins")
    op.drop_table("chassis_sessions")
    op.drop_table("chassis_users")
