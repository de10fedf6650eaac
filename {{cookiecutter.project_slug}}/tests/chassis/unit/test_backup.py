"""The drill: what was committed before a backup is there after a restore, or nothing changes."""

import getpass
import json
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tarfile import TarInfo

import pytest
from chassis.backup import BackupError, DamageError, jobs, manifest, postgresql, sqlite
from chassis.backup import places as places_of
from chassis.backup.folder import Folder
from chassis.database import engine, in_use, migrate, revisions
from chassis.database.engine import DatabaseUnavailable, get_engine, transaction
from chassis.database.in_use import InUse
from chassis.server.metrics_server import BackupCollector
from chassis.settings import get_settings
from chassis.testing.databases import new_sqlite
from cryptography.fernet import Fernet
from sqlalchemy import URL, NullPool, make_url, select, text

from .backups import NOTES, add_notes, command, destroy, in_namespace, notes, on_small_disk, rewrite

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep backups and uploads below the folder of the test."""
    monkeypatch.setenv("BACKUP_DIR", str(tmp_path / "backups"))
    monkeypatch.setenv("UPLOADS_DIR", str(tmp_path / "uploads"))
    get_settings.cache_clear()
    return tmp_path


def upload(places: Path, name: str, content: str) -> Path:
    """Keep a file as the app does."""
    path = places / "uploads" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def uploads(places: Path) -> dict[str, str]:
    """Return all files with what is in them."""
    root = places / "uploads"
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in files}


def stop_app() -> None:
    """Close the connections of this process, which a restore would take for the app."""
    engine.dispose()


def names() -> list[str]:
    """Return the names of the backups, the newest first."""
    return [entry.name for entry in jobs.entries("here")]


# --- Nothing is lost ------------------------------------------------------------------------------


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_drill(
    database: str, places: Path, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    if encrypted:
        monkeypatch.setenv("BACKUP_ENCRYPTION_KEY", Fernet.generate_key().decode())
        get_settings.cache_clear()
    add_notes(10)
    upload(places, "계약/one.txt", "one")
    committed = 0
    done = threading.Event()

    def write() -> None:
        nonlocal committed
        while not done.is_set():
            with transaction() as session:
                session.execute(NOTES.insert().values(text="under load"))
            committed += 1

    writer = threading.Thread(target=write)
    writer.start()
    while committed < 20:
        time.sleep(0.01)
    before = committed
    made = jobs.create()
    while committed < before + 20:  # writing goes on
        time.sleep(0.01)
    done.set()
    writer.join()
    upload(places, "계약/one.txt", "changed")
    upload(places, "two.txt", "two")

    destroy(database)
    done_restore = jobs.restore(made.path.name)

    with transaction(read_only=True) as session:
        ids = session.scalars(select(NOTES.c.id).order_by(NOTES.c.id)).all()
    assert len(ids) >= 10 + before
    assert ids == list(range(1, len(ids) + 1))  # one moment: none missing in between
    assert len(ids) == done_restore.manifest.rows["notes"]
    assert revisions.status() == "current"
    assert uploads(places) == {"계약/one.txt": "one"}
    add_notes(1)  # and life goes on: sequences, too, are where they were
    assert len(notes()) == len(ids) + 1


def test_the_default_folders_are_in_that_of_the_project(
    empty_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "BACKUP_DIR", "UPLOADS_DIR"):
        monkeypatch.delenv(name, raising=False)
    data = empty_project / "data"
    get_settings.cache_clear()
    migrate.upgrade()
    add_notes(3)
    upload(data, "one.txt", "one")
    made = jobs.create()
    assert jobs.verify(None)
    destroy(f"sqlite:///{data}/app.db")
    upload(data, "one.txt", "changed")
    jobs.restore(made.path.name)
    assert len(notes()) == 3
    assert uploads(data) == {"one.txt": "one"}


@pytest.mark.usefixtures("database")
def test_a_backup_of_what_is_replaced_comes_first(places: Path) -> None:
    add_notes(3)
    first = jobs.create()
    add_notes(4)
    upload(places, "later.txt", "later")
    stop_app()
    done = jobs.restore(first.path.name)
    assert len(notes()) == 3
    assert uploads(places) == {}
    stop_app()
    assert done.safety is not None
    jobs.restore(done.safety.name)
    assert len(notes()) == 7
    assert uploads(places) == {"later.txt": "later"}


@pytest.mark.usefixtures("database")
def test_tables_newer_than_the_backup_go() -> None:
    add_notes(1)
    migrate.downgrade("-1")
    before = revisions.current()
    old = jobs.create()
    migrate.upgrade()
    with transaction() as session:
        session.execute(text("CREATE TABLE extra (id integer REFERENCES notes (id))"))
    stop_app()
    done = jobs.restore(old.path.name)
    assert done.needs_upgrade
    assert revisions.current() == before
    migrate.upgrade()  # would find its tables there already
    assert revisions.status() == "current"
    assert len(notes()) == 1


@SQLITE
@pytest.mark.parametrize("remains", ["database", "journal only"])
def test_a_lost_sqlite_file_is_set_aside(database: str, remains: str) -> None:
    add_notes(5)
    made = jobs.create()
    stop_app()
    path = Path(str(make_url(database).database))
    path.with_name(f"{path.name}-wal").write_bytes(b"rubbish")
    if remains == "database":
        path.write_bytes(b"rubbish")
    else:
        path.unlink()
    done = jobs.restore(made.path.name)
    assert len(notes()) == 5
    assert done.safety is None
    assert done.aside
    assert {file.read_bytes() for file in done.aside} == {b"rubbish"}
    assert path.stat().st_mode & 0o077 == 0


# --- Nothing or all -------------------------------------------------------------------------------


APP = """
from chassis.database.engine import get_engine
with get_engine().connect() as connection:
    connection.exec_driver_sql("SELECT 1")
