"""Tables of the equipment register."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from chassis import Base, utc_now
from sqlalchemy import JSON, BigInteger, Dialect, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# A history grows without end; SQLite numbers rows by itself only where the type is INTEGER.
BIG_ID: Final = BigInteger().with_variant(Integer, "sqlite")
# "apple" stands beside "Apple" in a list; PostgreSQL sorts so by itself.
WORDS: Final = String(200).with_variant(String(200, collation="NOCASE"), "sqlite")


class Cents(TypeDecorator[Decimal]):
    """An exact amount of money, stored as a whole number of cents: SQLite has no decimals."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, _dialect: Dialect) -> int | None:
        """Return what is stored."""
        return None if value is None else int(value.scaleb(2).to_integral_exact())

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> Decimal | None:
        """Return the amount with two digits after the point."""
        return None if value is None else Decimal(value).scaleb(-2)


class Equipment(Base):
    """A thing that the company owns."""

    __tablename__ = "equipment"
    __table_args__ = (
        # One index for each order of the list; the id makes an order of equal values.
        Index(None, "name", "id"),
        Index(None, "category", "id"),
        Index(None, "owner", "id"),
        Index(None, "price", "id"),
        Index(None, "bought_on", "id"),
        Index(None, "updated_at", "id"),
        # SQLite gives the id of a deleted row to the next one: with it, its history, and what an
        # editor still has open.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    asset_no: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(WORDS)
    category: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(WORDS)
    price: Mapped[Decimal] = mapped_column(Cents)
    bought_on: Mapped[date]
    note: Mapped[str] = mapped_column(Text)
    # The texts of the row as `comparable` writes them: databases differ in what they take for the
    # same letter.
    search_text: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    updated_by: Mapped[str] = mapped_column(String(200))

    # An UPDATE or DELETE of a row that somebody else changed since it was read raises
    # StaleDataError.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it so


class EquipmentChange(Base):
    """Who did what to which thing; stays when the thing is deleted."""

    __tablename__ = "equipment_changes"
    __table_args__ = (Index(None, "equipment_id", "id"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    equipment_id: Mapped[int]  # no foreign key: the history outlives the thing
    asset_no: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(default=utc_now)
    # {"price": ["10.00", "12.00"]}: before and after, null where there was or is nothing.
    changes: Mapped[dict[str, list[str | None]]] = mapped_column(JSON)
