"""The migrations that there are, on both databases: what they make, and new ones."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from chassis.commands.main import main
from chassis.database import chains, migrate, revisions
from chassis.database.chains import RevisionError
from chassis.database.encryption import EncryptedText
from chassis.database.engine import get_engine, transaction
from chassis.database.tables import NAMING, ChassisBase, UTCDateTime, load_models, utc_now
from chassis.testing.migrations import back_and_forward, differences, unnamed_constraints
from click.testing import CliRunner
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, inspect, select, text

from .migrations import VERSION_TABLES, Folders, append, other_chains, write


@pytest.fixture
def own_chains(tmp_path: Path) -> Iterator[Folders]:
    """Work with copies of the migrations that there are."""
    root = tmp_path / "50 %: ours"  # a name that needs care
    for chain in chains.both():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(chain.folder, root / chain.owner, ignore=ignored)
    with other_chains(root) as folders:
        yield folders


def copy_of_models() -> MetaData:
    """Return a copy of all tables, for a test to change."""
    copy = MetaData(naming_convention=NAMING)
    for table in load_models().sorted_tables:
        table.to_metadata(copy)
    return copy


# --- Models and migrations ------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
def test_the_migrations_make_what_the_models_say() -> None:
    assert differences() == []


@pytest.mark.usefixtures("database", "own_chains")
@pytest.mark.parametrize("for_chassis", [True, False])
def test_a_fresh_database_leaves_nothing_to_migrate(for_chassis: bool) -> None:
    with pytest.raises(RevisionError, match="nothing to migrate"):
        migrate.create("nothing", for_chassis=for_chassis)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "change",
    [
        lambda users: users.append_column(Column("phone", String(20))),
        lambda users: setattr(users.c.name, "type", String(7)),
        lambda users: setattr(users.c.name, "type", UTCDateTime()),
        lambda users: setattr(users.c.name, "nullable", True),
        lambda users: setattr(users.c.name, "server_default", sqlalchemy.DefaultClause("x")),
        lambda users: Table("another", users.metadata, Column("id", Integer, primary_key=True)),
        lambda users: sqlalchemy.Index(None, users.c.email),
    ],
)
def test_a_model_without_its_migration_is_found(change: Any) -> None:
    copy = copy_of_models()
    assert differences(copy) == []
    change(copy.tables["chassis_users"])
    assert differences(copy)


def test_every_constraint_has_a_name() -> None:
    assert load_models().tables["chassis_users"].constraints
    assert unnamed_constraints() == []


def test_the_tables_of_the_chassis_have_its_prefix() -> None:
    load_models()
    tables = {str(mapper.local_table) for mapper in ChassisBase.registry.mappers}
    assert "chassis_users" in tables
    assert all(name.startswith("chassis_") for name in tables)


@pytest.mark.usefixtures("database", "own_chains")
@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (
            ("chassis_orders",),
            "the table chassis_orders needs another name: those that begin with chassis_ are kept"
            " for the chassis",
        ),
        (
            ("orders", Column("by", ForeignKey("chassis_sessions.id"))),
            "orders refers to chassis_sessions.id: of the tables of the chassis, a project may"
            " refer to chassis_users.id only",
        ),
        (
            ("orders", Column("by", ForeignKey("chassis_users.username"))),
            "orders refers to chassis_users.username: of the tables of the chassis, a project may"
            " refer to chassis_users.id only",
        ),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_would_bind_the_chassis_is_refused(
    monkeypatch: pytest.MonkeyPatch, columns: Any, problem: str
) -> None:
    copy = copy_of_models()
    name, *others = columns
    Table(name, copy, Column("id", Integer, primary_key=True), *others)
    monkeypatch.setattr(migrate, "load_models", lambda: copy)
    with pytest.raises(RevisionError, match=f"^{re.escape(problem)}$"):
        migrate.create("Orders")
    monkeypatch.undo()


def test_a_class_of_the_project_may_have_the_name_of_one_of_the_chassis(tmp_path: Path) -> None:
    script = """
