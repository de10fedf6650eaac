"""What the app of a bake answers, counts and survives while it really runs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import PRODUCTION, App, end, free_port, redis_server, serving, until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def browser_page(browser: Browser) -> Page:
    """Return a page of a real Chromium."""
    page = browser.new_page()
    page.set_default_timeout(30_000)
    return page


def visit(page: Page, url: str) -> None:
    """Open a page and wait until its script has run."""
    page.goto(url)
    script = page.get_by_test_id("stApp")
    expect(script).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    title = page.get_by_test_id("stMain").get_by_role("heading", level=1)
    expect(title).to_be_visible(timeout=30_000)


@pytest.mark.parametrize(
    ("path", "status"), [("/livez", 200), ("/readyz", 200), ("/nonsense.js", 404), ("/", 200)]
)
def test_status_of_a_path(app: App, path: str, status: int) -> None:
    assert app.get(path)[0] == status


def test_run_counts_grow_while_a_browser_clicks(app: App, browser_page: Page) -> None:
    visit(browser_page, app.url)
    assert app.metric("app_sessions_open") >= 1
    links = browser_page.get_by_test_id("stSidebarNav").get_by_role("link")
    for number in (1, 0, 1):
        before = app.metric("app_script_runs_total")
        links.nth(number).click()
        until(partial(has_more_runs, app, before), 30, "another script run")
    assert app.metric("app_script_errors_total") == 0


def has_more_runs(app: App, before: float) -> bool:
    """Tell whether the metrics count more script runs than before."""
    return app.metric("app_script_runs_total") > before


def test_losing_redis_changes_a_detail_of_readyz_and_nothing_else(
    project: Path, tmp_path: Path, browser_page: Page
) -> None:
    port = free_port()
    command = [redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        until(lambda: listens(port), 20, "Redis")
        return process

    redis = start()
    url = f"redis://127.0.0.1:{port}/0"
    try:
        with serving(project, tmp_path / "output", **PRODUCTION, REDIS_URL=url) as app:
            healthy = statuses(app)
            assert healthy["redis"] == "pass"
            visit(browser_page, app.url)
            redis.kill()
            redis.wait()
            until(lambda: statuses(app)["redis"] == "warn", 30, "a warning in /readyz")
            others = {name: status for name, status in statuses(app).items() if name != "redis"}
            assert others == {name: healthy[name] for name in others}
            assert app.get("/readyz")[0] == 200
            assert str(port) not in app.checks()["redis"]["detail"]
            before = app.metric("app_script_runs_total")
            visit(browser_page, app.url)  # a new session, so a connect that is counted
            assert has_more_runs(app, before)
            assert app.metric("app_script_errors_total") == 0
            redis = start()
            until(lambda: statuses(app)["redis"] == "pass", 60, "recovery")
            assert app.terminate()[0] == 0
    finally:
        end(redis)


def statuses(app: App) -> dict[str, str]:
    """Return the status of each check but those of this machine's load."""
    loaded = {"cpu", "memory", "disk"}
    return {name: check["status"] for name, check in app.checks().items() if name not in loaded}


def listens(port: int) -> bool:
    """Tell whether somebody accepts connections on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_in_vain(project: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `serve`, which must refuse to start."""
    return subprocess.run(
        [project / ".venv/bin/my-internal-tool", "serve"],
        cwd=project,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"APP_PROT": "8600"}, ("APP_PROT", "APP_PORT")),
        ({"RATE_LIMIT_CONECT": "1/minute"}, ("RATE_LIMIT_CONECT",)),
        ({"APP_PORT": "eighty"}, ("APP_PORT", "eighty")),
        ({"LOG_LEVEL": "LOUD"}, ("LOG_LEVEL",)),
        ({"APP_SECRET_KEY": "changeme"}, ("APP_SECRET_KEY",)),
        ({"TRUSTED_PROXIES": "10.0.0.0/33"}, ("TRUSTED_PROXIES", "10.0.0.0/33")),
    ],
)
def test_a_typing_error_stops_the_start_with_one_line(
    project: Path, variables: dict[str, str], words: tuple[str, ...]
) -> None:
    env = {**PRODUCTION, "APP_BASE_URL": "https://tool.example.com", **variables}
    done = start_in_vain(project, env)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(word in done.stderr for word in words)
    assert "changeme" not in done.stderr


def test_a_port_that_is_taken_stops_the_start_with_one_line(app: App, project: Path) -> None:
    env = {**PRODUCTION, "APP_PORT": str(app.port), "METRICS_PORT": str(free_port())}
    done = start_in_vain(project, env)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "APP_PORT" in done.stderr


SLOW_APP = """
import asyncio

from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def slow(request):
    await asyncio.sleep(60)
    return PlainTextResponse("late")


def slowly(given):
    routes = [Route("/slow", slow), *given["routes"]]
    return {**given, "script_path": "endless.py", "routes": routes}
"""
SLOW_PAGE = """
import time

import streamlit as st

st.title("Slow")
while True:
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def slow_project(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a slow route and an endless page, as a user could have written."""
    slow = tmp_path_factory.mktemp("slow") / "project"
    shutil.copytree(project, slow, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git"))
    # The environment is the other project's: its editable install reads that one's code.
    (slow / ".venv").symlink_to(project / ".venv")
    entry = slow / "streamlit_app.py"
    text = entry.read_text("utf-8")
    docstring, _, code = text.partition("\n\n")
    assert "(**project.server())" in code
    code = code.replace("project.server()", "slowly(project.server())")
    entry.write_text(f"{docstring}\n{SLOW_APP}\n{code}", "utf-8")
    (slow / "endless.py").write_text(SLOW_PAGE, "utf-8")
    return slow


@pytest.mark.alone
def test_sigterm_ends_in_time_whatever_is_in_flight(
    slow_project: Path, tmp_path: Path, browser_page: Page
) -> None:
    # Development: the warm-up of production would run the endless page.
    with serving(slow_project, tmp_path / "output") as app:
        browser_page.goto(app.url)
        expect(browser_page.get_by_role("heading", name="Slow")).to_be_visible()
        with socket.create_connection(("127.0.0.1", app.port)) as client:
            request = f"GET /slow HTTP/1.1\r\nHost: localhost:{app.port}\r\n\r\n"
            client.sendall(request.encode())
            client.settimeout(1)
            with pytest.raises(TimeoutError):  # so the request is in the handler
                client.recv(1)
            code, seconds = app.terminate()
    assert code == 0
    assert seconds < 5


@pytest.mark.alone
def test_ctrl_c_ends_it_too(project: Path, tmp_path: Path) -> None:
    with serving(project, tmp_path / "output") as app:
        started = time.monotonic()
        app.process.send_signal(signal.SIGINT)
        assert app.process.wait(timeout=30) == 0
        assert time.monotonic() - started < 5
