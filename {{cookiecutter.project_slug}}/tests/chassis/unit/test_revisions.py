"""Where a database is in both chains, and which way it goes from there, on both databases."""

import functools
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chassis.database import chains, engine, migrate, revisions
from chassis.database.chains import RevisionError
from chassis.database.engine import get_engine, transaction
from chassis.settings import get_settings
from sqlalchemy import inspect, text

from .migrations import VERSION_TABLES, Folders, append, other_chains


@pytest.fixture
def unmigrated(database: str) -> None:
    """Take the tables of the fixture `database` away, and what it says about them."""
    migrate.downgrade("base")
    with transaction() as session:
        for name in VERSION_TABLES:
            session.execute(text(f"DROP TABLE {name}"))
    assert database


@pytest.fixture
def empty_chains(tmp_path: Path) -> Iterator[Folders]:
    """Work with chains without a migration; the project has no folder for them."""
    with other_chains(tmp_path) as folders:
        folders.chassis.mkdir()
        yield folders


@pytest.fixture
def three_steps(empty_chains: Folders) -> Callable[[str], None]:
    """Give each chain three migrations, of which the last breaks older code.

    Step 2 of the project makes a table `step2`. Return a function that takes away the migrations
    that come after those of a word: the code of that release.
    """
    for folder, prefix in ((empty_chains.chassis, "chassis_"), (empty_chains.project, "")):
        for step in (1, 2, 3):
            append(
                folder,
                f"op.create_table('{prefix}step{step}', sa.Column('id', sa.Integer()))",
                f"op.drop_table('{prefix}step{step}')",
                works_with=None if step == 3 else "base",
            )

    def code_of(word: str) -> None:
        for chain, head in zip(chains.both(), word.split("+"), strict=True):
            for path in chain.folder.glob("*.py"):
                if head == chains.BASE or path.name > f"{head}_z":
                    path.unlink()
            if head == chains.BASE:
                shutil.rmtree(chain.folder)
        chains.migrations_in.cache_clear()

    return code_of


def steps() -> str:
    """Return the word for the steps whose tables are in the database."""
    with get_engine().connect() as connection:
        names = set(inspect(connection).get_table_names()) - VERSION_TABLES
    found = []
    for prefix in ("chassis_", ""):
        mine = [name for name in names if name.startswith(f"{prefix}step")]
        assert sorted(mine) == [f"{prefix}step{number + 1}" for number in range(len(mine))]
        found.append(f"{len(mine):04}" if mine else chains.BASE)
    return "+".join(found)


# --- States and problems --------------------------------------------------------------------------


@pytest.mark.usefixtures("database", "unmigrated")
@pytest.mark.parametrize(
    ("database_at", "code", "status", "afterwards"),
    [
        ("base+base", "0002+0002", "empty", "0002+0002"),
        ("0001+base", "0002+0002", "behind", "0002+0002"),
        ("0001+0002", "0002+0002", "behind", "0002+0002"),
        ("0002+0001", "0002+0002", "behind", "0002+0002"),
        ("0002+0002", "0002+0002", "current", "0002+0002"),
        # The code was rolled back, and what the newer version added is still there.
        ("0002+0002", "0001+0002", "newer", "0002+0002"),
        ("0002+0002", "0002+0001", "newer", "0002+0002"),
        ("0002+0002", "0001+base", "newer", "0002+0002"),
        # Then there was a hotfix, with a migration in the other chain.
        ("0002+0001", "0001+0002", "behind", "0002+0002"),
        ("0001+0002", "0002+0001", "behind", "0002+0002"),
        # What the newer version has done does not fit.
        ("0003+0002", "0002+0002", "ahead", None),
        ("0002+0003", "0002+0002", "ahead", None),
        ("0003+0001", "0002+0002", "ahead", None),
        ("0001+0003", "0002+0002", "ahead", None),
        ("0001+0003", "0001+base", "ahead", None),
        # A project that has no migration yet.
        ("base+base", "0001+base", "empty", "0001+base"),
        ("0001+base", "0001+base", "current", "0001+base"),
        ("0001+base", "0002+base", "behind", "0002+base"),
        ("0002+base", "0001+base", "newer", "0002+base"),
    ],
)
def test_each_state_of_the_database(
    three_steps: Callable[[str], None],
    database_at: str,
    code: str,
    status: str,
    afterwards: str | None,
) -> None:
    if database_at != "base+base":
        migrate.upgrade(database_at)
    three_steps(code)
    assert (revisions.head(), revisions.current()) == (code, database_at)
    assert revisions.status() == status
    if afterwards is None:
        for move in (migrate.upgrade, functools.partial(migrate.downgrade, "base")):
            with pytest.raises(RevisionError, match=f"at revision {re.escape(database_at)}, which"):
                move()
        assert steps() == database_at
        return
    migrate.upgrade()
    assert revisions.current() == steps() == afterwards
    assert revisions.status() in revisions.FITTING


