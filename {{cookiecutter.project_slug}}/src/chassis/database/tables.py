"""What all tables share: base classes with a naming convention, time in UTC, the list of models."""

import importlib
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import DateTime, Dialect, MetaData
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from .. import project

# Migrations can only change a constraint that has a name, the same on every database.
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """A time with its zone, always UTC when read; a time without a zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite keeps no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a time without a zone cannot be stored: use utc_now()")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


# All tables of the database: those of a project may refer to the users.
METADATA: Final = MetaData(naming_convention=NAMING)


class Base(DeclarativeBase):
    """The base of a project's models, in files called models.py, where migrations look."""

    metadata = METADATA
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012 - SQLAlchemy reads it so


class ChassisBase(DeclarativeBase):
    """The base of the chassis' models, so that a project's class may have the name of one."""

    metadata = METADATA
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012 - SQLAlchemy reads it so


def utc_now() -> datetime:
    """Return the present, in UTC."""
    return datetime.now(UTC)


def load_models() -> MetaData:
    """Import our models, and the models.py of the project and of its folders; return all tables."""
    importlib.import_module("..auth.models", __package__)
    here = project.current()
    for path in sorted([*here.folder.glob("models.py"), *here.folder.glob("*/models.py")]):
        parts = path.relative_to(here.folder).with_suffix("").parts
        importlib.import_module(".".join([here.package, *parts]))
    return METADATA