print("connected", flush=True)
input()
"""


@contextmanager
def running_app() -> Iterator[None]:
    """Run a process that uses the database, and kill it."""
    with subprocess.Popen(
        [sys.executable, "-c", APP], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == b"connected\n"
        yield
        app.kill()


@pytest.mark.usefixtures("database")
def test_the_app_must_be_stopped() -> None:
    add_notes(2)
    made = jobs.create()
    add_notes(2)
    stop_app()
    with running_app(), pytest.raises(InUse, match="stop the app first, all its instances: "):
        jobs.restore(made.path.name)
    assert len(notes()) == 4
    stop_app()
    jobs.restore(made.path.name)  # who was killed holds nothing
    assert len(notes()) == 2


@pytest.mark.usefixtures("database")
def test_an_app_that_cannot_be_looked_at_must_be_stopped() -> None:
    add_notes(2)
    made = jobs.create()
    add_notes(2)
    stop_app()
    script = f"from chassis.backup import jobs; jobs.restore({made.path.name!r})"
    with running_app():
        done = in_namespace(script)
    assert "stop the app first, all its instances: " in done.stderr
    assert len(notes()) == 4


@pytest.mark.usefixtures("database")
def test_an_app_that_starts_during_a_restore_waits_for_its_end() -> None:
    add_notes(2)
    url, _ = places_of.database()
    stop_app()
    with in_use.alone(engine.new_engine(url, poolclass=NullPool)):
        for use in (notes, migrate.upgrade):
            with pytest.raises(DatabaseUnavailable, match="a backup is being restored"):
                use()
    assert len(notes()) == 2


@SQLITE
def test_a_database_that_is_locked_is_not_lost(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_notes(2)
    made = jobs.create()
    stop_app()
    path = Path(str(make_url(database).database))
    monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BackupError, match="database is locked"):
            jobs.restore(made.path.name)
    assert len(notes()) == 2
    assert not list(path.parent.glob("*.lost-*"))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"app": "another_app"}, "is of the app another_app, this is scratch_tool"),
        (
            {"revision": "0001+9999", "oldest_code": "0001+9999"},
            "at revision 0001[+]9999, which this version .* does not know",
        ),
        (
            {"revision": "9999+0001", "oldest_code": "9999+0001"},
            "at revision 9999[+]0001, which this version .* does not know",
        ),
        ({"revision": "0001"}, "at revision 0001, which this version .* does not know"),
    ],
)
def test_what_belongs_elsewhere_is_refused(
    places: Path, change: dict[str, str], refusal: str
) -> None:
    add_notes(2)
    upload(places, "a.txt", "a")
    made = jobs.create()
    add_notes(2)
    upload(places, "a.txt", "changed")

    def changed(info: TarInfo, content: bytes) -> tuple[TarInfo, bytes]:
        if info.name != manifest.MANIFEST:
            return info, content
        return info, json.dumps(json.loads(content) | change).encode()

    rewrite(made.path, changed)
    with pytest.raises(BackupError, match=refusal):
        jobs.restore(str(made.path))
    assert len(notes()) == 4
    assert uploads(places) == {"a.txt": "changed"}


@pytest.mark.usefixtures("database")
@SQLITE
def test_a_backup_of_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = jobs.create()
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@127.0.0.1:1/app")
    get_settings.cache_clear()
    with pytest.raises(BackupError, match="is of sqlite, but DATABASE_URL is postgresql"):
        jobs.restore(made.path.name)


@pytest.mark.usefixtures("database")
@POSTGRESQL
def test_a_restore_that_fails_half_way_changes_nothing(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_notes(2)
    upload(places, "a.txt", "a")
    made = jobs.create()
    add_notes(2)
    stop_app()
    run = postgresql._run

    def fail_at_the_end(program: str, url: URL | None, *arguments: str) -> None:
        if program == "psql":
            with Path(arguments[-1].removeprefix("--file=")).open("a") as script:
                script.write("SELECT 1 / 0;\n")
        run(program, url, *arguments)

    monkeypatch.setattr(postgresql, "_run", fail_at_the_end)
    with pytest.raises(BackupError, match="division by zero"):
        jobs.restore(made.path.name)
    assert len(notes()) == 4
    assert uploads(places) == {"a.txt": "a"}
    assert not list(places.glob(".uploads*"))


FULL_DURING_BACKUP = """
from tests.chassis.unit.backups import add_notes, notes
import pytest
from chassis.backup import BackupError, jobs
from chassis.settings import get_settings