@pytest.mark.usefixtures("database", "unmigrated")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("database_at", "code", "problem"),
    [
        ("base+base", "0002+0002", "has no tables yet: run `COMMAND db upgrade`"),
        ("0001+0001", "0001+0002", "is at revision 0001+0001, not 0001+0002: run `COMMAND db up"),
        # What is newer and fits stays as it is.
        ("0002+0001", "0001+0002", "is at revision 0002+0001, not 0002+0002: run `COMMAND db up"),
        (
            "0003+0001",
            "0002+0002",
            "is at revision 0003+0001, which this version of the app does not know: start the newer"
            " version, or run its `db downgrade 0002+0001`",
        ),
        (
            "0002+0003",
            "0002+0001",
            "is at revision 0002+0003, which this version of the app does not know: start the newer"
            " version, or run its `db downgrade 0002+0001`",
        ),
    ],
)
def test_a_problem_names_the_command(
    three_steps: Callable[[str], None], database_at: str, code: str, problem: str
) -> None:
    if database_at != "base+base":
        migrate.upgrade(database_at)
    three_steps(code)
    expected = re.escape(f"the database {problem}").replace("COMMAND", ".+")
    assert re.match(expected, revisions.problem(revisions.status()))


@pytest.mark.usefixtures("database", "unmigrated", "three_steps")
@pytest.mark.parametrize(
    ("start", "target", "end"),
    [
        # A target for one chain is that of the project; the chassis gets all that it has.
        ("base+base", "head", "0003+0003"),
        ("base+base", "0001", "0003+0001"),
        ("base+base", "+2", "0003+0002"),
        ("0001+0001", "+1", "0003+0002"),
        ("0001+0002", "0001", "0003+0002"),
        ("base+base", "base", "0003+base"),
        ("base+base", "0001+base", "0001+base"),
        ("base+base", "0001+0002", "0001+0002"),
        ("0001+0002", "0001+head", "0001+0003"),
        ("0002+0002", "0001+0001", "0002+0002"),
        ("0001+0001", "8888", RevisionError("the project has no revision 8888")),
        ("0001+0001", "8888+0002", RevisionError("the chassis has no revision 8888")),
        ("0001+0003", "+1", RevisionError("the project is at 0003: there is no revision +1 of it")),
        (
            "0001+0001",
            "0001+",
            RevisionError("'0001+' does not name two revisions, as '0003+0003' does"),
        ),
        (
            "0001+0001",
            "0001+0001+1",
            RevisionError("'0001+0001+1' does not name two revisions, as '0003+0003' does"),
        ),
    ],
)
def test_the_targets_of_an_upgrade(start: str, target: str, end: str | RevisionError) -> None:
    move(migrate.upgrade, start, target, end)


TAKES_BOTH = RevisionError(
    "tables of the project may refer to those of the chassis: `scratch-tool db downgrade"
    " base` takes back both"
)


