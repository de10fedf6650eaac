"""Notes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
# It only adds, so it breaks no older code. Delete this line if you change that: docs/data.md.
works_with = "base"


def upgrade() -> None:
    """Bring the tables forward."""
    op.create_table(
        "scratch_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["chassis_users.id"],
            name=op.f("fk_scratch_notes_author_id_chassis_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scratch_notes")),
    )


def downgrade() -> None:
    """Bring the tables back."""
    op.drop_table("scratch_notes")
