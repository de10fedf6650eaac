"""Encrypted columns: `notes: Mapped[str] = mapped_column(EncryptedText)`.

DATA_ENCRYPTION_KEYS lists the keys, the newest first: it encrypts, all decrypt. docs/data.md
says how to change a key. An encrypted column cannot be searched or sorted.
"""

import sqlalchemy
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Column, Dialect, MetaData, Table, Text, select, type_coerce, update
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from ..errors import ExplainedError
from ..settings import NEW_ENCRYPTION_KEY_COMMAND, get_settings
from .engine import transaction
from .tables import load_models


class EncryptionError(ExplainedError, DontWrapMixin):
    """A value can be neither encrypted nor decrypted; one line, and the data is as it was."""


class EncryptedText(TypeDecorator[str]):
    """Text that the database sees encrypted."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Encrypt with the newest key."""
        return None if value is None else _keys().encrypt(value.encode()).decode("ascii")

    def process_result_value(self, value: str | None, _dialect: Dialect) -> str | None:
        """Decrypt with the key that fits."""
        if value is None:
            return None
        try:
            return _keys().decrypt(value).decode()
        except InvalidToken:
            raise EncryptionError(_no_key_fits("a value")) from None


def rotate(metadata: MetaData | None = None) -> int:
    """Encrypt every encrypted value again, with the newest key; return how many. All or nothing."""
    keys = _keys()
    with transaction() as session:
        return sum(
            _rotate_column(session, keys, table, column)
            for table in (metadata or load_models()).sorted_tables
            for column in table.columns
            if isinstance(column.type, EncryptedText)
        )


def is_needed() -> bool:
    """Whether any model has an encrypted column."""
    columns = (column for table in load_models().sorted_tables for column in table.columns)
    return any(isinstance(column.type, EncryptedText) for column in columns)


def _rotate_column(session: Session, keys: MultiFernet, table: Table, column: Column[str]) -> int:
    identity = tuple(table.primary_key.columns)
    raw = type_coerce(column, Text).label("raw_value")
    # All rows at once: a cursor over a table that is being changed may see rows twice.
    rows = session.execute(select(*identity, raw).where(column.is_not(None))).all()
    for *values, token in rows:
        try:
            new = keys.rotate(token).decode("ascii")
        except InvalidToken:
            raise EncryptionError(_no_key_fits(f"{table.name}.{column.name}")) from None
        same_row = sqlalchemy.and_(*(one == two for one, two in zip(identity, values, strict=True)))
        session.execute(update(table).where(same_row).values({column: type_coerce(new, Text)}))
    return len(rows)


def _no_key_fits(what: str) -> str:
    return f"{what} cannot be decrypted: DATA_ENCRYPTION_KEYS lacks the key that it was made with"


def _keys() -> MultiFernet:
    keys = get_settings().data_encryption_keys
    if keys is None:
        text = f"DATA_ENCRYPTION_KEYS is not set: make a key with {NEW_ENCRYPTION_KEY_COMMAND}"
        raise EncryptionError(text)
    return MultiFernet([Fernet(key.strip()) for key in keys.get_secret_value().split(",")])
