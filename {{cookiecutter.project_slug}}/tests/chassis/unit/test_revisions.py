"""Migrations on both databases: forward, back and forward again, and what the models say."""

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chassis.database import engine, revisions
from chassis.database.encryption import EncryptedText
from chassis.database.engine import get_engine, transaction
from chassis.database.tables import NAMING, UTCDateTime, load_models, utc_now
from chassis.settings import get_settings
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, inspect, select, text


@pytest.fixture
def own_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work with a copy of the migrations; return the folder of the revisions."""
    versions = tmp_path / "50 %" / "versions"  # a name that needs care
    versions.mkdir(parents=True)
    for path in revisions.FOLDER.rglob("*.*"):
        if "__pycache__" not in path.parts:
            (versions.parent / path.relative_to(revisions.FOLDER)).write_bytes(path.read_bytes())
    monkeypatch.setattr(revisions, "FOLDER", versions.parent)
    revisions._known.cache_clear()
    yield versions
    revisions._known.cache_clear()


def add_migration(versions: Path, upgrade: str, downgrade: str = "pass") -> str:
    """Write a migration that follows the newest one; return its revision."""
    head = revisions.head()
    new = f"{int(head) + 1:04}"
    lines = [
        "import sqlalchemy as sa",
        "from alembic import op",
        f"revision = {new!r}",
        f"down_revision = {head!r}",
        "def upgrade():",
        *(f"    {line}" for line in upgrade.splitlines()),
        "def downgrade():",
        *(f"    {line}" for line in downgrade.splitlines()),
    ]
    (versions / f"{new}_test.py").write_text("\n".join(lines), encoding="utf-8")
    revisions._known.cache_clear()
    return new


def differences(metadata: MetaData) -> list[Any]:
    """Return what a migration would have to change, as far as Alembic can see."""
    with get_engine().connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        found: list[Any] = compare_metadata(context, metadata)
    return found


# --- Models and migrations ------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
def test_the_migrations_make_what_the_models_say() -> None:
    """If this fails: `db upgrade`, then `db revision "what has changed"`."""
    assert differences(load_models()) == []


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
    copy = MetaData(naming_convention=NAMING)
    for table in load_models().sorted_tables:
        table.to_metadata(copy)
    assert differences(copy) == []
    change(copy.tables["users"])
    assert differences(copy)


def test_there_is_one_newest_revision() -> None:
    assert revisions.head() == max(revisions._known())


def test_alembic_and_we_agree_on_the_revisions() -> None:
    from alembic.script import ScriptDirectory

    scripts = list(ScriptDirectory(str(revisions.FOLDER)).walk_revisions())
    assert {script.revision: script.down_revision for script in scripts} == revisions._known()
    assert scripts[0].revision == revisions.head()


def test_every_constraint_has_a_name() -> None:
    constraints = [one for table in load_models().sorted_tables for one in table.constraints]
    assert constraints
    assert all(constraint.name for constraint in constraints)


# --- Forward and back -----------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
def test_all_the_way_back_and_forward_again() -> None:
    steps = sorted(revisions._known())
    for older in reversed(["base", *steps[:-1]]):
        revisions.downgrade(older)
        assert revisions.current() == (None if older == "base" else older)
    with get_engine().connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    assert revisions.status() == "empty"
    for step in steps:
        assert revisions.status() != "current"
        revisions.upgrade(step)
    assert revisions.status() == "current"
    assert differences(load_models()) == []


@pytest.mark.usefixtures("database")
def test_users_and_their_sessions_outlive_a_change_of_their_table(own_migrations: Path) -> None:
    """On SQLite the table is made anew; its rows, and those that refer to it, must stay."""
    users, sessions = (load_models().tables[name] for name in ("users", "login_sessions"))
    fill(users, sessions)
    before = content(users, sessions)
    column = "sa.Column('phone', sa.String(20), server_default='none', nullable=False)"
    new = add_migration(
        own_migrations,
        f"with op.batch_alter_table('users') as table:\n"
        f"    table.add_column({column})\n"
        f"    table.alter_column('name', type_=sa.String(300), existing_type=sa.String(200))",
        "with op.batch_alter_table('users') as table:\n"
        "    table.alter_column('name', type_=sa.String(200), existing_type=sa.String(300))\n"
        "    table.drop_column('phone')",
    )
    assert revisions.status() == "behind"
    revisions.upgrade()
    assert revisions.current() == new
    assert content(users, sessions) == before
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM users WHERE phone = 'none'")) == 100
    revisions.downgrade("-1")
    assert content(users, sessions) == before
    assert differences(load_models()) == []


def fill(users: Table, sessions: Table) -> None:
    """Add 100 users with two sessions each."""
    with transaction() as session:
        for number in range(1, 101):
            user = {"id": number, "username": f"user{number}", "name": "ü€" * 9, "email": ""}
            others = {"roles": "viewer", "backend": "password", "created_at": utc_now()}
            session.execute(users.insert(), user | others | {"must_change_password": False})
            times = {"created_at": utc_now(), "used_at": utc_now(), "expires_at": utc_now()}
            for copy in ("a", "b"):
                one = {"token_hash": f"{number}{copy}", "user_id": number, "address": ""}
                session.execute(sessions.insert(), one | times | {"user_agent": ""})


def content(*tables: Table) -> list[Any]:
    """Return every row of the tables, as far as the models know them."""
    with transaction(read_only=True) as session:
        return [
            [tuple(row) for row in session.execute(select(table).order_by(table.c.id))]
            for table in tables
        ]


@pytest.mark.usefixtures("database")
def test_a_migration_that_fails_changes_nothing(own_migrations: Path) -> None:
    before = revisions.current()
    add_migration(own_migrations, "op.drop_table('login_sessions')\nop.drop_table('nowhere')")
    with pytest.raises(sqlalchemy.exc.DBAPIError):
        revisions.upgrade()
    assert revisions.current() == before
    with get_engine().connect() as connection:
        assert inspect(connection).has_table("login_sessions")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_migration_must_not_leave_orphans(own_migrations: Path) -> None:
    """PostgreSQL looks after foreign keys by itself."""
    fill(*(load_models().tables[name] for name in ("users", "login_sessions")))
    add_migration(own_migrations, "op.execute('DELETE FROM users WHERE id = 7')")
    with pytest.raises(revisions.RevisionError, match="login_sessions would refer to one of users"):
        revisions.upgrade()
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM users")) == 100


@pytest.mark.usefixtures("database")
def test_two_upgrades_at_once_wait_for_each_other(own_migrations: Path) -> None:
    revisions.downgrade("base")
    script = (
        "from pathlib import Path; "
        "from chassis.database import revisions; "
        f"revisions.FOLDER = Path({str(own_migrations.parent)!r}); revisions.upgrade()"
    )
    command = [sys.executable, "-c", script]
    with ThreadPoolExecutor() as pool:
        run = functools.partial(subprocess.run, env={**os.environ}, capture_output=True, text=True)
        done = list(pool.map(run, [command] * 4))
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 4
    assert revisions.status() == "current"


@pytest.mark.usefixtures("database")
def test_revisions_that_the_code_does_not_know() -> None:
    with pytest.raises(revisions.RevisionError, match="8888"):
        revisions.downgrade("8888")
    with transaction() as session:
        session.execute(
            text("UPDATE alembic_version SET version_num = '9999', oldest_code = '9999'")
        )
    assert revisions.status() == "ahead"
    assert revisions.problem("ahead") == (
        "the database is at revision 9999, which this version of the app does not know: start the "
        f"newer version, or run its `db downgrade {revisions.head()}`"
    )
    for change in (revisions.upgrade, functools.partial(revisions.downgrade, "base")):
        with pytest.raises(revisions.RevisionError, match=r"9999, .* start the newer version"):
            change()


ADDS = "op.add_column('users', sa.Column('phone', sa.String(20)))"


@pytest.mark.parametrize(
    ("step", "fits"),
    [
        (ADDS, True),
        ("op.create_table('x', sa.Column('id', sa.Integer().with_variant(sa.Text(), 'a')))", True),
        ("op.add_column('users', sa.Column('a', sa.Integer(), nullable=False))", False),
        (
            "op.add_column('users', sa.Column('a', sa.Text(), server_default='', nullable=False))",
            True,
        ),
        ("op.create_index(op.f('ix'), 'users', ['name'])", True),
        ("op.create_index(op.f('ix'), 'users', ['name'], unique=True)", False),
        ("op.drop_column('users', 'name')", False),
        ("with op.batch_alter_table('users') as t:\n    t.alter_column('name')", False),
        ("op.execute('UPDATE users SET name = 1')", False),
        ("helper()", False),
        (f"{ADDS}\nop.drop_table('users')", False),
    ],
)
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_which_migrations_older_code_does_not_notice(
    own_migrations: Path, step: str, fits: bool
) -> None:
    older = revisions.head()
    new = add_migration(own_migrations, step)
    assert (revisions.oldest_code(new) != new) is fits
    if fits:
        revisions.keep_running(older)
    else:
        with pytest.raises(revisions.RevisionError, match="would break the running version"):
            revisions.keep_running(older)


@pytest.mark.usefixtures("database")
def test_older_code_works_with_tables_that_only_grew(own_migrations: Path) -> None:
    older = revisions.head()
    new = own_migrations / f"{add_migration(own_migrations, ADDS)}_test.py"
    revisions.upgrade()
    new.rename(new.with_suffix(".away"))  # the code of the release before
    revisions._known.cache_clear()
    assert revisions.head() == older
    assert revisions.status() == "newer"
    revisions.keep_running("9999")
    new.with_suffix(".away").rename(new)
    revisions._known.cache_clear()
    revisions.downgrade(older)
    assert revisions.current() == older


@pytest.mark.usefixtures("database")
def test_a_contraction_fits_the_version_that_it_names(own_migrations: Path) -> None:
    old = revisions.head()
    expanded = add_migration(own_migrations, ADDS)
    new = add_migration(own_migrations, "op.drop_column('users', 'phone')")
    file = own_migrations / f"{new}_test.py"
    file.write_text(f"works_with = {expanded!r}\n{file.read_text()}")
    assert revisions.oldest_code(new) == expanded
    revisions.keep_running(expanded)
    with pytest.raises(revisions.RevisionError, match=f"they need {expanded}"):
        revisions.keep_running(old)
    revisions.upgrade()
    file.unlink()
    revisions._known.cache_clear()
    assert revisions.status() == "newer"
    (own_migrations / f"{expanded}_test.py").unlink()
    revisions._known.cache_clear()
    assert revisions.status() == "ahead"


def test_asking_does_not_make_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/app.db")
    get_settings.cache_clear()
    assert revisions.status() == "empty"
    assert list(tmp_path.iterdir()) == []
    engine.forget()


# --- New migrations -------------------------------------------------------------------------------


@pytest.mark.usefixtures("database", "own_migrations")
def test_a_new_migration_is_written_from_the_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(revisions.RevisionError, match="nothing to migrate"):
        revisions.create("nothing")
    copy = MetaData(naming_convention=NAMING)
    for table in load_models().sorted_tables:
        table.to_metadata(copy)
    Table(
        "orders",
        copy,
        Column("id", Integer, primary_key=True),
        Column("user_id", Integer, ForeignKey("users.id"), index=True),
        Column("secret", EncryptedText),
        Column("at", UTCDateTime),
    )
    monkeypatch.setattr(revisions, "load_models", lambda: copy)
    path = revisions.create("Add orders")
    assert path.name == f"{int(revisions.head()):04}_add_orders.py"
    assert "{{cookiecutter.package_name}}" not in path.read_text(encoding="utf-8")
    assert revisions.status() == "behind"
    revisions.upgrade()
    assert differences(copy) == []
    revisions.downgrade("-1")
    assert differences(load_models()) == []
    with pytest.raises(revisions.RevisionError, match="not 0"):
        revisions.create("again")
    assert capsys.readouterr() == ("", "")
    command = [sys.executable, "-m", "ruff", "check", "--ignore", "E501", str(path)]
    subprocess.run([*command[:3], "format", str(path)], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
