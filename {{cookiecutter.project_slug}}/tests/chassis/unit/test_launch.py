"""How settings reach Streamlit, and why a start can fail."""

import json
import os
import platform
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from chassis.auth import audit, sign_in, users
from chassis.auth.identity import HEADERS
from chassis.auth.models import User
from chassis.auth.roles import Role
from chassis.database import engine
from chassis.database.engine import transaction
from chassis.server import launch
from chassis.settings import Settings, get_settings
from chassis.testing.databases import new_sqlite
from chassis.testing.ports import free_port
from sqlalchemy import update

from ..conftest import SCRATCH

KEY = "kJ8-wq2nV0sX7bLr4TfYc1HmZ5dPgA9e"

# Stands where the app stands: Streamlit imports it after it has read its configuration.
WITNESS = """
import json
import os
import streamlit as st
from pathlib import Path
from streamlit import config

options = config.get_config_options()
seen = {
    "options": {name: option.value for name, option in options.items()},
    "variables": [option.env_var for option in options.values()],
    "environment": dict(os.environ),
    "process": os.getpid(),
}
Path("seen.json").write_text(json.dumps(seen, default=str))
os._exit(0)
app = st.App("page.py")
"""


def serve(directory: Path, **variables: str) -> subprocess.Popen[str]:
    """Run `serve` to its end in `directory`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chassis", "serve"],
        cwd=directory,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.wait(timeout=60)
    return process


def witness(directory: Path, **variables: str) -> dict[str, Any]:
    """Return what Streamlit makes of the settings."""
    (directory / ".streamlit").mkdir()
    config = SCRATCH / ".streamlit" / "config.toml"
    (directory / ".streamlit" / "config.toml").write_bytes(config.read_bytes())
    (directory / "streamlit_app.py").write_text(WITNESS, encoding="utf-8")
    new_sqlite(directory / "app.db")
    with serve(directory, METRICS_PORT=str(free_port()), **variables) as process:
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read()
    seen: dict[str, Any] = json.loads((directory / "seen.json").read_text())
    assert seen["process"] == process.pid
    return seen


def test_streamlit_gets_the_settings_in_production(empty_project: Path) -> None:
    port = free_port()
    settings = {
        "APP_ENV": "production",
        "APP_SECRET_KEY": KEY,
        "APP_BASE_URL": "https://tool.example.org:8443/team/tool",
        "APP_HOST": "0.0.0.0",
        "APP_PORT": str(port),
        "TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1",
        "LOG_LEVEL": "warning",
        "MAX_UPLOAD_MB": "7",
    }
    strangers = {"STREAMLIT_SERVER_PORT": "1", "STREAMLIT_SERVER_MAX_MESSAGE_SIZE": "77"}
    seen = witness(empty_project, **settings, **strangers)
    expected = {
        "browser.serverAddress": "tool.example.org",
        "browser.serverPort": 8443,
        "client.showErrorDetails": "none",
        "logger.level": "warning",
        "server.address": "0.0.0.0",
        "server.allowedHosts": ["tool.example.org"],
        "server.baseUrlPath": "team/tool",
        "server.fileWatcherType": "none",
        "server.headless": True,
        "server.maxMessageSize": 77,
        "server.maxUploadSize": 7,
        "server.port": port,
    }
    assert {name: seen["options"][name] for name in expected} == expected
    assert seen["environment"]["FORWARDED_ALLOW_IPS"] == ""  # server/peer.py looks at the proxies
    assert seen["options"]["server.trustedUserHeaders"] == HEADERS
    cookie_secret = seen["options"]["server.cookieSecret"]
    assert len(cookie_secret) == 64
    assert KEY not in cookie_secret


def test_streamlit_gets_the_settings_in_development(empty_project: Path) -> None:
    port = free_port()
    own = {"STREAMLIT_CLIENT_TOOLBAR_MODE": "viewer"}
    seen = witness(empty_project, APP_PORT=str(port), **own)
    expected = {
        "browser.serverAddress": "localhost",
        "browser.serverPort": port,
        "client.showErrorDetails": "full",
        "client.toolbarMode": "viewer",
        "logger.hideWelcomeMessage": True,
        "server.allowedHosts": ["localhost", "127.0.0.1", "::1"],
        "server.allowRunOnSave": True,
        "server.fileWatcherType": "auto",
        "server.runOnSave": True,
    }
    assert {name: seen["options"][name] for name in expected} == expected
    assert "STREAMLIT_SERVER_COOKIE_SECRET" not in seen["environment"]
    every_setting = Settings(app_env="staging", app_secret_key=KEY)
    names = {*launch.DEVELOPMENT, *launch.streamlit_environment(every_setting)}
    assert {name for name in names if name.startswith("STREAMLIT_")} <= {*seen["variables"]}


def test_the_cookie_secret_follows_the_key() -> None:
    name = "STREAMLIT_SERVER_COOKIE_SECRET"
    secrets = [
        launch.streamlit_environment(Settings(app_secret_key=key))[name]
        for key in (KEY, KEY, KEY[::-1])
    ]
    assert secrets[0] == secrets[1] != secrets[2]


def refusal(directory: Path, **variables: str) -> str:
    """Return the one line with which `serve` must give up."""
    with serve(directory, **variables) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.returncode == 1
        assert process.stdout.read() == ""
        [line] = process.stderr.read().splitlines()
    return line


def test_serve_needs_the_project(empty_project: Path) -> None:
    line = refusal(empty_project)
    assert line.startswith(f"streamlit_app.py is not in {empty_project}; change to")


@pytest.mark.parametrize("prefix", ["APP", "METRICS"])
def test_serve_needs_free_ports(empty_project: Path, prefix: str) -> None:
    (empty_project / "streamlit_app.py").touch()
    ports = {"APP_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    with socket.create_server(("127.0.0.1", int(ports[f"{prefix}_PORT"]))):
        line = refusal(empty_project, **ports)
    assert line.startswith(f"{prefix}_PORT: port {ports[f'{prefix}_PORT']} is in use; ")


def test_serve_needs_an_address_of_this_machine(empty_project: Path) -> None:
    (empty_project / "streamlit_app.py").touch()
    line = refusal(empty_project, APP_HOST="203.0.113.1", APP_PORT=str(free_port()))
    assert line == "APP_HOST: 203.0.113.1 is not an address of this machine"


@pytest.mark.parametrize(
    ("theme", "problem"),
    [
        (None, "Theme file not found: "),
        ("[theme\n", "Error loading theme file "),
        ("[colors]\n", "must contain a \\[theme\\] section"),
    ],
)
def test_a_theme_that_cannot_be_read_is_one_line(
    empty_project: Path, theme: str | None, problem: str
) -> None:
    (empty_project / "streamlit_app.py").touch()
    (empty_project / ".streamlit").mkdir()
    config = empty_project / ".streamlit" / "config.toml"
    config.write_text('[theme]\nbase = "theme.toml"\n', encoding="utf-8")
    if theme is not None:
        (empty_project / "theme.toml").write_text(theme, encoding="utf-8")
    new_sqlite(empty_project / "app.db")
    variables = {"APP_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    line = refusal(empty_project, APP_ENV="staging", APP_SECRET_KEY=KEY, **variables)
    assert line.startswith("the theme cannot be read: ")
    assert re.search(problem, line)


def test_serve_needs_valid_settings(empty_project: Path) -> None:
    assert refusal(empty_project, APP_PORT="eight").startswith("APP_PORT ('eight' from ")


def test_the_file_limit_is_raised() -> None:
    code = (
        "import resource\n"
        "from chassis.server.launch import raise_file_limit\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))\n"
        "raise_file_limit()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(128, 128)\n"


FRAGMENTS = """
import psutil
from chassis.server.launch import return_memory

