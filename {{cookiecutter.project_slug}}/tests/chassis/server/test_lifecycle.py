"""Start, readiness, drain and end of the process."""

import asyncio
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import psutil
import pytest
from chassis.commands.loadtest import Tab, open_tab
from chassis.testing.databases import new_sqlite
from chassis.testing.ports import free_port
from chassis.testing.servers import PRODUCTION, Server, running_server, small_project

from ..conftest import SCRATCH

SLOW_ROUTE = """
import asyncio
import streamlit as st
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from chassis.project import current

async def slow(request):
    await asyncio.sleep(60)
    return PlainTextResponse("done")

server = current().server()
server["routes"].append(Route("/slow", slow))
app = st.App(**server)
"""


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until the condition holds; return whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_whole_life_in_production(tmp_path: Path) -> None:
    with running_server(tmp_path, PRODUCTION) as server:
        assert httpx.get(f"{server.url}/livez").json() == {"status": "alive"}
        ready = httpx.get(f"{server.url}/readyz")
        assert ready.status_code == httpx.codes.OK
        assert ready.json()["ready"] is True
        assert ready.headers["cache-control"] == "no-store"
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log().splitlines()]
    events = [line["event"] for line in lines]
    beside = ["the notes are open", "started", "the notes are closed", "stopped"]
    assert [event for event in events if event in beside] == beside
    [opened] = [line for line in lines if line["event"] == "the notes are open"]
    assert opened["iban"] == "[redacted]"


def test_ctrl_c_is_a_normal_end(tmp_path: Path) -> None:
    with running_server(tmp_path, {}) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=10) == 0
        assert "Traceback" not in server.log()


def test_drain_turns_new_visitors_away_and_can_be_undone(tmp_path: Path) -> None:
    with running_server(tmp_path, PRODUCTION) as server:
        server.process.send_signal(signal.SIGUSR1)
        assert eventually(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        assert httpx.get(f"{server.url}/readyz").json()["draining"] is True
        assert httpx.get(f"{server.url}/livez").status_code == httpx.codes.OK
        assert httpx.get(server.url).status_code == httpx.codes.OK
        server.process.send_signal(signal.SIGUSR2)
        assert eventually(lambda: httpx.get(f"{server.url}/readyz").status_code == 200)


@pytest.mark.alone
def test_the_end_does_not_wait_for_a_slow_request(tmp_path: Path) -> None:
    project = small_project(tmp_path, "")
    (project / "streamlit_app.py").write_text(SLOW_ROUTE, encoding="utf-8")
    with running_server(tmp_path, PRODUCTION, project) as server:
        port = httpx.URL(server.url).port
        assert port is not None
        with socket.create_connection(("localhost", port)) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.5)  # the request must be in the handler; nothing tells when it is
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < 5
        assert "timeout graceful shutdown exceeded" in server.log()


