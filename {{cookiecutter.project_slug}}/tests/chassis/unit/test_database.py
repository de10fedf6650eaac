"""The `db` commands as processes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.database import revisions
from chassis.database.engine import transaction
from cryptography.fernet import Fernet
from sqlalchemy import text

from ..conftest import PROJECT, SCRATCH
from .migrations import write


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
        f"The database went from revision {head} to base+base.",
        "",
    )
    assert db("current") == (1, "base+base (empty)", "")
    went = "The database went from revision base+base to 0001+base."
    assert db("upgrade", "0001+base") == (0, went, "")
    assert revisions.status() == "behind"
    went = "The database went from revision 0001+base to 0001+0001."
    assert db("upgrade", "0001") == (0, went, "")
    code, output, error = db("downgrade", "base+0001", "--yes")
    assert (code, output, len(error.splitlines())) == (1, "", 1)
    assert db("downgrade", "-1", "--yes")[0] == 0
    assert revisions.current() == "0001+base"


@pytest.mark.usefixtures("database")
def test_a_newer_database_that_fits() -> None:
    assert db("head") == (0, revisions.head(), "")
    assert db("upgrade", "--keep", revisions.head())[0] == 0
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert db("current") == (0, "0001+9999 (newer)", "")
    assert db("upgrade", "--keep", "0001+9999") == (
        0,
        "The database stays at revision 0001+9999, which fits.",
        "",
    )
    code, output, error = db("upgrade", "--keep", "0001")
    assert (code, output) == (1, "")
    assert error == "'0001' does not name two revisions, as '0001+0001' does"


@pytest.mark.usefixtures("database")
def test_going_back_asks_first() -> None:
    code, output, _ = db("downgrade", "base")
    assert code == 1
    assert "are deleted with their data. Go on?" in output
    assert revisions.status() == "current"


@pytest.mark.usefixtures("database")
def test_mistakes_are_one_line() -> None:
    assert db("upgrade", "8888") == (1, "", "the project has no revision 8888")
    with transaction() as session:
        session.execute(
            text("UPDATE alembic_version SET version_num = '9999', oldest_code = '9999'")
        )
    assert db("current") == (1, "0001+9999 (ahead)", "")
    code, _, error = db("revision", "anything")
    assert code == 1
    assert "0001+9999, which this version of the app does not know" in error
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", ["db head", "db upgrade", "users list", "serve", "doctor"])
def test_two_branches_that_were_merged_are_one_line(tmp_path: Path, command: str) -> None:
    shutil.copytree(SCRATCH / "src", tmp_path / "src")
    folder = tmp_path / "src" / "scratch_tool" / "migrations"
    for name in ("orders", "invoices"):
        write(folder, "0002", "0001", name=name)
    done = subprocess.run(
        [sys.executable, "-m", "chassis", *command.split()],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    lines = (done.stderr + done.stdout).splitlines()
    assert [line for line in lines if "0002_invoices.py and 0002_orders.py in " in line]
    assert "Traceback" not in done.stderr
    assert len(lines) == 1 or command == "doctor"


def test_the_option_for_the_template_is_hidden() -> None:
    assert "--chassis" not in db("revision", "--help")[1]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_to_migrate() -> None:
    nothing = "the tables are as the models say: there is nothing to migrate"
    assert db("revision", "anything") == (1, "", nothing)


@pytest.mark.usefixtures("database")
def test_keys_are_rotated() -> None:
    code, output, error = db("rotate-keys")
    assert (code, output) == (1, "")
    assert error.startswith("DATA_ENCRYPTION_KEYS is not set: make a key with python3 -c ")
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
        assert (code, output) == (1, "base+base (empty)")
        return
    assert code == 1
    assert len(error.splitlines()) == 1
    assert "hush-hush" not in error
