"""The running app and its database: what it does not start with, and one that goes away."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from chassis.backup import jobs
from chassis.commands.loadtest import Tab, open_tab, page_cookies
from chassis.database import engine, migrate, revisions
from chassis.database.engine import transaction
from chassis.database.in_use import InUse
from chassis.settings import get_settings
from chassis.testing.databases import new_sqlite
from chassis.testing.ports import free_port
from chassis.testing.postgres_server import PostgresServer, running_postgres
from chassis.testing.servers import PRODUCTION, Server, running_server, small_project, start_server
from sqlalchemy import text
from websockets.exceptions import WebSocketException

from ..conftest import PROJECT, SCRATCH

# --- What the app does not start with -------------------------------------------------------------


def refusal(**variables: str) -> str:
    """Return the one line with which `serve` must give up."""
    ports = {"APP_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "chassis", "serve"],
        cwd=SCRATCH,
        env={**os.environ, **PRODUCTION, **ports, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return line


def set_revision(revision: str) -> None:
    """Pretend that another version of the project made its tables."""
    with transaction() as session:
        change = "UPDATE alembic_version SET version_num = :new, oldest_code = :new"
        session.execute(text(change), {"new": revision})


def test_production_refuses_a_database_that_is_behind(database: str) -> None:
    migrate.downgrade("-1")
    line = refusal(DATABASE_URL=database)
    at = "the database is at revision 0001+base, not 0001+0001"
    assert line == f"{at}: run `scratch-tool db upgrade`"
    command = [sys.executable, "-m", "chassis", "db", "upgrade"]
    subprocess.run(command, env={**os.environ}, check=True, stdout=subprocess.DEVNULL)
    assert revisions.status() == "current"


def test_production_refuses_a_database_that_is_ahead(database: str) -> None:
    set_revision("9999")
    line = refusal(DATABASE_URL=database)
    assert "is at revision 0001+9999, which this version of the app does not know" in line
    assert f"`db downgrade {revisions.head()}`" in line


def test_development_refuses_a_database_that_is_ahead(database: str) -> None:
    set_revision("9999")
    assert "9999" in refusal(APP_ENV="development", DATABASE_URL=database)


def test_streamlit_run_refuses_it_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port"]
    done = subprocess.run(
        [*command, str(free_port())],
        cwd=SCRATCH,
        env={**os.environ, **PRODUCTION, "DATABASE_URL": f"sqlite:///{tmp_path}/new.db"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "has no tables yet" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_development_upgrades_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/deep/new.db"
    with running_server(tmp_path, {"DATABASE_URL": url, "AUTH_BACKEND": "none"}) as server:
        assert f"upgraded to revision {revisions.head()}" in server.log()
    monkeypatch.setenv("DATABASE_URL", url)
    get_settings.cache_clear()
    assert revisions.status() == "current"


@pytest.mark.parametrize("app_env", ["development", "production"])
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, app_env: str) -> None:
    path = tmp_path / "letter.db"
    path.write_text("This is a letter, not a database. " * 50)
    line = refusal(APP_ENV=app_env, DATABASE_URL=f"sqlite:///{path}")
    assert line == "DATABASE_URL: the database is unavailable: file is not a database"


def test_development_wants_its_postgresql_at_once() -> None:
    url = "postgresql://ann:hush-hush@127.0.0.1:1/app"
    line = refusal(APP_ENV="development", DATABASE_URL=url)
    assert line.startswith("DATABASE_URL: the database is unavailable: connection failed")
    assert "hush-hush" not in line


def test_no_backup_is_restored_under_a_running_server(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {name: str(tmp_path / name) for name in ("BACKUP_DIR", "UPLOADS_DIR")}
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    name = jobs.create().path.name
    with running_server(tmp_path, {**PRODUCTION, **places, "DATABASE_URL": database}) as server:
        with pytest.raises(InUse, match="stop the app first, all its instances: "):
            jobs.restore(name)
        server.process.kill()  # the kernel and PostgreSQL let go for it
        server.process.wait()
        assert jobs.restore(name).safety


# --- A database that goes away --------------------------------------------------------------------

PAGE = """
import uuid
import sqlalchemy
import streamlit as st
from chassis.database.engine import DatabaseUnavailable, transaction

name = uuid.uuid4().hex
try:
    with transaction() as session:
        session.execute(sqlalchemy.text("INSERT INTO clicks VALUES (:name)"), {"name": name})
    st.text(f"saved={name}")
except DatabaseUnavailable:
    st.text("away")
