"""Transactions on both databases: what is saved, what is not, and what is said without one."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy
from chassis.database import engine
from chassis.database.engine import DatabaseUnavailable, get_engine, transaction
from chassis.database.tables import UTCDateTime, utc_now
from chassis.settings import get_settings
from chassis.testing.postgres_server import PostgresServer, running_postgres
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, make_url, select, update
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, StatementError
from sqlalchemy.orm import Session

NOTES = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", String(50)),
    Column("number", Integer, default=0),
    Column("at", UTCDateTime),
)


@pytest.fixture
def notes(database: str) -> str:
    """Add a table to play with; return the URL of the database."""
    NOTES.metadata.create_all(get_engine())
    return database


@pytest.fixture
def sqlite_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where the file of SQLite will be; it does not exist yet."""
    path = tmp_path / "deep" / "folder" / "app.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    get_settings.cache_clear()
    yield path
    engine.forget()


def texts() -> list[str | None]:
    """Return what is saved."""
    with transaction(read_only=True) as session:
        return list(session.scalars(select(NOTES.c.text).order_by(NOTES.c.text)))


def add(text: str) -> None:
    """Save a note."""
    with transaction() as session:
        session.execute(insert(NOTES).values(text=text))


# --- What is saved --------------------------------------------------------------------------------


@pytest.mark.usefixtures("notes")
def test_the_end_of_the_block_commits() -> None:
    add("one")
    assert texts() == ["one"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.usefixtures("notes")
def test_an_exception_rolls_back(error: type[BaseException]) -> None:
    with pytest.raises(error), transaction() as session:  # noqa: PT012 - the whole block
        session.execute(insert(NOTES).values(text="one"))
        raise error
    assert texts() == []


@pytest.mark.usefixtures("notes")
def test_a_transaction_inside_another_is_part_of_it() -> None:
    with pytest.raises(ValueError, match="outer"), transaction():  # noqa: PT012 - the whole block
        add("inner")
        raise ValueError("outer")
    assert texts() == []


@pytest.mark.usefixtures("notes")
def test_what_failed_inside_leaves_the_rest() -> None:
    def fail(session: Session) -> None:
        session.execute(insert(NOTES).values(text="inner"))
        raise ValueError("inner")

    with transaction() as outer:
        outer.execute(insert(NOTES).values(text="outer"))
        with pytest.raises(ValueError, match="inner"), transaction() as inner:
            fail(inner)
    assert texts() == ["outer"]


@pytest.mark.usefixtures("notes")
def test_who_only_reads_cannot_write() -> None:
    with (
        pytest.raises(DBAPIError, match=r"readonly|read-only"),
        transaction(read_only=True) as some,
    ):
        some.execute(insert(NOTES).values(text="one"))
    with pytest.raises(RuntimeError, match="around it is read_only"), transaction(read_only=True):
        add("one")
    add("two")  # the connection of the pool is as it was
    assert texts() == ["two"]


@pytest.mark.usefixtures("notes")
def test_readers_do_not_wait_for_a_writer() -> None:
    add("one")
    with transaction() as session, ThreadPoolExecutor() as pool:
        session.execute(update(NOTES).values(text="changed"))
        assert pool.submit(texts).result(timeout=2) == ["one"]
    assert texts() == ["changed"]


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("notes")
def test_fifty_threads_write_and_nothing_is_lost() -> None:
    with transaction() as session:
        session.execute(insert(NOTES).values(id=1, number=0))

    def write(_thread: int) -> None:
        for _ in range(100):
            with transaction() as session:
                # Read first, then write: where a lock that comes late loses.
                row = session.execute(select(NOTES).where(NOTES.c.id == 1).with_for_update()).one()
                session.execute(update(NOTES).values(number=row.number + 1))

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(write, range(50)))
    with transaction(read_only=True) as session:
        assert session.scalar(select(NOTES.c.number)) == 5000


WRITER = """
import sys
from sqlalchemy import text
from chassis.database.engine import transaction

for _ in range(200):
    with transaction() as session:
        number = session.scalar(text("SELECT number FROM notes" + sys.argv[1]))
        session.execute(text("UPDATE notes SET number = :number"), {"number": number + 1})
"""


