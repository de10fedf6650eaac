"""The two chains of migrations in one database: that of the chassis, and that of the project.

Each has its folder and its version table. "base" is the revision before the first migration.
"""

import ast
import functools
import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import sqlalchemy
from sqlalchemy import Column, Connection, MetaData, String, Table

from .. import project
from ..errors import ExplainedError

Status: TypeAlias = Literal["current", "newer", "behind", "ahead", "empty"]

BASE: Final = "base"
PREFIX: Final = "chassis_"  # begins the names of the chassis' tables, and of no others


class RevisionError(ExplainedError):
    """The database cannot be brought to a revision; one line that says why."""


@dataclass(frozen=True)
class Migration:
    """What a file says of itself."""

    file: str
    revision: str
    follows: str
    works_with: str  # the oldest revision whose code gets along with what this migration does


@dataclass(frozen=True)
class Position:
    """Where a database is in a chain, and the oldest code that works with its tables."""

    revision: str = BASE
    oldest_code: str = BASE


@dataclass(frozen=True)
class Chain:
    """The migrations of the chassis or of the project, one after the other."""

    owner: str
    folder: Path
    table: str

    @property
    def migrations(self) -> tuple[Migration, ...]:
        """The migrations in their order."""
        return migrations_in(self.folder)

    @property
    def revisions(self) -> tuple[str, ...]:
        """All that a database can be at, in the order of the chain."""
        return (BASE, *(one.revision for one in self.migrations))

    @property
    def head(self) -> str:
        """The newest revision of the code."""
        return self.revisions[-1]

    @property
    def next_revision(self) -> str:
        """The number of a new migration."""
        numbers = [int(one) for one in self.revisions if re.fullmatch("[0-9]{4}", one)]
        return f"{max(numbers, default=0) + 1:04}"

    def owns(self, table: str) -> bool:
        """Whether a table, by its name, is made by this chain."""
        return table.startswith(PREFIX) == (self.owner == "chassis")

    def oldest_code(self, revision: str) -> str:
        """Return the oldest revision whose code works with the tables as they are at `revision`."""
        steps = self.migrations[: self.revisions.index(revision)]
        needed = [BASE, *(one.works_with for one in steps)]
        return max(needed, key=self.revisions.index)

    def status(self, at: Position) -> Status:
        """Compare a database with the migrations of this version of the code.

        "newer" is what a newer version has left without breaking this one; "ahead" does not fit.
        """
        if at.revision == self.head:
            return "current"
        if at.revision not in self.revisions:
            return "newer" if at.oldest_code in self.revisions else "ahead"
        return "empty" if at.revision == BASE and self.owner == "chassis" else "behind"

    def find(self, target: str, at: str) -> str:
        """Return the revision that a command names: as it is, "head", or "-1" for a step back."""
        if target == "head":
            return self.head
        if re.fullmatch("[+-][0-9]+", target):
            place = self.revisions.index(at) + int(target)
            if 0 <= place < len(self.revisions):
                return self.revisions[place]
            raise RevisionError(f"the {self.owner} is at {at}: there is no revision {target} of it")
        if target not in self.revisions:
            raise RevisionError(f"the {self.owner} has no revision {target}")
        return target

    def read(self, connection: Connection) -> Position:
        """Return where any database is."""
        if not sqlalchemy.inspect(connection).has_table(self.table):
            return Position()
        # The table may be that of another app: all columns, as it may lack ours.
        everything = f"SELECT * FROM {self.table}"  # noqa: S608 - one of two names of ours
        rows = connection.execute(sqlalchemy.text(everything)).mappings()
        if not (row := rows.first()):
            return Position()
        revision = row["version_num"]
        return Position(revision, row.get("oldest_code") or revision)

    def record(self, connection: Connection) -> None:
        """Write down which older code still fits: that code cannot know the newer migrations."""
        revision = self.read(connection).revision
        if revision in self.revisions:
            oldest = {"oldest_code": self.oldest_code(revision)}
            connection.execute(self._version_table().update().values(oldest))

    def prepare(self, connection: Connection) -> None:
        """Make the version table, which Alembic would make without our column."""
        self._version_table().create(connection, checkfirst=True)

    def _version_table(self) -> Table:
        revision = Column("version_num", String(32), primary_key=True)
        return Table(self.table, MetaData(), revision, Column("oldest_code", String(32)))


def both() -> tuple[Chain, Chain]:
    """Return the chain of the chassis and that of the project, in the order of an upgrade."""
    return (
        Chain("chassis", Path(__file__).with_name("migrations") / "versions", "chassis_version"),
        Chain("project", project.current().folder / "migrations", "alembic_version"),
    )


@functools.cache
def migrations_in(folder: Path) -> tuple[Migration, ...]:
    """Return the migrations of a folder, which may be missing, in their order.

    Alembic could tell, but its import is a tenth of the start of the server.
    """
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith("__init__"))
    found = [_read(path) for path in paths]
    for one, other in itertools.combinations(found, 2):
        _refuse_branches(one, other, folder)
    following = {one.follows: one for one in found}
    ordered, at = [], BASE
    while at in following:
        ordered.append(following.pop(at))
        at = ordered[-1].revision
    for one in following.values():
        raise RevisionError(
            f"{folder / one.file} follows {one.follows}, to which no migration leads: correct its"
            " `down_revision`"
        )
    for place, one in enumerate(ordered):
        if one.works_with not in (BASE, *(older.revision for older in ordered[: place + 1])):
            raise RevisionError(
                f"{folder / one.file} says `works_with = {one.works_with!r}`: name a revision"
                f" before it, or {BASE!r} if it breaks no older code"
            )
    return tuple(ordered)


def _read(path: Path) -> Migration:
    values = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(name)], value=ast.Constant(value))
                | ast.AnnAssign(target=ast.Name(name), value=ast.Constant(value))
            ):
                values[name] = value
    match values:
        case {"revision": str(revision), "down_revision": str() | None as follows}:
            works_with = values.get("works_with", revision)
            return Migration(path.name, revision, follows or BASE, str(works_with))
    raise RevisionError(
        f"{path} is no migration: it needs the lines `revision = ...` and `down_revision = ...`,"
        " each with one text"
    )


def _refuse_branches(one: Migration, other: Migration, folder: Path) -> None:
    """Refuse what two branches of the code have left that were merged."""
    files = f"{one.file} and {other.file} in {folder}"
    if one.revision == other.revision:
        raise RevisionError(
            f"{files} have the same revision, {one.revision}: give one of them the next number, in"
            " its name and as `revision`, and as `down_revision` the number of the one before"
        )
    if one.follows == other.follows:
        raise RevisionError(
            f"{files} both follow {one.follows}: let one follow the other, by its `down_revision`"
        )