return_memory()
process = psutil.Process()
freed = b"x" * (6 * 2**20)
del freed  # from here on glibc would keep blocks up to this size in its heap
before = process.memory_info().rss
kept = []
for _ in range(40):
    freed = b"x" * (5 * 2**20)
    kept.append((b"y" * 100_000, freed))
kept = [small for small, _ in kept]
del freed
print((process.memory_info().rss - before) // 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_freed_blocks_go_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRAGMENTS], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 20


def test_the_first_start_of_a_development_makes_an_admin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_sqlite(tmp_path / "app.db"))
    monkeypatch.setenv("AUTH_BACKEND", "password")
    get_settings.cache_clear()
    launch.welcome_first_admin()
    password = capsys.readouterr().out.split()[-1]
    admin = users.find("admin")
    assert admin is not None
    assert admin.roles == {Role.ADMIN}
    outcome = sign_in.check_password("admin", password, browser="b", address="", device=None)
    assert outcome.status == "ok"
    launch.welcome_first_admin()
    again = capsys.readouterr().out
    assert password not in again
    assert "`scratch-tool users reset-code admin`" in again
    engine.forget()


@pytest.fixture
def development(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a database without users."""
    monkeypatch.setenv("DATABASE_URL", new_sqlite(tmp_path / "app.db"))
    get_settings.cache_clear()
    yield
    engine.forget()


def add(username: str, role: Role) -> users.Account:
    actor = audit.Actor(None, "test")
    return users.create(username, roles={role}, password="seven purple elephants", actor=actor)


@pytest.mark.usefixtures("development")
def test_an_administrator_from_before_the_first_start_is_enough(
    capsys: pytest.CaptureFixture[str],
) -> None:
    add("kim", Role.ADMIN)
    launch.welcome_first_admin()
    printed = capsys.readouterr().out
    assert "Sign in as kim, who is an administrator." in printed
    assert "`scratch-tool users reset-code kim`" in printed
    assert users.find("admin") is None


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize(("taken", "made"), [("kim", "admin"), ("admin", "admin2")])
def test_without_an_administrator_one_is_made_whoever_is_there(
    capsys: pytest.CaptureFixture[str], taken: str, made: str
) -> None:
    add(taken, Role.EDITOR)
    launch.welcome_first_admin()
    printed = capsys.readouterr().out
    assert f"User name: {made}\n" in printed
    outcome = sign_in.check_password(
        made, printed.split()[-1], browser="b", address="", device=None
    )
    assert outcome.status == "ok"
    found = users.find(made)
    assert found is not None
    assert found.roles == {Role.ADMIN}


@pytest.mark.usefixtures("development")
def test_an_administrator_who_cannot_sign_in_here_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Disabled, or an account of the provider that was used before."""
    kim, lee = add("kim", Role.ADMIN), add("lee", Role.ADMIN)
    users.disable(kim.id, audit.Actor(None, "test"))
    with transaction() as session:
        session.execute(update(User).where(User.id == lee.id).values(backend="oidc"))
    launch.welcome_first_admin()
    assert "User name: admin\n" in capsys.readouterr().out


@pytest.mark.parametrize("app_env", ["staging", "production"])
def test_there_is_no_default_account_elsewhere(tmp_path: Path, app_env: str) -> None:
    url = new_sqlite(tmp_path / "app.db")
    (tmp_path / "streamlit_app.py").write_text(WITNESS, encoding="utf-8")
    variables = {"APP_ENV": app_env, "APP_SECRET_KEY": KEY, "DATABASE_URL": url}
    variables |= {"APP_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    with serve(tmp_path, **variables) as process:
        assert process.returncode == 0
        assert process.stdout is not None
        assert "Password" not in process.stdout.read()
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        assert connection.execute("SELECT count(*) FROM chassis_users").fetchone() == (0,)