from chassis import Base, transaction
from chassis.auth.models import LoginSession, User as ChassisUser
from chassis.auth.roles import Role
from chassis.database.tables import METADATA
from chassis.database.engine import get_engine
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, configure_mappers, mapped_column, relationship

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("chassis_users.id"))

class Pet(Base):
    __tablename__ = "pets"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user: Mapped["User"] = relationship("User")

configure_mappers()
METADATA.create_all(get_engine())
with transaction() as session:
    account = ChassisUser(username="ann", roles=frozenset({Role.VIEWER}))
    session.add(account)
    session.flush()
    session.add(Pet(user=User(account_id=account.id)))
assert LoginSession.user.property.mapper.class_ is ChassisUser
assert Pet.user.property.mapper.class_ is User
"""
    url = f"sqlite:///{tmp_path}/pets.db"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False)
    assert done.returncode == 0


# --- Forward and back -----------------------------------------------------------------------------

ADDS = "op.add_column('scratch_notes', sa.Column('phone', sa.String(20)))"


@pytest.mark.usefixtures("database")
def test_all_the_way_back_and_forward_again() -> None:
    back_and_forward()
    assert revisions.status() == "current"
    assert differences() == []


@pytest.mark.usefixtures("database")
def test_users_and_what_refers_to_them_outlive_a_change_of_their_table(own_chains: Folders) -> None:
    """On SQLite the table is rebuilt; its rows, and those that refer to it, must stay."""
    names = ("chassis_users", "chassis_sessions", "scratch_notes")
    tables = [load_models().tables[name] for name in names]
    fill(*tables)
    before = content(*tables)
    column = "sa.Column('phone', sa.String(20), server_default='none', nullable=False)"
    new = append(
        own_chains.chassis,
        f"with op.batch_alter_table('chassis_users') as table:\n"
        f"    table.add_column({column})\n"
        f"    table.alter_column('name', type_=sa.String(300), existing_type=sa.String(200))",
        "with op.batch_alter_table('chassis_users') as table:\n"
        "    table.alter_column('name', type_=sa.String(200), existing_type=sa.String(300))\n"
        "    table.drop_column('phone')",
    )
    assert revisions.status() == "behind"
    migrate.upgrade()
    assert revisions.current() == f"{new}+0001"
    assert content(*tables) == before
    with transaction() as session:
        query = text("SELECT count(*) FROM chassis_users WHERE phone = 'none'")
        assert session.scalar(query) == 100
    migrate.downgrade("-1+0001")
    assert content(*tables) == before
    assert differences() == []


def fill(users: Table, sessions: Table, notes: Table) -> None:
    """Add 100 users with two sessions and a note each."""
    with transaction() as session:
        for number in range(1, 101):
            user = {"id": number, "username": f"user{number}", "name": "ü€" * 9, "email": ""}
            others = {"roles": "viewer", "backend": "password", "created_at": utc_now()}
            session.execute(users.insert(), user | others | {"must_change_password": False})
            times = {"created_at": utc_now(), "used_at": utc_now(), "expires_at": utc_now()}
            for copy in ("a", "b"):
                one = {"token_hash": f"{number}{copy}", "user_id": number, "address": ""}
                session.execute(sessions.insert(), one | times | {"user_agent": ""})
            session.execute(notes.insert(), {"text": f"of {number}", "author_id": number})


def content(*tables: Table) -> list[Any]:
    """Return every row of the tables, as far as the models know them."""
    with transaction(read_only=True) as session:
        return [
            [tuple(row) for row in session.execute(select(table).order_by(table.c.id))]
            for table in tables
        ]


@pytest.mark.usefixtures("database")
def test_a_migration_that_fails_changes_nothing_in_either_chain(own_chains: Folders) -> None:
    before = revisions.current()
    append(own_chains.chassis, "op.create_table('chassis_jobs', sa.Column('id', sa.Integer()))")
    append(own_chains.project, "op.drop_table('scratch_notes')\nop.drop_table('nowhere')")
    with pytest.raises(sqlalchemy.exc.DBAPIError):
        migrate.upgrade()
    assert revisions.current() == before
    with get_engine().connect() as connection:
        names = inspect(connection).get_table_names()
    assert "scratch_notes" in names
    assert "chassis_jobs" not in names


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_migration_must_not_leave_orphans(own_chains: Folders) -> None:
    """PostgreSQL looks after foreign keys by itself."""
    names = ("chassis_users", "chassis_sessions", "scratch_notes")
    fill(*(load_models().tables[name] for name in names))
    append(own_chains.project, "op.execute('DELETE FROM chassis_users WHERE id = 7')")
    with pytest.raises(RevisionError, match="would refer to one of chassis_users that is gone"):
        migrate.upgrade()
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM chassis_users")) == 100


@pytest.mark.usefixtures("database")
def test_two_upgrades_at_once_wait_for_each_other() -> None:
    migrate.downgrade("base")
    command = [sys.executable, "-c", "from chassis.database import migrate; migrate.upgrade()"]
    with ThreadPoolExecutor() as pool:
        run = functools.partial(subprocess.run, env={**os.environ}, capture_output=True, text=True)
        done = list(pool.map(run, [command] * 4))
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 4
    assert revisions.status() == "current"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("table", sorted(VERSION_TABLES))
def test_revisions_that_the_code_does_not_know(table: str) -> None:
    with transaction() as session:
        newer = {"version_num": "9999", "oldest_code": "9999"}
        columns: list[Any] = [sqlalchemy.column(name) for name in newer]
        session.execute(sqlalchemy.table(table, *columns).update().values(newer))
    at = "9999+0001" if table == "chassis_version" else "0001+9999"
    assert revisions.status() == "ahead"
    assert revisions.problem("ahead") == (
        f"the database is at revision {at}, which this version of the app does not know: start the"
        f" newer version, or run its `db downgrade {revisions.head()}`"
    )
    for change in (migrate.upgrade, functools.partial(migrate.downgrade, "base")):
        with pytest.raises(RevisionError, match=r"9999.* start the newer version"):
            change()


# --- New migrations -------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("owner", ["chassis", "project", "project without migrations"])
def test_a_new_migration_is_written_from_the_models(
    own_chains: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    owner: str,
) -> None:
    copy = copy_of_models()
    if owner == "project without migrations":
        migrate.downgrade("-1")
        shutil.rmtree(own_chains.project)
        chains.migrations_in.cache_clear()
        copy.remove(copy.tables["scratch_notes"])
    before, start = differences(copy), revisions.current()
    for_chassis = owner == "chassis"
    table = "chassis_orders" if for_chassis else "orders"
    Table(
        table,
        copy,
        Column("id", Integer, primary_key=True),
        Column("user_id", Integer, ForeignKey("chassis_users.id"), index=True),
        Column("secret", EncryptedText),
        Column("at", UTCDateTime),
    )
    monkeypatch.setattr(migrate, "load_models", lambda: copy)
    monkeypatch.setattr(migrate, "tables_of_chassis", lambda: {*copy.tables} - {"orders"})
    with pytest.raises(RevisionError, match="nothing to migrate"):
        migrate.create("of the other", for_chassis=not for_chassis)
    path = migrate.create("Add orders", for_chassis=for_chassis)
    number = revisions.head().split("+")[0 if for_chassis else 1]
    assert path == getattr(own_chains, owner.split()[0]) / f"{number}_add_orders.py"
    written = path.read_text(encoding="utf-8")
    assert "chassis." not in written.replace('"chassis_users.id"', "")  # no code that may change
    assert revisions.status() == "behind"
    migrate.upgrade()
    assert differences(copy) == []
    migrate.downgrade("-1+0001" if for_chassis else "-1")
    assert revisions.current() == start
    copy.remove(copy.tables[table])
    assert differences(copy) == before == []
    with pytest.raises(RevisionError, match=", not 0"):
        migrate.create("again")
    assert capsys.readouterr() == ("", "")
    command = [sys.executable, "-m", "ruff", "check", "--ignore", "E501", str(path)]
    subprocess.run([*command[:3], "format", str(path)], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("option", [[], ["--chassis"]])
def test_the_command_writes_for_the_project_unless_the_template_is_developed(
    own_chains: Folders, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    copy = copy_of_models()
    for name in ("chassis_orders", "orders"):
        Table(name, copy, Column("id", Integer, primary_key=True))
    monkeypatch.setattr(migrate, "load_models", lambda: copy)
    monkeypatch.setattr(migrate, "tables_of_chassis", lambda: {*copy.tables} - {"orders"})
    done = CliRunner().invoke(main, ["db", "revision", "Add orders", *option])
    assert done.exit_code == 0
    path = (own_chains.chassis if option else own_chains.project) / "0002_add_orders.py"
    assert done.stdout.rstrip().endswith(str(path))
    table = "chassis_orders" if option else "orders"
    assert re.findall(r'create_table\(\s*[\'"](\w+)', path.read_text(encoding="utf-8")) == [table]


def add(*arguments: Any, **options: Any) -> Callable[[Table], None]:
    return lambda notes: notes.append_column(Column(*arguments, **options))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("change", "fits"),
    [
        (add("phone", String(20)), True),
        (add("phone", String(20), nullable=False), False),
        (add("phone", String(20), nullable=False, server_default=""), True),
        (add("phone", String(20), unique=True), False),
        (add("user", ForeignKey("chassis_users.id")), False),
        (lambda notes: Table("x", notes.metadata, Column("id", Integer, primary_key=True)), True),
        (lambda notes: sqlalchemy.Index(None, notes.c.text), True),
        (lambda notes: sqlalchemy.Index(None, notes.c.text, unique=True), False),
        (lambda notes: notes.metadata.remove(notes), False),
        (lambda notes: setattr(notes.c.text, "nullable", True), False),
        (lambda notes: setattr(notes.c.text, "type", String(300)), False),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_new_migration_says_so_if_older_code_does_not_notice_it(
    own_chains: Folders, monkeypatch: pytest.MonkeyPatch, change: Any, fits: bool
) -> None:
    older = revisions.head()
    copy = copy_of_models()
    change(copy.tables["scratch_notes"])
    monkeypatch.setattr(migrate, "load_models", lambda: copy)
    path = migrate.create("change")
    assert path.parent == own_chains.project
    assert ('\nworks_with = "base"\n' in path.read_text(encoding="utf-8")) is fits
    if fits:
        revisions.keep_running(older)
    else:
        with pytest.raises(RevisionError, match="would break the running version"):
            revisions.keep_running(older)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_that_adds_and_takes_away_says_nothing(
    own_chains: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for column in ("phone", "fax"):  # the second one takes the first one away
        copy = copy_of_models()
        add(column, String(20))(copy.tables["scratch_notes"])
        monkeypatch.setattr(migrate, "load_models", lambda copy=copy: copy)
        path = migrate.create("change")
        assert column in path.read_text(encoding="utf-8")
        assert ("works_with" in path.read_text(encoding="utf-8")) is (column == "phone")
        migrate.upgrade()
    assert path.parent == own_chains.project


def test_one_of_an_author_who_says_nothing_breaks_older_code(own_chains: Folders) -> None:
    older = revisions.head()
    write(own_chains.project, "0002", "0001", "op.execute('UPDATE scratch_notes SET text = 1')")
    with pytest.raises(RevisionError, match="would break the running version"):
        revisions.keep_running(older)


@pytest.mark.usefixtures("database")
def test_a_contraction_fits_the_version_that_it_names(own_chains: Folders) -> None:
    old = revisions.head()
    expanded = append(own_chains.project, ADDS, works_with="base")
    drops = "op.drop_column('scratch_notes', 'phone')"
    new = append(own_chains.project, drops, works_with=expanded)
    revisions.keep_running(f"0001+{expanded}")
    with pytest.raises(RevisionError, match=f"they need {expanded}"):
        revisions.keep_running(old)
    migrate.upgrade()
    (own_chains.project / f"{new}_test.py").unlink()
    chains.migrations_in.cache_clear()
    assert revisions.status() == "newer"
    (own_chains.project / f"{expanded}_test.py").unlink()
    chains.migrations_in.cache_clear()
    assert revisions.status() == "ahead"
