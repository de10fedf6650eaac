"""What can be done with the register: find, create, change, delete, and read who did it.

Texts from users only ever reach SQL as parameters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chassis import comparable, transaction
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from .fields import CATEGORIES, FIELDS, Values, differences
from .models import Equipment, EquipmentChange

# The orders that may be asked for; each has an index.
SORTS: Final = {
    "asset_no": Equipment.asset_no,
    "name": Equipment.name,
    "category": Equipment.category,
    "owner": Equipment.owner,
    "price": Equipment.price,
    "bought_on": Equipment.bought_on,
    "updated_at": Equipment.updated_at,
}
MAX_SEARCH: Final = 200
STREAM_ROWS: Final = 1000  # how many rows an export holds in memory
CREATED, CHANGED, DELETED, IMPORTED = "created", "changed", "deleted", "imported"


class DuplicateError(ValueError):
    """There is a thing with this number already."""


@dataclass(frozen=True)
class Item:
    """A thing as it was when it was read."""

    id: int
    version: int
    values: Values
    updated_at: datetime
    updated_by: str


class ConflictError(Exception):
    """Somebody else changed the thing since it was read; `current` is None if it was deleted."""

    def __init__(self, current: Item | None) -> None:
        """Keep what is stored now."""
        super().__init__("changed since it was read" if current else "deleted since it was read")
        self.current = current


@dataclass(frozen=True)
class Query:
    """Which things, in which order."""

    search: str = ""
    category: str | None = None
    sort: str = "asset_no"
    descending: bool = False


@dataclass(frozen=True)
class Page:
    """One page of a list; its number is a page that exists, even if another was asked for."""

    items: list[Item]
    number: int
    pages: int
    total: int


@dataclass(frozen=True)
class Change:
    """One entry of the history."""

    asset_no: str
    action: str
    actor: str
    at: datetime
    changes: dict[str, list[str | None]]


def find(query: Query, number: int = 1, size: int = 25) -> Page:
    """Return one page of what matches; the database searches, sorts and counts."""
    conditions = _conditions(query)
    with transaction(read_only=True) as session:
        count = select(func.count()).select_from(Equipment).where(*conditions)
        total = session.scalar(count) or 0
        pages = max(1, -(-total // size))
        number = min(max(1, number), pages)
        if not total:
            return Page([], number, pages, total)
        # The ids come from an index alone: the rows of the pages before are not read.
        ids = select(Equipment.id).where(*conditions).order_by(*_order(query))
        ids = ids.limit(size).offset((number - 1) * size)
        wanted = session.scalars(ids).all()
        rows = session.scalars(select(Equipment).where(Equipment.id.in_(wanted)))
        items = {row.id: item_of(row) for row in rows}
    return Page([items[key] for key in wanted], number, pages, total)


def get(item_id: int) -> Item | None:
    """Return a thing, None if there is none with this id."""
    with transaction(read_only=True) as session:
        row = session.get(Equipment, item_id)
        return item_of(row) if row else None


def stream(session: Session, query: Query) -> Iterator[Values]:
    """Yield all that matches, with no more than STREAM_ROWS in memory at a time."""
    columns = select(*(getattr(Equipment, name) for name in FIELDS))
    rows = columns.where(*_conditions(query)).order_by(*_order(query))
    for row in session.execute(rows.execution_options(yield_per=STREAM_ROWS)):
        yield Values(*row)


def create(values: Values, actor: str) -> Item:
    """Store a new thing; raises DuplicateError."""
    try:
        with transaction() as session:
            row = Equipment(**stored(values, actor))
            session.add(row)
            session.flush()
            session.add(EquipmentChange(**entry(row.id, CREATED, actor, None, values)))
            return item_of(row)
    except IntegrityError as error:
        raise DuplicateError(values.asset_no) from error


def change(item: Item, values: Values, actor: str) -> Item:
    """Store a change of what was read as `item`; raises ConflictError or DuplicateError.

    It is no conflict if exactly this is stored already: a second click, or a first one whose
    answer was lost.
    """
    try:
        with transaction() as session:
            row = session.get(Equipment, item.id)
            if row is not None and values_of(row) == values:
                return item_of(row)
            if row is None or row.version != item.version:
                raise ConflictError(item_of(row) if row else None)
            update(row, values, actor)
            session.flush()
            session.add(EquipmentChange(**entry(row.id, CHANGED, actor, item.values, values)))
            return item_of(row)
    except StaleDataError as error:  # somebody was quicker, between our SELECT and our UPDATE
        raise ConflictError(get(item.id)) from error
    except IntegrityError as error:
        raise DuplicateError(values.asset_no) from error


def delete(item: Item, actor: str) -> None:
    """Delete what was read as `item`; raises ConflictError if somebody changed it since then."""
    try:
        with transaction() as session:
            row = session.get(Equipment, item.id)
            if row is None:
                return  # that is what was wanted
            if row.version != item.version:
                raise ConflictError(item_of(row))
            session.delete(row)
            session.flush()
            session.add(EquipmentChange(**entry(row.id, DELETED, actor, item.values, None)))
    except StaleDataError as error:
        raise ConflictError(get(item.id)) from error


def history(item_id: int | None = None, limit: int = 200) -> list[Change]:
    """Return the newest changes, of one thing or of all, also of deleted ones."""
    rows = select(EquipmentChange).order_by(EquipmentChange.id.desc()).limit(limit)
    if item_id is not None:
        rows = rows.where(EquipmentChange.equipment_id == item_id)
    with transaction(read_only=True) as session:
        return [
            Change(row.asset_no, row.action, row.actor, row.at, row.changes)
            for row in session.scalars(rows)
        ]


def values_of(row: Equipment) -> Values:
    """Return what people entered."""
    return Values(**{name: getattr(row, name) for name in FIELDS})


def item_of(row: Equipment) -> Item:
    """Return a copy that needs no database."""
    return Item(row.id, row.version, values_of(row), row.updated_at, row.updated_by)


def update(row: Equipment, values: Values, actor: str) -> None:
    """Write the values into the row."""
    for name, value in stored(values, actor).items():
        setattr(row, name, value)


def stored(values: Values, actor: str) -> dict[str, object]:
    """Return the columns of a row of Equipment."""
    columns: dict[str, object] = {name: getattr(values, name) for name in FIELDS}
    texts = "\n".join([values.asset_no, values.name, values.owner, values.note])
    return columns | {"search_text": comparable(texts), "updated_by": actor}


def entry(
    item_id: int, action: str, actor: str, before: Values | None, after: Values | None
) -> dict[str, object]:
    """Return the columns of an entry of the history, to be stored in the same transaction."""
    values = after or before
    return {
        "equipment_id": item_id,
        "asset_no": values.asset_no if values else "",
        "action": action,
        "actor": actor,
        "changes": differences(before, after),
    }


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    words = comparable(query.search[:MAX_SEARCH]).split()
    # autoescape: a % or _ that somebody types is a letter like others.
    found = [Equipment.search_text.contains(word, autoescape=True) for word in words]
    if query.category in CATEGORIES:
        found.append(Equipment.category == query.category)
    return found


def _order(query: Query) -> list[ColumnElement[object]]:
    columns = [SORTS.get(query.sort, Equipment.asset_no), Equipment.id]
    return [column.desc() if query.descending else column.asc() for column in columns]