@pytest.mark.usefixtures("database", "unmigrated", "three_steps")
@pytest.mark.parametrize(
    ("start", "target", "end"),
    [
        ("0003+0003", "-1", "0003+0002"),
        ("0003+0003", "-3", "0003+base"),
        ("0003+0003", "0001", "0003+0001"),
        ("0003+0003", "base", "base+base"),
        ("0002+base", "base", "base+base"),
        ("0003+0003", "0001+0002", "0001+0002"),
        ("0003+0003", "0001+0003", "0001+0003"),
        ("0003+0003", "0003+base", "0003+base"),
        ("0003+0003", "base+base", "base+base"),
        ("0003+0003", "base+0003", TAKES_BOTH),
        ("0003+0003", "base+0001", TAKES_BOTH),
        ("0001+0001", "-1+0001", TAKES_BOTH),
        ("0001+0001", "8888", RevisionError("the project has no revision 8888")),
        ("0001+0001", "-2", RevisionError("the project is at 0001: there is no revision -2 of it")),
        ("0001+base", "-1", RevisionError("the project is at base: there is no revision -1 of it")),
    ],
)
def test_the_targets_of_a_downgrade(start: str, target: str, end: str | RevisionError) -> None:
    move(migrate.downgrade, start, target, end)


def move(how: Callable[[str], None], start: str, target: str, end: str | RevisionError) -> None:
    """Go from `start` to `target`, and end where it is expected, or where it began."""
    if start != "base+base":
        migrate.upgrade(start)
    if isinstance(end, str):
        how(target)
        assert revisions.current() == steps() == end
        return
    with pytest.raises(RevisionError, match=f"^{re.escape(str(end))}$"):
        how(target)
    assert revisions.current() == steps() == start


@pytest.mark.usefixtures("database", "unmigrated")
def test_tables_that_older_code_does_not_know_are_not_taken_back(
    three_steps: Callable[[str], None],
) -> None:
    migrate.upgrade("0002+0002")
    three_steps("0001+0002")
    with pytest.raises(RevisionError, match=r"0002\+0002, which this version .* does not know"):
        migrate.downgrade("base")
    with pytest.raises(RevisionError, match=r"0002\+0002, which this version .* does not know"):
        migrate.create("on top of what is not known")
    migrate.downgrade("-1")  # the project's, which this version knows
    assert revisions.current() == steps() == "0002+0001"


@pytest.mark.usefixtures("database", "unmigrated")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("code", "running", "problem"),
    [
        ("0002+0002", "0002+0002", None),
        ("0002+0002", "0001+0001", None),
        ("0002+0002", "0001+base", None),  # its first table
        ("0002+base", "0001+base", None),
        ("0001+0003", "0001+0002", "of the project to 0003 would break the running version, which"),
        ("0003+0001", "0002+0001", "of the chassis to 0003 would break the running version, which"),
        ("0003+0003", "0003+0003", None),
        ("0001+0001", "0001+9999", None),  # newer than this version: there is nothing to upgrade
        ("0003+0001", "0002+9999", "of the chassis to 0003"),
        ("0001+0001", "0001", "'0001' does not name two revisions, as '0001+0001' does"),
    ],
)
def test_what_an_upgrade_would_break(
    three_steps: Callable[[str], None], code: str, running: str, problem: str | None
) -> None:
    three_steps(code)
    if problem is None:
        revisions.keep_running(running)
        return
    with pytest.raises(RevisionError, match=re.escape(problem)):
        revisions.keep_running(running)


def test_asking_does_not_make_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/app.db")
    get_settings.cache_clear()
    assert revisions.status() == "empty"
    assert list(tmp_path.iterdir()) == []
    engine.forget()


@pytest.mark.usefixtures("database")
def test_the_table_of_another_app_is_not_ours() -> None:
    migrate.downgrade("base")
    with transaction() as session:
        session.execute(text("DROP TABLE alembic_version"))
        session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        session.execute(text("INSERT INTO alembic_version VALUES ('of-another')"))
    assert (revisions.status(), revisions.current()) == ("ahead", "base+of-another")