folder = get_settings().backup_dir
add_notes(10)
first = jobs.create()
# First the archive does not fit beside the copy of the database, then the copy does not fit.
for count in (7_000, 5_000):
    add_notes(count, 400)
    with pytest.raises(BackupError, match=r"full|No space left"):
        jobs.create()
    assert [entry.name for entry in jobs.entries("here")] == [first.path.name]
    assert list(folder.glob(".unfinished-*")) == []
assert jobs.verify(None)[0] == first.path.name  # there is room again
assert len(notes()) == 12_010
"""


def test_a_full_disk_during_a_backup(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", new_sqlite(places / "app.db"))
    monkeypatch.setenv("BACKUP_DIR", str(places / "disk" / "backups"))
    on_small_disk(places / "disk", 4, FULL_DURING_BACKUP)


FULL_DURING_RESTORE = """
from pathlib import Path
import pytest
from chassis.backup import BackupError, jobs
from chassis.database import engine, migrate
from chassis.settings import get_settings
from tests.chassis.unit.backups import add_notes, notes

migrate.upgrade()
add_notes(7)
engine.dispose()
uploads = get_settings().uploads_dir
uploads.mkdir()
(uploads / "a.txt").write_text("a")
with pytest.raises(BackupError, match=r"full|No space left"):
    jobs.restore(archive)
