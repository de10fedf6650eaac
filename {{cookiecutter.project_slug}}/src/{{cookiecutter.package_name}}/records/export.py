"""The register as a file for a spreadsheet."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Final

from chassis import transaction, write_csv, write_xlsx

from .fields import FIELDS, Values
from .service import Query, stream

Writer = Callable[[IO[bytes], Sequence[str], Iterable[Sequence[object]]], None]

WRITERS: Final[Mapping[str, Writer]] = {"csv": write_csv, "xlsx": write_xlsx}
MIME: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def export(
    kind: str, query: Query, headings: Mapping[str, str], categories: Mapping[str, str]
) -> bytes:
    """Return all that matches as a "csv" or "xlsx" file, which an import reads again.

    The rows come and go by the thousand; only the finished file is held in memory, as Streamlit
    wants it.
    """
    with tempfile.TemporaryFile() as file:
        with transaction(read_only=True) as session:
            rows = _rows(stream(session, query), categories)
            WRITERS[kind](file, [headings[name] for name in FIELDS], rows)
        file.seek(0)
        return file.read()


def _rows(things: Iterable[Values], categories: Mapping[str, str]) -> Iterator[list[object]]:
    for values in things:
        named = {"category": categories[values.category]}
        yield [named.get(name, getattr(values, name)) for name in FIELDS]