def test_processes_write_and_nothing_is_lost(notes: str) -> None:
    with transaction() as session:
        session.execute(insert(NOTES).values(id=1, number=0))
    lock = " FOR UPDATE" if notes.startswith("postgresql") else ""
    command = [sys.executable, "-c", WRITER, lock]
    processes = [subprocess.Popen(command, env={**os.environ}) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    with transaction(read_only=True) as session:
        assert session.scalar(select(NOTES.c.number)) == 600


# --- Time -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("notes")
def test_times_come_back_in_utc() -> None:
    seoul = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9)))
    with transaction() as session:
        session.execute(
            insert(NOTES), [{"text": "seoul", "at": seoul}, {"text": "none", "at": None}]
        )
    with transaction(read_only=True) as session:
        rows = dict(session.execute(select(NOTES.c.text, NOTES.c.at)).tuples().all())
    assert rows["none"] is None
    assert rows["seoul"] == seoul
    assert rows["seoul"].tzinfo is UTC
    with transaction(read_only=True) as session:
        later = select(NOTES.c.text).where(NOTES.c.at > seoul - timedelta(microseconds=1))
        assert session.scalars(later).all() == ["seoul"]
    assert utc_now().tzinfo is UTC


@pytest.mark.usefixtures("notes")
def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(StatementError, match="without a zone"), transaction() as session:
        session.execute(insert(NOTES).values(at=datetime(2026, 1, 2)))  # noqa: DTZ001 - the mistake


# --- The engine -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("notes")
def test_the_engine_survives_a_hot_reload() -> None:
    code = (
        "import sys\n"
        "from chassis.database.engine import get_engine\n"
        "first = get_engine()\n"
        "for name in [*sys.modules]:\n"
        "    if name.partition('.')[0] in ('chassis', 'scratch_tool'):\n"
        "        del sys.modules[name]\n"
        "from chassis.database import engine\n"
        "from chassis.database.tables import load_models\n"
        "assert engine.get_engine() is first\n"
        "assert load_models().tables\n"
        "with engine.transaction() as session:\n"
        "    session.connection()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})


@pytest.mark.usefixtures("notes")
def test_threads_share_one_engine() -> None:
    engine.forget()
    with ThreadPoolExecutor(20) as pool:
        engines = {id(found) for found in pool.map(lambda _: get_engine(), range(200))}
    assert len(engines) == 1


@pytest.mark.usefixtures("notes")
def test_errors_do_not_show_the_data() -> None:
    values = {"id": 1, "text": "confidential"}
    with pytest.raises(DBAPIError) as caught, transaction() as session:
        session.execute(insert(NOTES), [values, values])
    assert "confidential" not in str(caught.value)


@pytest.mark.usefixtures("sqlite_path")
def test_sqlite_is_set_up_for_a_server() -> None:
    with transaction() as session:
        pragmas = {
            name: session.execute(sqlalchemy.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "busy_timeout": 5000,
        "foreign_keys": 1,
        "synchronous": 1,  # NORMAL
    }


def test_the_file_of_sqlite_is_private(sqlite_path: Path) -> None:
    with transaction() as session:
        session.execute(sqlalchemy.text("CREATE TABLE example (id INTEGER)"))
        files = [sqlite_path, *sqlite_path.parent.glob("app.db-*")]
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(sqlite_path.parent.stat().st_mode) == 0o700


# --- Without a database ---------------------------------------------------------------------------


def unavailable() -> str:
    """Return the one line with which a transaction must fail."""
    with pytest.raises(DatabaseUnavailable) as caught:
        add("lost")
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


def test_sqlite_cannot_make_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/file/app.db")
    get_settings.cache_clear()
    assert unavailable() == f"cannot make {tmp_path}/file/app.db: File exists"
    engine.forget()


def test_sqlite_does_not_open_what_is_no_database(sqlite_path: Path) -> None:
    sqlite_path.parent.mkdir(parents=True)
    sqlite_path.write_text("This is a letter, not a database." * 100)
    assert unavailable().endswith("file is not a database")


READ_ONLY = """
import os
from sqlalchemy import text
from chassis.database.engine import DatabaseUnavailable, transaction
from chassis.database.engine import get_engine

get_engine()  # imports what nobody may be unable to read
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    with transaction() as session:
        session.execute(text("UPDATE notes SET number = 1"))
except DatabaseUnavailable as error:
    print(error)
"""


def test_sqlite_on_a_read_only_file_says_so(sqlite_path: Path) -> None:
    NOTES.metadata.create_all(get_engine())
    engine.forget()
    if os.getuid() == 0:  # who will be nobody: the folders of pytest are closed to others
        for folder in list(sqlite_path.parents)[:-2]:
            folder.chmod(0o755)
    sqlite_path.chmod(0o444)
    sqlite_path.parent.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY],
        capture_output=True,
        text=True,
        env={**os.environ},
        check=True,
    )
    assert "readonly database" in done.stdout or "unable to open" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_sqlite_on_a_full_disk_says_so(sqlite_path: Path) -> None:
    NOTES.metadata.create_all(get_engine())

    def fill(session: Session) -> None:
        # As a full disk: SQLite may not take another page.
        session.execute(sqlalchemy.text("PRAGMA max_page_count = 10"))
        for _ in range(100):
            session.execute(sqlalchemy.text("INSERT INTO notes (text) VALUES (zeroblob(5000))"))

    with pytest.raises(DatabaseUnavailable, match="database or disk is full"), transaction() as one:
        fill(one)
    engine.dispose()
    add("there is room again")
    assert texts_of(sqlite_path) == [("there is room again",)]


