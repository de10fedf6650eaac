"""Where the database is in both chains of migrations, compared with the code.

One word names a revision of each: "0001+0003" is 0001 of the chassis and 0003 of the project.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import Connection

from .. import project
from . import chains
from .chains import Chain, Position, RevisionError, Status
from .engine import clear_errors, get_engine

Positions: TypeAlias = dict[Chain, Position]

FITTING: Final = frozenset({"current", "newer"})  # what this version of the app can work with
WORST_FIRST: Final[tuple[Status, ...]] = ("ahead", "empty", "behind", "newer", "current")


def head() -> str:
    """Return the newest revisions of the code."""
    return _word(chain.head for chain in chains.both())


def current() -> str:
    """Return the revisions of the database."""
    return _word(at.revision for at in _positions().values())


def words_of(connection: Connection) -> tuple[str, str]:
    """Return the revisions of any database, and the oldest whose code works with its tables."""
    positions = positions_in(connection).values()
    return _word(at.revision for at in positions), _word(at.oldest_code for at in positions)


def status_of(revision: str, oldest_code: str) -> Status:
    """Compare a database with the code by two words that were noted of it."""
    try:
        at, oldest = take_apart(revision), take_apart(oldest_code)
    except RevisionError:
        return "ahead"
    found = (chain.status(Position(at[chain], oldest[chain])) for chain in at)
    return min(found, key=WORST_FIRST.index)


def status() -> Status:
    """Compare the database with the code; of the two chains the worse one counts."""
    found = {chain.status(at) for chain, at in _positions().items()}
    return min(found, key=WORST_FIRST.index)


def problem(found: Status) -> str:
    """Return one line that says what is wrong with the database, and the command that helps."""
    positions = _positions()
    if found in {"ahead", "newer"}:  # the latter only where it does not fit, as for `db revision`
        return not_known(positions)
    needed = _word(
        at.revision if chain.status(at) == "newer" else chain.head
        for chain, at in positions.items()
    )
    at = _word(at.revision for at in positions.values())
    have = "has no tables yet" if found == "empty" else f"is at revision {at}, not {needed}"
    return f"the database {have}: run `{project.current().command_line} db upgrade`"


def not_known(positions: Positions) -> str:
    """Return the line about a database that a newer version of the code has made."""
    goal = _word(
        at.revision if at.revision in chain.revisions else chain.head
        for chain, at in positions.items()
    )
    return (
        f"the database is at revision {_word(at.revision for at in positions.values())}, which this"
        f" version of the app does not know: start the newer version, or run its `db downgrade"
        f" {goal}`"
    )


def keep_running(older: str) -> None:
    """Raise RevisionError if an upgrade would break a running version, whose head is `older`."""
    for chain, number in take_apart(older).items():
        if number not in chain.revisions:
            continue  # newer than this version: there is nothing to upgrade
        oldest = chain.oldest_code(chain.head)
        if chain.revisions.index(number) < chain.revisions.index(oldest):
            raise RevisionError(
                f"the migrations of the {chain.owner} to {chain.head} would break the running"
                f" version, which knows {number} and older: they need {oldest}. docs/data.md says"
                " how to change tables in two releases"
            )


def take_apart(word: str) -> dict[Chain, str]:
    """Return the revision of each chain that a word names."""
    both, numbers = chains.both(), word.split("+")
    if len(numbers) != len(both) or not all(numbers):
        raise RevisionError(f"{word!r} does not name two revisions, as {head()!r} does")
    return dict(zip(both, numbers, strict=True))


def positions_in(connection: Connection) -> Positions:
    """Return where any database is."""
    return {chain: chain.read(connection) for chain in chains.both()}


def _positions() -> Positions:
    engine = get_engine(read_only=True)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return {chain: Position() for chain in chains.both()}  # to connect would make the file
    with clear_errors(), engine.connect() as connection:
        return positions_in(connection)


def _word(numbers: Iterable[str]) -> str:
    return "+".join(numbers)
