"""A pytest plugin with what the tests of a project need: docs/testing.md explains each name.

In tests/conftest.py: `pytest_plugins = ["chassis.testing"]`.
"""

import fcntl
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from .. import project
from ..auth import sessions
from ..auth.roles import Role
from ..database import engine
from ..limits import get_limiter
from ..settings import get_settings, names
from ..settings.variables import ENVIRONMENT_ONLY
from .databases import fresh_database, new_sqlite
from .pages import app_of
from .servers import PRODUCTION, Server, running_server
from .sites import Site, start_site, with_database


@pytest.fixture(scope="session", autouse=True)
def only_settings_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the developer has set, and uploads, out of the tests and of all that they start."""
    with pytest.MonkeyPatch.context() as patch:
        ours = {*names(), *(f"{name}_FILE" for name in names()), "PORT", "CREDENTIALS_DIRECTORY"}
        for name in [*os.environ]:
            if name in ours or name.startswith("STREAMLIT_"):
                patch.delenv(name)
        patch.setenv(ENVIRONMENT_ONLY, "1")
        patch.setenv("UPLOADS_DIR", str(tmp_path_factory.mktemp("uploads")))
        yield


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the developer's data out of the tests, and settings out of the next one.

    Whatever the project says, its interface is English and users sign in with passwords.
    """
    here = project.current()
    if here.auth_backend != "password":
        monkeypatch.setenv("AUTH_BACKEND", "password")
    if next(iter(here.languages)) != "en":
        monkeypatch.setenv("APP_LANGUAGE", "en")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/app.db")  # not there yet
    get_settings.cache_clear()
    yield
    engine.forget()
    get_settings.cache_clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Let a test that is marked `alone` run while the other processes of pytest run none."""
    if not hasattr(item.config, "workerinput"):  # there is no other
        return (yield)
    run = Path(item.config.option.basetemp).parent  # the folder that all of them share
    with (run / "room").open("w") as room, (run / "door").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # who waits for an empty room lets nobody in before them
        fcntl.flock(room, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        return (yield)


# --- Databases ------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Run the test on each database, fresh and with all tables; return its DATABASE_URL.

    Only on one of them: `@pytest.mark.parametrize("database", ["sqlite"], indirect=True)`.
    """
    with fresh_database(request.param, tmp_path) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        get_settings.cache_clear()
        yield url


# --- Pages ----------------------------------------------------------------------------------------


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test open pages, on a database of its own with users of its own."""
    monkeypatch.setenv("DATABASE_URL", new_sqlite(tmp_path / "pages.db"))
    get_settings.cache_clear()
    yield
    sessions.forget_cached()
    engine.forget()
    get_limiter.cache_clear()  # every AppTest has the same session id


@pytest.fixture
def app(pages: None) -> AppTest:  # noqa: ARG001 - it prepares what this needs
    """Return the app as an admin who has just opened it sees it, not yet run."""
    return app_of(Role.ADMIN)


# --- Servers --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return one server in production shape for all tests that do not change it."""
    with running_server(tmp_path_factory.mktemp("server"), PRODUCTION) as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Return one application on each database for all tests of a file."""
    yield from start_site(request.param, tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return the application on each database, for the tests of one file."""
    return with_database(shared_site, monkeypatch)
