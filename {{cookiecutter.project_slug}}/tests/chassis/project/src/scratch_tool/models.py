"""The one table, which refers to the users."""

from datetime import datetime

from chassis import Base, utc_now
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column


class Note(Base):
    """What somebody has written down."""

    __tablename__ = "scratch_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(200))
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("chassis_users.id", ondelete="SET NULL")
    )
    written_at: Mapped[datetime] = mapped_column(default=utc_now)