def command(server: Server, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the settings of a server."""
    ports = {"APP_PORT": server.url, "METRICS_PORT": server.metrics_url}
    return subprocess.run(
        [sys.executable, "-m", "chassis", *arguments],
        env={
            **os.environ,
            **PRODUCTION,
            **{name: str(httpx.URL(url).port) for name, url in ports.items()},
            "DATABASE_URL": server.database,
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_smoke_visit_sees_what_a_visitor_sees(tmp_path: Path) -> None:
    site = {
        "APP_BASE_URL": "https://tool.example.com/below",
        "AUTH_BACKEND": "password",
        "ALLOWED_IPS": "10.0.0.0/8",
    }
    with running_server(tmp_path, {**PRODUCTION, **site}) as server:
        done = command(server, "smoke", **site)
        assert done.returncode == 0, done.stderr
        assert "a visitor got the page in" in done.stdout
        done = command(server, "smoke", **site, TRUSTED_PROXIES="10.1.1.1", APP_PORT="1")
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        done = command(server, "smoke", **{**site, "ALLOWED_IPS": "192.0.2.0/24"})
        assert "the page answers 403: Your network has no access" in done.stderr


def test_a_smoke_visit_sees_a_page_that_fails(tmp_path: Path) -> None:
    project = small_project(tmp_path, "1 / 0")
    with running_server(tmp_path, PRODUCTION, project) as server:
        done = command(server, "smoke")
        assert done.returncode == 1
        assert "the page failed; the log has the traceback" in done.stderr


def test_a_load_test_visits_the_server_of_the_settings(tmp_path: Path) -> None:
    arguments = ("loadtest", "--sessions", "2", "--reruns", "1", "--think", "0")
    nowhere = "http://127.0.0.1:9"  # a company's proxy is for other machines
    with running_server(tmp_path, PRODUCTION) as server:
        done = command(server, *arguments, HTTP_PROXY=nowhere, http_proxy=nowhere)
    assert done.returncode == 0, done.stderr
    assert "sessions with errors  0" in done.stdout


# Python runs a module of this name at its start.
WATCH_IMPORTS = """
import pathlib, sys, threading, time

notes = pathlib.Path(NOTES)

def watch(event, arguments):
    if event != "import" or arguments[0] not in WATCHED:
        return
    first = not notes.exists()
    with notes.open("a") as lines:
        lines.write(f"{threading.current_thread().name} {arguments[0]}\\n")
    if first:
        time.sleep(3)
        if FAILS:
            raise RuntimeError("planted")

sys.addaudithook(watch)
"""


def visit_during_imports(
    directory: Path, watched: Sequence[str], *, fails: bool
) -> tuple[list[list[str]], list[dict[str, str]]]:
    """Open two tabs in the midst of an import of the server that takes long, and then may fail.

    Return threads and modules as they were imported, and the errors in the log.
    """
    notes = directory / "imports"
    code = f"NOTES = {str(notes)!r}; WATCHED = {watched!r}; FAILS = {fails}" + WATCH_IMPORTS
    (directory / "sitecustomize.py").write_text(code, encoding="utf-8")

    async def visit() -> None:
        async with open_tab(server.url) as tab:
            await tab.rerun()

    async def visits() -> None:
        await asyncio.gather(visit(), visit())

    path = os.pathsep.join([str(directory), os.environ["PYTHONPATH"]])
    with running_server(directory, {**PRODUCTION, "PYTHONPATH": path}) as server:
        assert eventually(notes.exists, 30)
        asyncio.run(visits())
        assert server.stop() == 0
        log = [json.loads(line) for line in server.log().splitlines()]
    imports = [line.split() for line in notes.read_text(encoding="utf-8").splitlines()]
    return imports, [line for line in log if line["level"] == "error"]


def test_visitors_wait_for_the_thread_that_imports_libraries(tmp_path: Path) -> None:
    modules = ["altair.vegalite", "pandas.core", "pyarrow.lib"]
    imports, errors = visit_during_imports(tmp_path, modules, fails=False)
    assert {module for _thread, module in imports} == {*modules}
    assert len({thread for thread, _module in imports}) == 1
    assert not errors


def test_visitors_get_no_half_of_an_import_that_failed(tmp_path: Path) -> None:
    _imports, errors = visit_during_imports(tmp_path, ["pandas.core"], fails=True)
    (error,) = errors
    assert error["event"] == "a task of the server has failed"
    assert "planted" in error["exception"]


COUNT_SESSIONS = """
import gc
import streamlit as st
from streamlit.runtime.app_session import AppSession

st.text(f"sessions={sum(isinstance(thing, AppSession) for thing in gc.get_objects())}")
"""


def test_closed_sessions_are_let_go_though_nobody_comes(tmp_path: Path) -> None:
    async def count(tab: Tab) -> int:
        await tab.rerun()
        return int(str(tab.messages).split("sessions=")[1].split('"')[0])

    async def visit(url: str) -> None:
        async with open_tab(url) as watcher:
            for _ in range(3):
                async with open_tab(url) as visitor:
                    await visitor.rerun()
            assert await count(watcher) > 3
            for _ in range(60):
                await asyncio.sleep(0.5)
                if await count(watcher) == 1:
                    return
        pytest.fail("the closed sessions are still in memory")

    project = small_project(tmp_path, COUNT_SESSIONS)
    variables = PRODUCTION | {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "5"}
    with running_server(tmp_path, variables, project) as server:
        asyncio.run(visit(server.url))


def run_until(line: str, command: list[str], output: Path, **variables: str) -> None:
    """Run a program until its output has a text, then end it."""
    environment = {**os.environ, **variables}
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=SCRATCH, env=environment, stdout=stream, stderr=stream
        )
    try:
        assert eventually(lambda: line in output.read_text(encoding="utf-8"), seconds=30)
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_a_start_past_streamlit_is_warned_about(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "streamlit_app:app", "--port", str(port)]
    output = tmp_path / "uvicorn.log"
    run_until("STREAMLIT_* variables are ignored", command, output)


def test_file_descriptors_are_raised_to_what_is_allowed(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
    try:
        with running_server(tmp_path, PRODUCTION) as server:
            limits = psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_NOFILE)
            assert limits[0] == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_occupied_metrics_port_stops_the_start_with_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = start_once(APP_PORT=str(free_port()), METRICS_PORT=port, **PRODUCTION)
    assert result.returncode != 0
    assert "METRICS_PORT" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_an_occupied_metrics_port_under_streamlit_run_is_one_line_in_the_log(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port"]
    output = tmp_path / "streamlit.log"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        variables = {
            "METRICS_PORT": str(taken.getsockname()[1]),
            "DATABASE_URL": new_sqlite(tmp_path / "app.db"),
        }
        command.append(str(free_port()))
        run_until('"event": "started"', command, output, **PRODUCTION, **variables)
    log = output.read_text(encoding="utf-8")
    assert log.count("the app runs without /metrics") == 1
    assert "Traceback" not in log


COUNT_FROZEN = """
import gc
import streamlit as st

st.text(f"frozen={gc.get_freeze_count()} others={len(gc.get_objects())} on={gc.isenabled()}")
"""


def test_modules_are_spared_by_the_garbage_collector(tmp_path: Path) -> None:
    async def frozen_and_other(url: str) -> tuple[int, int]:
        async with open_tab(url) as tab:
            await tab.rerun()
            found = re.search(r"frozen=(\d+) others=(\d+) on=True", str(tab.messages))
            assert found is not None
            return int(found[1]), int(found[2])

    project = small_project(tmp_path, COUNT_FROZEN)
    with running_server(tmp_path, PRODUCTION, project) as server:
        frozen, other = asyncio.run(frozen_and_other(server.url))
    assert frozen > other


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("APP_PRT", "8501", "APP_PORT"),
        ("APP_PORT", "eight", "APP_PORT"),
        ("RATE_LIMIT_HTTP", "often", "RATE_LIMIT_HTTP"),
        ("REDIS_URL", "redis://localhost:6379/0?socket_timeout=soon", "REDIS_URL"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "streamlit"])
def test_a_typing_error_stops_the_start_with_one_line(
    tmp_path: Path, command: str, name: str, value: str, word: str
) -> None:
    database = new_sqlite(tmp_path / "app.db")
    result = start_once(command, **PRODUCTION | {"DATABASE_URL": database, name: value})
    assert result.returncode != 0
    lines = (result.stdout + result.stderr).strip().splitlines()
    assert len(lines) == 1
    assert word in lines[0]


def test_only_assembling_the_server_ends_the_process(tmp_path: Path) -> None:
    code = "from chassis.server import application; print('imported'); application.assemble()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "APP_PORT": "eight"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "imported\n")
    assert "APP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def start_once(command: str = "serve", **variables: str) -> subprocess.CompletedProcess[str]:
    """Start the application in a way that must fail; return what it printed."""
    commands = {
        "serve": [sys.executable, "-m", "chassis", "serve"],
        "streamlit": [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"],
    }
    environment = {**os.environ, **variables}
    return subprocess.run(
        commands[command],
        cwd=SCRATCH,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def not_ready(server: Server) -> bool:
    """Tell whether the server turns new visitors away."""
    return httpx.get(f"{server.url}/readyz").status_code == httpx.codes.SERVICE_UNAVAILABLE


@pytest.mark.alone
def test_sigterm_waits_for_open_sessions_and_no_longer_than_allowed(tmp_path: Path) -> None:
    async def stop_while_open(server: Server, leave: bool) -> float:
        async with open_tab(server.url) as tab:
            await tab.rerun()
            server.process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            assert await asyncio.to_thread(eventually, lambda: not_ready(server))
            await tab.rerun()  # goes on as if nothing had happened
            if not leave:
                await asyncio.to_thread(server.process.wait, 20)
        await asyncio.to_thread(server.process.wait, 20)
        return time.monotonic() - started

    for limit, leave in ((60, True), (3, False)):
        variables = {**PRODUCTION, "APP_DRAIN_SECONDS": str(limit)}
        with running_server(tmp_path, variables) as server:
            seconds = asyncio.run(stop_while_open(server, leave))
            assert server.process.returncode == 0
            assert seconds < 20 if leave else seconds > 3
            assert f'"sessions_cut": {0 if leave else 1}' in server.log()
