"""What the tests of the backups share: data that can be lost, and places to lose it."""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chassis.commands.main import main
from chassis.database import engine
from chassis.database.engine import get_engine, transaction
from chassis.settings import get_settings
from click.testing import CliRunner
from sqlalchemy import Column, Integer, MetaData, String, Table, make_url, select

from ..conftest import PROJECT

NOTES = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", String),
)
CLEAR_TEXT = "only for us to read"


def add_notes(count: int, size: int = 20) -> None:
    """Commit some rows; their text does not compress well."""
    NOTES.metadata.create_all(get_engine())
    with transaction() as session:
        rows = [{"text": os.urandom(size // 2).hex()} for _ in range(count - 1)]
        session.execute(NOTES.insert(), [{"text": CLEAR_TEXT}, *rows])


def notes() -> list[str | None]:
    """Return what is in the database now."""
    engine.dispose()  # a replaced file is another one
    with transaction(read_only=True) as session:
        return list(session.scalars(select(NOTES.c.text).order_by(NOTES.c.id)))


def destroy(database: str) -> None:
    """Lose all data."""
    engine.dispose()
    url = make_url(database)
    if url.get_backend_name() == "sqlite":
        for path in Path(str(url.database)).parent.glob(f"{Path(str(url.database)).name}*"):
            path.unlink()
    else:
        with transaction() as session:
            session.connection().exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        engine.dispose()


def command(*arguments: str) -> tuple[int, str, str]:
    """Run `backup ...`; return its exit code, output and errors."""
    get_settings.cache_clear()
    done = CliRunner().invoke(main, ["backup", *arguments])
    engine.dispose()  # a command is a process that ends
    return done.exit_code, done.stdout.strip(), done.stderr.strip()


def rewrite(
    path: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes]]
) -> None:
    """Write a plain archive again, with each of its members changed."""
    with tarfile.open(path) as old:
        members = [(info, old.extractfile(info)) for info in old]
        contents = [(info, file.read() if file else b"") for info, file in members]
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as new:
        for before in contents:
            info, content = change(*before)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))


@contextmanager
def put_back(folder: Path) -> Iterator[None]:
    """Let a folder be afterwards as it was before."""
    with tempfile.TemporaryDirectory() as aside:
        shutil.copytree(folder, aside, dirs_exist_ok=True)
        yield
        for path in folder.iterdir():
            path.unlink()
        shutil.copytree(aside, folder, dirs_exist_ok=True)


def answers(subject: str, other: str) -> dict[str, str]:
    """Run all commands on two good backups of long ago; return what they say of the subject."""
    found = {"verify": said("verify")}
    _, output, _ = command("list")
    lines = [line.split() for line in output.splitlines()]
    states = {name: rest[5].rstrip(":") for name, *rest in lines if name in (subject, other)}
    found |= {"state": states[subject], "old": states[other]}
    folder = get_settings().backup_dir
    with put_back(folder):
        code, _, _ = command("prune")
        left = {"new": folder / subject, "old": folder / other}
        found["prune"] = " ".join([str(code), *(name for name in left if left[name].exists())])
    with put_back(folder):
        found["create"] = said("create")
    found["restore"] = said("restore", subject, "--yes")
    return found


def said(*arguments: str) -> str:
    """Run a command; return its exit code and what it prints."""
    return " ".join(str(part) for part in command(*arguments))


def on_small_disk(folder: Path, megabytes: int, script: str) -> str:
    """Run a script with a disk of this size mounted at the folder, which only it can see.

    Returns what it prints.
    """
    folder.mkdir()
    done = in_namespace(script, f"mount -t tmpfs -o size={megabytes}m none '{folder}'")
    if done.returncode:
        pytest.fail(done.stderr)
    return done.stdout


def in_namespace(script: str, prepare: str = "true") -> subprocess.CompletedProcess[str]:
    """Run a script as a user who may look at no process outside."""
    unshare = ["unshare", "--map-root-user", "--mount"]
    done = subprocess.run(
        [*unshare, "sh", "-c", f'{prepare} && exec "$1" -c "$2"', "sh", sys.executable, script],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare:" not in done.stderr and "mount:" not in done.stderr:
        return done
    reason = f"there are no user namespaces, or no mounts in them: {done.stderr.strip()}"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