def texts_of(path: Path) -> list[tuple[str]]:
    """Read the notes without our engine."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT text FROM notes").fetchall()
    finally:
        connection.close()


def test_sqlite_gives_up_on_another_process_that_writes(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 1)
    NOTES.metadata.create_all(get_engine())
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert unavailable().endswith("database is locked")
    other.execute("ROLLBACK")
    other.close()
    add("after")
    assert texts_of(sqlite_path) == [("after",)]


@pytest.mark.usefixtures("database")
def test_a_transaction_gives_up_on_others_that_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "TURN_SECONDS", 1)
    monkeypatch.setattr(engine, "POOL_KEPT", 1)
    monkeypatch.setattr(engine, "POOL_MORE", 0)
    started, end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction():
            started.set()
            end.wait()

    with ThreadPoolExecutor() as pool:
        holder = pool.submit(hold)
        started.wait()
        assert "other transactions have not ended for 1 s" in unavailable()
        end.set()
        holder.result()


@pytest.mark.usefixtures("notes")
def test_a_mistake_in_a_statement_is_not_the_fault_of_the_database() -> None:
    with pytest.raises((OperationalError, ProgrammingError)), transaction() as session:
        session.execute(sqlalchemy.text("SELECT * FROM nowhere"))


def test_postgresql_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hush-hush@127.0.0.1:1/app")
    get_settings.cache_clear()
    text = unavailable()
    engine.forget()
    assert "Connection refused" in text
    assert "hush-hush" not in text


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("53100", DatabaseUnavailable),  # the disk of the server is full
        ("57P01", DatabaseUnavailable),  # an administrator stops it
        ("58030", DatabaseUnavailable),  # it cannot read its files
        ("57014", DBAPIError),  # one query was cancelled
        ("40001", DBAPIError),  # two transactions were in each other's way
    ],
)
def test_postgresql_says_whose_fault_it_is(state: str, expected: type[Exception]) -> None:
    error = f"DO $$ BEGIN RAISE EXCEPTION 'example' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(expected, match="example"), transaction() as session:
        session.execute(sqlalchemy.text(error))


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """Return a PostgreSQL that the test may kill, with the notes in it."""
    with running_postgres() as server:
        monkeypatch.setenv("DATABASE_URL", server.url)
        get_settings.cache_clear()
        NOTES.metadata.create_all(get_engine())
        yield server
        engine.forget()


def test_postgresql_that_was_restarted_is_not_noticed(own_server: PostgresServer) -> None:
    own_server.kill()
    own_server.start()
    add("the connection of the pool was dead")


def test_postgresql_dies_under_load_and_comes_back(own_server: PostgresServer) -> None:
    """What was reported as saved is there; the rest said DatabaseUnavailable."""
    saved: list[str] = []
    refused: list[str] = []
    other: list[BaseException] = []
    end = threading.Event()

    def write(thread: int) -> None:
        number = 0
        while not end.is_set():
            number += 1
            text = f"{thread}-{number}"
            try:
                add(text)
                saved.append(text)
            except DatabaseUnavailable:
                refused.append(text)
                time.sleep(0.01)
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                other.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(saved) > 100)
    own_server.kill()
    before = len(saved)
    wait_for(lambda: len(refused) > 100)
    own_server.start()
    wait_for(lambda: len(saved) > before + 100)
    end.set()
    for thread in threads:
        thread.join()
    assert other == []
    assert set(saved) <= set(texts())


def wait_for(condition: object, seconds: float = 60) -> None:
    """Poll until the condition is true."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_the_url_chooses_how_to_connect() -> None:
    url = make_url("postgresql+psycopg://127.0.0.1:1/app?connect_timeout=1")
    with pytest.raises(OperationalError):
        engine.new_engine(url).connect()
