"""CSV files into the register: read, checked row by row, planned, then carried out as a whole.

Nothing is stored unless everything is: one wrong row, or one that somebody else changed since the
preview, refuses the file.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeVar

from chassis import comparable, original, transaction
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from .fields import FIELDS, REQUIRED, InvalidError, Issue, Problem, Values, parse
from .models import Equipment, EquipmentChange
from .service import IMPORTED, Item, entry, item_of, stored, update

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_ROWS: Final = 20_000  # an import is one transaction, for which other writers wait
MAX_PROBLEMS: Final = 500
CHUNK: Final = 500
DELIMITERS: Final = (",", ";", "\t", "|")
# Excel writes UTF-8 with a mark, "Unicode text" as UTF-16 with a mark, and in Korea CP949.
MARKS: Final = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
ENCODINGS: Final = ("utf-8", "cp949", "cp1252", "utf-16")
GUESSES: Final = ("utf-8", "cp949")

T = TypeVar("T")
Existing = Literal["refuse", "update", "skip"]


class RefusedError(ValueError):
    """The file cannot be read as a table."""

    def __init__(self, issue: Issue, value: str = "", **details: object) -> None:
        """Keep what is wrong."""
        super().__init__(issue)
        self.problem = Problem(issue, None, value, details)


class OutdatedError(Exception):
    """The register has changed since the plan was made; nothing was stored."""


@dataclass(frozen=True)
class Row:
    """A row that is right, and the line of the file where it begins."""

    line: int
    values: Values


@dataclass
class Table:
    """What a file holds."""

    encoding: str
    delimiter: str
    columns: frozenset[str] = frozenset()  # the fields for which the file has a column
    rows: list[Row] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    problems: list[tuple[int, Problem]] = field(default_factory=list)  # with the line
    problem_count: int = 0  # of which `problems` has the first ones

    def refuse(self, line: int, problems: Iterable[Problem]) -> None:
        """Note what is wrong in a line."""
        for problem in problems:
            self.problem_count += 1
            if len(self.problems) < MAX_PROBLEMS:
                self.problems.append((line, problem))


@dataclass(frozen=True)
class Plan:
    """What an import would do; `problems` must be empty for it to be carried out."""

    new: list[Row]
    changed: list[tuple[Row, Item]]
    unchanged: int
    skipped: int
    problems: list[tuple[int, Problem]]
    problem_count: int


@dataclass(frozen=True)
class Report:
    """What an import did."""

    created: int
    changed: int


def read(
    data: bytes,
    headings: Mapping[str, str],
    categories: Mapping[str, str],
    encoding: str | None = None,
) -> Table:
    """Read a file; raises RefusedError if it is no table with the columns of the register.

    `headings` and `categories` are the names that people use, as {"Asset no.": "asset_no"}; the
    plain names of the fields are understood too.
    """
    if len(data) > MAX_BYTES:
        raise RefusedError(Issue.FILE_TOO_LARGE, limit=MAX_BYTES // 1024 // 1024)
    text, encoding = _decode(data, encoding)
    if not text.strip():
        raise RefusedError(Issue.EMPTY_FILE)
    known = {comparable(name): key for name, key in headings.items()}
    known |= {name: name for name in FIELDS}
    delimiter, text, skipped_lines = _delimiter(text, known)
    lines = _lines(text, delimiter, skipped_lines)
    table = Table(encoding, delimiter)
    _line, heading = next(lines, (0, []))
    columns = _columns(heading, known, table)
    table.columns = frozenset(filter(None, columns))
    seen: dict[str, int] = {}
    for count, (line, cells) in enumerate(lines, 1):
        if count > MAX_ROWS:
            raise RefusedError(Issue.TOO_MANY_ROWS, limit=MAX_ROWS)
        _read_row(table, columns, line, cells, categories, seen)
    if not table.rows and not table.problem_count:
        raise RefusedError(Issue.EMPTY_FILE)
    return table


def plan(table: Table, existing: Existing) -> Plan:
    """Compare the file with the register; `existing` says what to do with numbers it has."""
    new: list[Row] = []
    changed: list[tuple[Row, Item]] = []
    refused = Table(table.encoding, table.delimiter)
    unchanged = skipped = 0
    with transaction(read_only=True) as session:
        for chunk in _chunks(table.rows):
            known = _known(session, chunk)
            for row in chunk:
                item = known.get(row.values.asset_no)
                if item is None:
                    new.append(row)
                elif item.values == (merged := _merge(row, item, table.columns)).values:
                    unchanged += 1
                elif existing == "update":
                    changed.append((merged, item))
                elif existing == "skip":
                    skipped += 1
                else:
                    number = row.values.asset_no
                    refused.refuse(row.line, [Problem(Issue.EXISTS, "asset_no", number)])
    problems = sorted(table.problems + refused.problems, key=lambda problem: problem[0])
    count = table.problem_count + refused.problem_count
    return Plan(new, changed, unchanged, skipped, problems[:MAX_PROBLEMS], count)


def carry_out(
    plan: Plan, actor: str, on_progress: Callable[[float], object] = lambda _: None
) -> Report:
    """Store all that is planned in one transaction; reports the share that is done.

    Raises OutdatedError, with nothing stored, if somebody changed one of the rows since then.
    """
    if plan.problem_count:
        raise ValueError("the plan has problems")
    total = len(plan.new) + len(plan.changed)
    done = 0
    try:
        with transaction() as session:
            for new in _chunks(plan.new):
                _store_new(session, new, actor)
                done += len(new)
                on_progress(done / total)
            for changed in _chunks(plan.changed):
                _store_changed(session, changed, actor)
                done += len(changed)
                on_progress(done / total)
    except (IntegrityError, StaleDataError) as error:
        raise OutdatedError from error
    return Report(len(plan.new), len(plan.changed))


def _decode(data: bytes, encoding: str | None) -> tuple[str, str]:
    """Return the text and what it was read as."""
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    # A mark is no guess; but somebody who chooses an encoding knows better.
    for guess in [encoding] if encoding else [marked] if marked else GUESSES:
        try:
            return data.decode(guess).lstrip("\ufeff"), guess.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise RefusedError(Issue.UNKNOWN_ENCODING, encoding or "")


def _delimiter(text: str, known: Mapping[str, str]) -> tuple[str, str, int]:
    """Return the separator, the text that follows, and how many lines were taken for it."""
    hint = re.match(r"sep=([,;\t|])[ \t]*(\r\n|\r|\n)", text, re.IGNORECASE)  # by Excel
    if hint:
        return hint[1], text[hint.end() :], 1

    def fitting(delimiter: str) -> int:
        try:
            cells = next(_lines(text, delimiter, 0), (0, []))[1]
        except RefusedError:
            return 0
        return sum(_name(cell) in known for cell in cells)

    return max(DELIMITERS, key=fitting), text, 0


def _lines(text: str, delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty, with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line + skipped, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise RefusedError(Issue.BROKEN_QUOTES, line=line + skipped) from error


def _name(cell: str) -> str:
    return comparable(original(cell.strip()))


def _columns(heading: list[str], known: Mapping[str, str], table: Table) -> list[str | None]:
    """Return the field of each column, None for one that is not known."""
    columns = [known.get(_name(cell)) for cell in heading]
    missing = [name for name in FIELDS if name in REQUIRED and name not in columns]
    if missing:
        raise RefusedError(Issue.MISSING_COLUMNS, columns=missing)
    for name in FIELDS:
        if columns.count(name) > 1:
            raise RefusedError(Issue.REPEATED_COLUMN, name, column=name)
    pairs = zip(heading, columns, strict=True)
    table.ignored_columns += [cell.strip() for cell, name in pairs if not name and cell.strip()]
    return columns


def _read_row(
    table: Table,
    columns: list[str | None],
    line: int,
    cells: list[str],
    categories: Mapping[str, str],
    seen: dict[str, int],
) -> None:
    """Add one row to the table, or what is wrong with it."""
    # Fewer are right: Excel leaves out empty cells at the end of some rows.
    if any(cell.strip() for cell in cells[len(columns) :]):
        figures = {"expected": len(columns), "found": len(cells)}
        table.refuse(line, [Problem(Issue.CELL_COUNT, details=figures)])
        return
    pairs = zip(columns, cells, strict=False)
    texts = {name: original(cell.strip()) for name, cell in pairs if name}
    try:
        values = parse(texts, categories)
    except InvalidError as error:
        table.refuse(line, error.problems)
        return
    first = seen.setdefault(values.asset_no, line)
    if first != line:
        details = {"line": first}
        problem = Problem(Issue.TWICE_IN_FILE, "asset_no", values.asset_no, details)
        table.refuse(line, [problem])
        return
    table.rows.append(Row(line, values))


def _merge(row: Row, item: Item, columns: frozenset[str]) -> Row:
    """Keep what is stored in the fields of which the file has no column."""
    kept = {name: getattr(item.values, name) for name in FIELDS if name not in columns}
    return replace(row, values=replace(row.values, **kept))


def _known(session: Session, rows: list[Row]) -> dict[str, Item]:
    numbers = [row.values.asset_no for row in rows]
    found = session.scalars(select(Equipment).where(Equipment.asset_no.in_(numbers)))
    return {row.asset_no: item_of(row) for row in found}


def _store_new(session: Session, rows: list[Row], actor: str) -> None:
    things = insert(Equipment).returning(Equipment.id, sort_by_parameter_order=True)
    ids = session.scalars(things, [stored(row.values, actor) | {"version": 1} for row in rows])
    pairs = zip(ids.all(), rows, strict=True)
    entries = [entry(new_id, IMPORTED, actor, None, row.values) for new_id, row in pairs]
    session.execute(insert(EquipmentChange), entries)


def _store_changed(session: Session, pairs: list[tuple[Row, Item]], actor: str) -> None:
    ids = [item.id for _, item in pairs]
    found = session.scalars(select(Equipment).where(Equipment.id.in_(ids)))
    things = {thing.id: thing for thing in found}
    entries = []
    for row, item in pairs:
        thing = things.get(item.id)
        if thing is None or thing.version != item.version:
            raise OutdatedError
        update(thing, row.values, actor)
        entries.append(entry(item.id, IMPORTED, actor, item.values, row.values))
    session.execute(insert(EquipmentChange), entries)
    session.flush()
    session.expunge_all()  # memory does not grow with the file


def _chunks(rows: list[T]) -> Iterator[list[T]]:
    return (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