assert len(notes()) == 7
assert [path.name for path in uploads.iterdir()] == ["a.txt"]
assert list(uploads.parent.glob(".*restored")) == []
assert list(get_settings().backup_dir.glob(".unfinished-*")) == []
"""


# What does not fit: the unpacked archive; the uploaded files; the database.
@pytest.mark.parametrize(("full", "megabytes"), [("backups", 3), ("uploads", 1), ("", 3)])
def test_a_full_disk_during_a_restore(
    places: Path, monkeypatch: pytest.MonkeyPatch, full: str, megabytes: int
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_sqlite(places / "big.db"))
    add_notes(4000, 1000)  # 4 MB
    upload(places, "big.txt", "x" * 2_000_000)
    made = jobs.create()
    disk = places / "disk"
    if not full:
        monkeypatch.setenv("UPLOADS_DIR", str(places / "new" / "uploads"))
    for name, variable in ("backups", "BACKUP_DIR"), ("uploads", "UPLOADS_DIR"):
        if full == name:
            monkeypatch.setenv(variable, str(disk / name))
    (places / "new").mkdir()
    if full == "backups":
        monkeypatch.setenv("UPLOADS_DIR", str(places / "new" / "uploads"))
    database = places / "new" if full else disk
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{database}/app.db")
    on_small_disk(disk, megabytes, f"archive = {str(made.path)!r}\n{FULL_DURING_RESTORE}")


# --- Killed ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
@SQLITE
def test_a_killed_backup_counts_as_nothing(places: Path) -> None:
    add_notes(20_000, 400)
    script = "from chassis.backup import jobs; jobs.create()"
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        deadline = time.monotonic() + 60
        while not list(places.glob("backups/.unfinished-*/archive")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert list(places.glob("backups/.unfinished-*"))
    assert names() == []
    with pytest.raises(BackupError, match="there are no backups yet"):
        jobs.verify(None)
    assert not list(places.glob("backups/.unfinished-*"))


@pytest.mark.usefixtures("database")
@SQLITE
def test_a_killed_restore_can_be_repeated(places: Path) -> None:
    add_notes(3)
    upload(places, "a.txt", "old")
    made = jobs.create()
    add_notes(3)
    upload(places, "a.txt", "new")
    stop_app()
    script = (
        "import os, signal\n"
        "from chassis.backup import jobs, uploads\n"
        "uploads.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"jobs.restore({made.path.name!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(notes()) == 3
    assert uploads(places) == {"a.txt": "new"}
    stop_app()
    jobs.restore(made.path.name)
    assert len(notes()) == 3
    assert uploads(places) == {"a.txt": "old"}
    assert not list(places.glob(".uploads*"))


@pytest.mark.usefixtures("database")
@SQLITE
def test_uploads_that_were_being_replaced_are_not_lost(places: Path) -> None:
    upload(places, "a.txt", "a")
    (places / "uploads").rename(places / ".uploads.replaced")  # killed between two renames
    jobs.create()
    assert uploads(places) == {"a.txt": "a"}


@pytest.mark.usefixtures("database")
@SQLITE
def test_two_at_once_wait_for_each_other() -> None:
    second = threading.Thread(target=jobs.create)
    with Folder(get_settings().backup_dir).locked():
        second.start()
        second.join(timeout=1)
        assert second.is_alive()
        assert names() == []
    second.join()
    assert len(names()) == 1


# --- Found ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
@SQLITE
def test_a_file_out_of_reach_is_told_where_it_belongs(places: Path) -> None:
    code, _, error = command("restore", "./carried.tar.gz", "--yes")
    assert code == 1
    assert f"{Path.cwd()}/carried.tar.gz: No such file or directory, as the user " in error
    user = getpass.getuser()
    assert f"install -o {user} -m 600 FILE {places}/backups/" in error


@pytest.mark.usefixtures("database")
@SQLITE
def test_a_file_from_elsewhere_says_nothing_of_ours(places: Path) -> None:
    made = jobs.create()
    jobs.verify(None)
    (places / "elsewhere").mkdir()
    other = places / "elsewhere" / made.path.name
    other.write_bytes(made.path.read_bytes()[:-10])
    with pytest.raises(DamageError):
        jobs.verify(str(other))
    assert jobs.entries("here")[0].verdict.good
    other.write_bytes(made.path.read_bytes())
    stop_app()
    assert command("restore", str(other), "--yes")[0] == 0


@pytest.mark.usefixtures("database")
@SQLITE
def test_only_backups_from_the_future_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "utc_now", lambda: datetime.now(UTC) + timedelta(days=700))
        ahead = jobs.create().path.name
    expected = r"no backups yet \(1 from the future are ignored: is the clock right\?\)"
    with pytest.raises(BackupError, match=expected):
        jobs.verify(None)
    assert "ignored: its name is from the future" in command("list")[1]
    assert command("prune") == (0, f"kept {ahead} (here): its name is from the future", "")


@pytest.mark.usefixtures("database")
@SQLITE
def test_what_is_kept_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for days in (70, 60, 50, 40):
        then = datetime.now(UTC) - timedelta(days=days)
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "utc_now", lambda then=then: then)
            made.append(jobs.create().path.name)
    jobs.verify(made[1])
    monkeypatch.setenv("BACKUP_KEEP_COUNT", "1")
    code, output, _ = command("prune")
    assert code == 0
    assert output.splitlines() == [
        f"kept {made[3]} (here): one of the newest 1",
        f"deleted {made[2]} (here)",
        f"kept {made[1]} (here): one of the newest 1 that are proven good",
        f"deleted {made[0]} (here)",
    ]
    assert names() == [made[3], made[1]]


# --- Verify ---------------------------------------------------------------------------------------


def test_verify_finds_what_does_not_come_back(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_notes(5)
    good = jobs.create()
    jobs.verify(None)
    bad = jobs.create()
    kind = places_of.KINDS[make_url(database).get_backend_name()]
    load = kind.load

    def load_less(url: URL, dumped: Path) -> None:
        load(url, dumped)
        with engine.new_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(text("DELETE FROM notes WHERE id = 2"))

    monkeypatch.setattr(kind, "load", load_less)
    with pytest.raises(BackupError, match="the backup is not good: notes had 5 rows, now 4"):
        jobs.verify(None)
    found = {entry.name: str(entry.verdict) for entry in jobs.entries("here")}
    reason = "the backup is not good: notes had 5 rows, now 4"
    assert found == {bad.path.name: f"BAD: {reason}", good.path.name: "good"}
    assert len(notes()) == 5  # those of the app are as they were


@POSTGRESQL
def test_verify_leaves_no_database_behind(database: str) -> None:
    add_notes(5)
    jobs.create()
    scratch = f"{make_url(database).database}_verify"
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{scratch}"'))  # of a run that was killed
        jobs.verify(None)
        query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
        assert connection.scalar(query, {"name": scratch}) == 0


@POSTGRESQL
def test_a_user_who_may_not_make_databases_reads_what_to_do(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_notes(1)
    jobs.create()
    with transaction() as session:
        session.execute(text("CREATE ROLE modest LOGIN PASSWORD 'modest'"))
        session.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO modest"))
    modest = make_url(database).set(username="modest", password="modest")
    monkeypatch.setenv("DATABASE_URL", modest.render_as_string(hide_password=False))
    get_settings.cache_clear()
    try:
        with pytest.raises(BackupError, match="ALTER ROLE modest CREATEDB"):
            jobs.verify(None)
    finally:
        monkeypatch.setenv("DATABASE_URL", database)
        get_settings.cache_clear()
        with transaction() as session:
            session.execute(text("DROP OWNED BY modest"))
            session.execute(text("DROP ROLE modest"))


# --- The command line -----------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
@SQLITE
def test_the_commands(places: Path) -> None:
    add_notes(2)
    upload(places, "a.txt", "a")
    stop_app()
    code, output, error = command("create")
    assert (code, error) == (0, "")
    path, result = output.split(": ")
    assert re.fullmatch(r"\d+ rows, 1 uploaded files, [0-9.]+ MB", result)
    name = Path(path).name
    # Two notes, and where the database is in each chain.
    content = f"4 rows, 1 uploaded files, revision {revisions.head()}"
    assert command("verify")[:2] == (0, f"{name} is good: {content}")
    code, output, _ = command("list")
    assert code == 0
    assert re.fullmatch(
        name + r" +[0-9-]{10} [0-9:]{5} +0.0 MB +here +good", output.splitlines()[1]
    )
    code, output, _ = command("restore", name)
    assert code == 1
    assert "Go on?" in output
    code, output, _ = command("restore", name, "--yes")
    assert code == 0
    assert output.startswith(f"restored {content}, as of ")
    assert "what was there before: " in output
    assert command("prune") == (0, "no backup is old enough to delete (here)", "")
    code, output, error = command("restore", "no-such-backup", "--yes")
    assert (code, output) == (1, "")
    assert error == "there is no backup no-such-backup: see `scratch-tool backup list`"


def test_a_database_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hush-hush@127.0.0.1:1/app")
    for arguments in (["create"], ["verify"]):
        code, output, error = command(*arguments)
        assert (code, output) == (1, "")
        assert len(error.splitlines()) == 1
        assert "hush-hush" not in error


@pytest.mark.usefixtures("database")
@SQLITE
def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupError, match="pg_dump is missing: apt-get install postgresql-client"):
        postgresql._run("pg_dump", None)


@pytest.mark.usefixtures("database")
@SQLITE
def test_folders_are_private() -> None:
    made = jobs.create()
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("database")
def test_the_metrics_tell_when() -> None:
    def values() -> list[float]:
        families = BackupCollector(get_settings().backup_dir).collect()
        return [sample.value for family in families for sample in family.samples]

    assert values() == [0, 0]
    jobs.create()
    success, verified = values()
    assert time.time() - 60 < success < time.time()
    assert verified == 0
    jobs.verify(None)
    assert success < values()[1] < time.time()
    assert values()[0] == success