"""


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """Start a PostgreSQL of our own, with all tables and one for clicks."""
    with running_postgres() as server:
        monkeypatch.setenv("DATABASE_URL", server.url)
        get_settings.cache_clear()
        migrate.upgrade()
        with transaction() as session:
            session.execute(text("CREATE TABLE clicks (name TEXT)"))
        yield server
        engine.forget()


def readiness(server: Server) -> tuple[int, dict[str, str]]:
    """Return the status of /readyz, and what the checks of the database found."""
    response = httpx.get(f"{server.url}/readyz", timeout=10)
    checks: dict[str, Any] = response.json()["checks"]
    found = {name: checks[name]["status"] for name in ("database", "migrations")}
    return response.status_code, found


def wait_for(server: Server, status: int, seconds: float = 30) -> dict[str, str]:
    """Poll /readyz until it answers `status`; return what the checks found then."""
    deadline = time.monotonic() + seconds
    while True:
        code, found = readiness(server)
        if code == status:
            return found
        assert time.monotonic() < deadline, f"/readyz still answers {code}: {found}"
        time.sleep(0.2)


class Clicker:
    """Visitors who click without pause, and note what they are told."""

    def __init__(self, url: str, visitors: int) -> None:
        self.saved: list[str] = []
        self.away = 0
        self.broken: list[str] = []
        self._end = threading.Event()
        self._url = url
        self._thread = threading.Thread(target=lambda: asyncio.run(self._visits(visitors)))

    def __enter__(self) -> "Clicker":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def wait(self, condition: str, more_than: int, seconds: float = 60) -> None:
        """Wait until so many have been saved or turned away."""
        deadline = time.monotonic() + seconds
        while (len(self.saved) if condition == "saved" else self.away) <= more_than:
            assert time.monotonic() < deadline, f"not enough {condition}: {self.broken}"
            time.sleep(0.05)

    async def _visits(self, visitors: int) -> None:
        await asyncio.gather(*(self._visit() for _ in range(visitors)))

    async def _visit(self) -> None:
        headers = await asyncio.to_thread(page_cookies, self._url)
        try:
            async with open_tab(self._url, headers=headers) as tab:
                while not self._end.is_set():
                    await tab.rerun()
                    self._note(tab)
        except (OSError, WebSocketException) as error:
            self.broken.append(repr(error))

    def _note(self, tab: Tab) -> None:
        texts = [
            message.delta.new_element.text.body
            for message in tab.messages
            if message.delta.new_element.HasField("text")
        ]
        if texts == ["away"]:
            self.away += 1
        elif len(texts) == 1 and texts[0].startswith("saved="):
            self.saved.append(texts[0].removeprefix("saved="))
        else:
            self.broken.append(str(texts))


def test_the_database_dies_under_load_and_comes_back(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    project = small_project(tmp_path, PAGE)
    variables = PRODUCTION | {"DATABASE_URL": postgres.url}
    with running_server(tmp_path, variables, project) as server, Clicker(server.url, 5) as clicks:
        clicks.wait("saved", 20)
        postgres.kill()
        clicks.wait("away", 20)
        assert wait_for(server, 503) == {"database": "fail", "migrations": "fail"}
        assert httpx.get(f"{server.url}/livez").status_code == httpx.codes.OK
        before = len(clicks.saved)
        postgres.start()
        clicks.wait("saved", before + 20)
        assert wait_for(server, 200) == {"database": "pass", "migrations": "pass"}
    assert clicks.broken == []
    assert "Traceback" not in server.log()
    with transaction(read_only=True) as session:
        assert set(clicks.saved) <= set(session.scalars(text("SELECT name FROM clicks")))


def test_production_waits_for_a_postgresql_that_starts_later(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.kill()
    server = start_server(tmp_path, PRODUCTION | {"DATABASE_URL": postgres.url}, SCRATCH)
    try:
        deadline = time.monotonic() + 60
        while '"started"' not in server.log():
            assert server.process.poll() is None, server.log()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert wait_for(server, 503)["database"] == "fail"
        assert "the database is unavailable" in server.log()
        postgres.start()
        assert wait_for(server, 200) == {"database": "pass", "migrations": "pass"}
    finally:
        server.process.terminate()
        server.process.wait(timeout=10)


def test_the_tables_of_another_version_keep_visitors_away(tmp_path: Path) -> None:
    url = new_sqlite(tmp_path / "app.db")
    with running_server(tmp_path, PRODUCTION | {"DATABASE_URL": url}) as server:
        connection = sqlite3.connect(tmp_path / "app.db")
        connection.execute("UPDATE alembic_version SET version_num = '9999', oldest_code = '9999'")
        connection.commit()
        connection.close()
        assert wait_for(server, 503) == {"database": "pass", "migrations": "fail"}


# --- While developing -----------------------------------------------------------------------------

WATCHED = """
import streamlit as st
from chassis.auth import models
from chassis.database.engine import get_engine, transaction
from scratch_tool.models import Note

with transaction() as session:
    users = session.query(models.User).count()
    notes = session.query(Note).count()
version = getattr(models, "VERSION", 0)
st.text(f"engine={id(get_engine())} version={version} users={users} notes={notes}")
"""


def test_the_engine_survives_saving_a_module(tmp_path: Path) -> None:
    """Streamlit then imports all modules again, those of the project, too, and all tables."""
    project = small_project(tmp_path, WATCHED)
    package = project / "chassis"  # found before the installed one
    shutil.copytree(PROJECT / "src" / "chassis", package)

    async def visit(url: str) -> list[str]:
        seen: list[str] = []
        headers = await asyncio.to_thread(page_cookies, url)
        async with open_tab(url, headers=headers) as tab:
            for version in range(4):
                if version:
                    with (package / "auth" / "models.py").open("a", encoding="utf-8") as file:
                        file.write(f"\nVERSION = {version}\n")
                for _ in range(120):
                    await tab.rerun()
                    texts = [
                        message.delta.new_element.text.body
                        for message in tab.messages
                        if message.delta.new_element.HasField("text")
                    ]
                    # The saved file may have started a run of its own, in the midst of ours.
                    found = texts[-1] if texts else ""
                    if f"version={version} " in found:
                        seen.append(found.replace(f"version={version} ", ""))
                        break
                    await asyncio.sleep(0.25)
        return seen

    variables = {"AUTH_BACKEND": "none", "RATE_LIMIT_RERUN": "1000/second"}
    with running_server(tmp_path, variables, project) as server:
        seen = asyncio.run(visit(server.url))
        assert "Traceback" not in server.log(), server.log()
    assert len(seen) == 4
    assert len(set(seen)) == 1
