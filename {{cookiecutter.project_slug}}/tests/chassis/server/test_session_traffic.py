"""What a browser tab may send, how fast, and what is counted: over a real websocket."""

import asyncio
import contextlib
import re
from collections.abc import Iterator

import httpx
import pytest
from chassis.commands.loadtest import open_tab
from chassis.testing.servers import PRODUCTION, Server, running_server, small_project
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .conftest import OFFICE, metric

# Counts its own runs in a cache that all sessions share, so that a test can see it emptied.
PAGE = """
import streamlit as st

@st.cache_resource
def counter():
    return [0]

counter()[0] += 1
st.text(f"runs={counter()[0]}")
if st.query_params.get("fail"):
    raise ValueError("wanted")

@st.fragment
def part():
    st.button("again")

part()
"""


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = small_project(tmp_path_factory.mktemp("project"), PAGE)
    variables = PRODUCTION | {"RATE_LIMIT_RERUN": "3/second"}
    with running_server(tmp_path_factory.mktemp("log"), variables, project) as running:
        yield running


def runs(server: Server, **labels: str) -> float:
    return metric(server, "app_script_runs_total", **labels)


def test_runs_are_counted_by_page_and_result(server: Server) -> None:
    before = {page: runs(server, page=page, result="success") for page in ("home", "about")}

    async def visit() -> None:
        async with open_tab(server.url) as tab:
            await tab.rerun()
            await tab.rerun(page="about")
            await tab.rerun(page="about")

    asyncio.run(visit())
    assert runs(server, page="home", result="success") == before["home"] + 1
    assert runs(server, page="about", result="success") == before["about"] + 2
    assert metric(server, "app_script_run_seconds_count", page="about") >= 2


def test_a_failed_run_counts_as_error(small_server: Server) -> None:
    # Streamlit reports it as finished successfully.
    async def visit() -> None:
        async with open_tab(small_server.url) as tab:
            await tab.rerun(query="fail=1")
            await tab.rerun()

    errors, successes = runs(small_server, result="error"), runs(small_server, result="success")
    asyncio.run(visit())
    assert runs(small_server, result="error") == errors + 1
    assert runs(small_server, result="success") == successes + 1
    assert metric(small_server, "app_script_errors_total", type="ValueError") >= 1


def test_nobody_clears_the_caches_of_all(small_server: Server) -> None:
    async def visit() -> tuple[str, str]:
        async with open_tab(small_server.url) as tab:
            await tab.rerun()
            before = str(tab.messages)
            message = BackMsg()
            message.clear_cache = True
            await tab.send(message)
            await tab.socket.wait_closed()
        async with open_tab(small_server.url) as tab:
            await tab.rerun()
            return before, str(tab.messages)

    before, after = asyncio.run(visit())
    count = int(before.split("runs=")[1].split('"')[0])
    assert f"runs={count + 1}" in after
    assert '"message_type": "clear_cache"' in small_server.log()


def test_a_refused_message_is_logged_once_and_ends_the_tab(small_server: Server) -> None:
    refused = metric(small_server, "app_rate_limited_total", scope="message")

    async def flood() -> int | None:
        async with open_tab(small_server.url) as tab:
            await tab.rerun()
            with contextlib.suppress(ConnectionClosed):
                for _number in range(20_000):
                    await tab.socket.send(BackMsg(clear_cache=True).SerializeToString())
            await tab.socket.wait_closed()
            return tab.socket.close_code

    lines = small_server.log().count("message refused")
    assert asyncio.run(flood()) == 1008
    assert small_server.log().count("message refused") == lines + 1
    assert metric(small_server, "app_rate_limited_total", scope="message") == refused + 1


def test_fast_clicks_are_delayed_and_none_is_lost(small_server: Server) -> None:
    limited = metric(small_server, "app_rate_limited_total", scope="rerun")

    async def visit() -> int:
        async with open_tab(small_server.url) as tab:
            for _ in range(8):
                await tab.rerun()
            return 8

    finished = runs(small_server)
    assert asyncio.run(visit()) == 8
    assert runs(small_server) == finished + 8
    assert metric(small_server, "app_rate_limited_total", scope="rerun") > limited


def test_junk_ends_only_the_connection_that_sent_it(small_server: Server) -> None:
    async def visit() -> None:
        async with open_tab(small_server.url) as good:
            await good.rerun()
            async with open_tab(small_server.url) as bad:
                await bad.socket.send(b"\xff\xfe no protobuf")
                await bad.socket.wait_closed()
            await good.rerun()

    asyncio.run(visit())


def test_open_sessions_are_counted(small_server: Server) -> None:
    async def visit() -> float:
        async with open_tab(small_server.url) as one, open_tab(small_server.url) as two:
            await one.rerun()
            await two.rerun()
            return await asyncio.to_thread(metric, small_server, "app_sessions_open")

    assert asyncio.run(visit()) == 2


@pytest.mark.parametrize(
    "address", ["203.0.113.77", "2001:db8:1:2::{}"], ids=["address", "ipv6-network"]
)
def test_connections_are_limited_with_retry_after(guarded_server: Server, address: str) -> None:
    async def attempt() -> list[int]:
        port = httpx.URL(guarded_server.url).port
        url = "ws://tool.example.com/team/_stcore/stream"
        statuses, waits = [], []
        for number in range(5):
            headers = {"X-Forwarded-For": address.format(number)}
            try:
                async with connect(url, additional_headers=headers, host="localhost", port=port):
                    statuses.append(101)
            except InvalidStatus as refusal:
                statuses.append(refusal.response.status_code)
                waits.append(int(refusal.response.headers["Retry-After"]))
        assert all(wait > 0 for wait in waits)
        return statuses

    assert asyncio.run(attempt()) == [101, 101, 101, 429, 429]


def test_requests_are_limited_per_address(guarded_server: Server) -> None:
    def ask(address: str, path: str = "/team/about") -> httpx.Response:
        headers = {"Host": "tool.example.com", "X-Forwarded-For": address}
        return httpx.get(guarded_server.url + path, headers=headers)

    statuses = [ask("203.0.113.50").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    assert int(ask("203.0.113.50").headers["Retry-After"]) > 0
    assert ask(OFFICE).status_code == httpx.codes.OK
    [script] = re.findall(r'src="\./(static/js/index[^"]+)"', ask(OFFICE).text)[:1]
    script = f"/team/{script}"
    # Static files and probes do not count: a page load asks for more than a hundred.
    for _ in range(10):
        assert ask("203.0.113.50", "/livez").status_code == httpx.codes.OK
        assert ask("203.0.113.50", script).status_code == httpx.codes.OK


def test_only_files_that_exist_are_not_counted(guarded_server: Server) -> None:
    def ask(path: str) -> int:
        headers = {"Host": "tool.example.com", "X-Forwarded-For": "203.0.113.51"}
        return httpx.get(guarded_server.url + path, headers=headers).status_code

    # These never reach Streamlit, which would answer with the page.
    for path in ("/team/static/1", "/team/static/js/none.js", "/team/static"):
        assert ask(path) == httpx.codes.NOT_FOUND
    statuses = [ask("/team/_stcore/health/1") for _number in range(6)]
    assert statuses[-1] == httpx.codes.TOO_MANY_REQUESTS
