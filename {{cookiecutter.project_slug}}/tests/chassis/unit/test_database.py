"""The `db` commands as processes."""

import os
import subprocess
import sys

import pytest
from chassis.database import revisions
from chassis.database.engine import transaction
from cryptography.fernet import Fernet
from sqlalchemy import text


def db(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run a command; return its exit code and the lines that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "chassis", "db", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        input="",
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.mark.usefixtures("database")
def test_back_and_forward() -> None:
    head = revisions.head()
    assert db("current") == (0, f"{head} (current)", "")
    assert db("upgrade") == (0, f"The database stays at revision {head}.", "")
    assert db("downgrade", "base", "--yes") == (
        0,
        f"The database went from revision {head} to base.",
        "",
    )
    assert db("current") == (1, "base (empty)", "")
    assert db("upgrade", "0001") == (0, "The database went from revision base to 0001.", "")
    assert db("upgrade")[0] == 0
    assert db("downgrade", "-1", "--yes")[0] == 0
    assert revisions.status() in {"behind", "empty"}  # empty where 0001 is the only revision


@pytest.mark.usefixtures("database")
def test_a_newer_database_that_fits() -> None:
    assert db("head") == (0, revisions.head(), "")
    assert db("upgrade", "--keep", revisions.head())[0] == 0
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert db("current") == (0, "9999 (newer)", "")
    assert db("upgrade", "--keep", "9999") == (
        0,
        "The database stays at revision 9999, which fits.",
        "",
    )


@pytest.mark.usefixtures("database")
def test_going_back_asks_first() -> None:
    code, output, _ = db("downgrade", "base")
    assert code == 1
    assert "are deleted with their data. Go on?" in output
    assert revisions.status() == "current"


@pytest.mark.usefixtures("database")
def test_mistakes_are_one_line() -> None:
    assert db("upgrade", "8888") == (1, "", "Can't locate revision identified by '8888'")
    with transaction() as session:
        session.execute(
            text("UPDATE alembic_version SET version_num = '9999', oldest_code = '9999'")
        )
    assert db("current") == (1, "9999 (ahead)", "")
    code, _, error = db("revision", "anything")
    assert code == 1
    assert "9999, which this version of the app does not know" in error
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("database")
def test_keys_are_rotated() -> None:
    code, output, error = db("rotate-keys")
    assert (code, output) == (1, "")
    assert error.startswith("DATA_ENCRYPTION_KEYS is not set: make a key with python -c ")
    key = Fernet.generate_key().decode()
    code, output, _ = db("rotate-keys", DATA_ENCRYPTION_KEYS=key)
    assert code == 0
    assert "values are encrypted with the newest key" in output


@pytest.mark.parametrize(
    "url", ["postgresql://ann:hush-hush@127.0.0.1:1/app", "sqlite:////proc/nothing/app.db"]
)
@pytest.mark.parametrize("command", ["current", "upgrade"])
def test_a_database_that_is_away_is_one_line(command: str, url: str) -> None:
    code, output, error = db(command, DATABASE_URL=url)
    if command == "current" and url.startswith("sqlite"):
        assert (code, output) == (1, "base (empty)")
        return
    assert code == 1
    assert len(error.splitlines()) == 1
    assert "hush-hush" not in error
