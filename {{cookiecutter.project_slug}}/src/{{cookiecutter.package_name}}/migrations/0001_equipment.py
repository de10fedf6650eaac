"""The equipment register: the example of data entry."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
# It only adds, so it breaks no older code. Delete this line if you change that: docs/data.md.
works_with = "base"


def upgrade() -> None:
    """Bring the tables forward."""
    words = sa.String(200).with_variant(sa.String(200, collation="NOCASE"), "sqlite")
    op.create_table(
        "equipment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_no", sa.String(length=40), nullable=False),
        sa.Column("name", words, nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("owner", words, nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
        sa.UniqueConstraint("asset_no", name=op.f("uq_equipment_asset_no")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("equipment") as batch_op:
        batch_op.create_index(batch_op.f("ix_equipment_bought_on_id"), ["bought_on", "id"])
        batch_op.create_index(batch_op.f("ix_equipment_category_id"), ["category", "id"])
        batch_op.create_index(batch_op.f("ix_equipment_name_id"), ["name", "id"])
        batch_op.create_index(batch_op.f("ix_equipment_owner_id"), ["owner", "id"])
        batch_op.create_index(batch_op.f("ix_equipment_price_id"), ["price", "id"])
        batch_op.create_index(batch_op.f("ix_equipment_updated_at_id"), ["updated_at", "id"])

    op.create_table(
        "equipment_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("equipment_id", sa.Integer(), nullable=False),
        sa.Column("asset_no", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment_changes")),
    )
    with op.batch_alter_table("equipment_changes") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_equipment_changes_equipment_id_id"), ["equipment_id", "id"]
        )


def downgrade() -> None:
    """Bring the tables back."""
    op.drop_table("equipment_changes")
    op.drop_table("equipment")
