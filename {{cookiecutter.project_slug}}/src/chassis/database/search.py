"""Searching that finds the same on every database, however a text is written.

SQLite knows the small letters of English only, and neither database that "é" may be two letters.
"""

from typing import ClassVar, Final

from sqlalchemy import ColumnElement, Text, event
from sqlalchemy.orm import Mapped, mapped_column

from ..texts import comparable

MAX_SEARCH: Final = 200  # SQLite refuses very long patterns


class Searched:
    """A table in which is searched: each row has the texts of the columns SEARCHED once more."""

    SEARCHED: ClassVar[tuple[str, ...]]

    search_text: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def has_words(cls, text: str) -> list[ColumnElement[bool]]:
        """Return the conditions of a row in which all words of `text` are."""
        words = comparable(text[:MAX_SEARCH]).split()
        # autoescape: a % or _ that somebody types is a letter like others.
        return [cls.search_text.contains(word, autoescape=True) for word in words]


@event.listens_for(Searched, "before_insert", propagate=True)
@event.listens_for(Searched, "before_update", propagate=True)
def _write_search_text(_mapper: object, _connection: object, row: Searched) -> None:
    texts = (getattr(row, name) or "" for name in row.SEARCHED)
    row.search_text = "\n".join(map(comparable, texts))
