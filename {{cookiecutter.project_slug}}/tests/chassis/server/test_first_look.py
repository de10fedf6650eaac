"""What a developer reads at the start: where the app is, how to stop it, where to begin."""

import re
import time
from pathlib import Path

import httpx
from chassis.testing.databases import new_sqlite
from chassis.testing.servers import PRODUCTION, Server, running_server, start_server

from ..conftest import SCRATCH
from ..unit.scratch_app import scratch_app

DEVELOPMENT = {"APP_ENV": "development", "AUTH_BACKEND": "password"}
APP = """
import streamlit as st
from chassis.project import current

app = st.App(**{**current().server(), "script_path": "script.py"})
"""


def wait_for(server: Server, text: str) -> str:
    """Return what was printed as soon as the text is in it."""
    deadline = time.monotonic() + 30
    while text not in (log := server.log()):
        assert time.monotonic() < deadline, log
        time.sleep(0.005)
    return log


def test_the_last_lines_say_where_it_is_how_to_stop_it_and_where_to_begin(tmp_path: Path) -> None:
    with running_server(tmp_path, DEVELOPMENT) as server:
        log = wait_for(server, "begin with")
    end = f"""
  Scratch Tool is at {server.url}

  Ctrl-C stops it. A saved file shows at once: begin with src/scratch_tool/pages/start.py
"""
    assert end in log
    assert (SCRATCH / "src/scratch_tool/pages/start.py").is_file()
    assert "You can now view" not in log  # the same in the words of Streamlit


def test_the_address_is_printed_when_it_answers(tmp_path: Path) -> None:
    """Opened too early it is an error page, the first thing that a newcomer would see."""
    server = start_server(tmp_path, DEVELOPMENT)
    try:
        wait_for(server, f"{server.url}\n")
        assert httpx.get(f"{server.url}/readyz").is_success
    finally:
        server.stop()


def test_who_has_lost_the_first_password_reads_how_to_get_a_new_one(tmp_path: Path) -> None:
    variables = {**DEVELOPMENT, "DATABASE_URL": new_sqlite(tmp_path / "app.db")}
    code = "Forgotten the password? `scratch-tool users reset-code {}` prints a code for a new one."
    with running_server(tmp_path, variables) as server:
        assert re.search("^  Password:  ", server.log(), re.MULTILINE)
        assert "reset-code" not in server.log()
    with running_server(tmp_path, variables) as server:
        assert "Password:" not in server.log()
        assert "Sign in as admin" in server.log()
        assert code.format("admin") in server.log()


def test_elsewhere_nothing_of_it_is_printed(tmp_path: Path) -> None:
    with running_server(tmp_path, PRODUCTION) as server:
        assert server.stop() == 0
        assert all(line.startswith("{") for line in server.log().splitlines())
        assert "Ctrl-C" not in server.log()


def test_streamlit_run_says_what_it_lacks_in_development(tmp_path: Path) -> None:
    for app_env, lines in (("development", 1), ("production", 0)):
        folder = tmp_path / app_env
        folder.mkdir()
        url = new_sqlite(folder / "app.db")
        variables = {"APP_ENV": app_env, "DATABASE_URL": url, "METRICS_ENABLED": "false"}
        variables["APP_BASE_URL"] = "http://127.0.0.1:8501"  # whose host is asked below
        with scratch_app(folder, APP, "", **variables) as app:
            pass
        assert app.text().count("`make dev`") == lines, app.text()


def test_serve_lacks_nothing(tmp_path: Path) -> None:
    with running_server(tmp_path, DEVELOPMENT) as server:
        assert "make dev" not in wait_for(server, "started")
