"""The rate limiter: windows, both faces, Redis coming and going, and the decorator."""

import asyncio
import functools
import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
import streamlit as st
from chassis import streamlit_private
from chassis.limits import Limiter, get_limiter, rate_limited
from chassis.limits import storage as rate_limit_storage
from chassis.settings import SettingsError
from limits import parse
from prometheus_client import REGISTRY
from streamlit.testing.v1 import AppTest
from structlog.testing import capture_logs

from .conftest import wait_until
from .redis_server import PASSWORD, RedisServer, running_redis

Hits: TypeAlias = Callable[..., list[float]]

FELL_BACK = "Redis is unreachable: rate limits fall back to the memory of this process"
RECOVERED = "Redis answers again: rate limits have recovered"


@pytest.fixture(autouse=True)
def fresh_limiter() -> Iterator[None]:
    """Give each test a limiter of its own where the code asks for the process's."""
    get_limiter.cache_clear()
    yield
    if get_limiter.cache_info().currsize:
        asyncio.run(get_limiter().aclose())
    get_limiter.cache_clear()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Return a running Redis server."""
    with running_redis(tmp_path) as server:
        yield server


@contextmanager
def connected(url: str | None) -> Iterator[Limiter]:
    """Make a limiter, and close its connections at the end."""
    limiter = Limiter(url)
    yield limiter
    asyncio.run(limiter.aclose())


@pytest.fixture(params=["memory", "redis"])
def limiter(request: pytest.FixtureRequest) -> Iterator[Limiter]:
    """Return a limiter of each kind."""
    redis = request.param == "redis"
    with connected(request.getfixturevalue("redis_server").url if redis else None) as limiter:
        yield limiter


def in_loop(limiter: Limiter, *hits: tuple[str, str, str]) -> list[float]:
    """Hit through the asynchronous face, in an event loop of its own."""

    async def all_hits() -> list[float]:
        try:
            return [await limiter.hit(*hit) for hit in hits]
        finally:
            await limiter.aclose()

    return asyncio.run(all_hits())


def in_thread(limiter: Limiter, *hits: tuple[str, str, str]) -> list[float]:
    """Hit through the synchronous face."""
    return [limiter.hit_sync(*hit) for hit in hits]


both_faces = pytest.mark.parametrize("hit", [in_loop, in_thread])


# --- Windows --------------------------------------------------------------------------------------


@both_faces
def test_refuses_what_is_over_the_limit(limiter: Limiter, hit: Hits) -> None:
    *allowed, wait = hit(limiter, *[("3/minute", "action", "someone")] * 4)
    assert allowed == [0.0, 0.0, 0.0]
    assert 50 < wait <= 60.02


@both_faces
def test_counts_each_scope_and_key_on_its_own(limiter: Limiter, hit: Hits) -> None:
    rate = "1/minute"
    first, *others, again = hit(
        limiter,
        (rate, "action", "someone"),
        (rate, "action", "someone else"),
        (rate, "other action", "someone"),
        (rate, "action", "someone"),
    )
    assert (first, *others) == (0.0, 0.0, 0.0)
    assert again > 0


def test_forgets_one_key_of_one_scope(limiter: Limiter) -> None:
    hits = [("1/minute", scope, key) for scope in ("action", "other") for key in ("ann", "bob")]
    assert in_thread(limiter, *hits) == [0.0] * 4
    limiter.forget("1/minute", "action", "ann")
    waits = in_thread(limiter, *hits)
    assert waits[0] == 0.0
    assert min(waits[1:]) > 50


@both_faces
def test_who_waits_as_told_is_let_through(limiter: Limiter, hit: Hits) -> None:
    """The window moves: only the oldest hit has to leave it, not all of them."""
    attempt = ("2/second", "action", "someone")
    assert hit(limiter, attempt) == [0.0]
    time.sleep(0.5)
    allowed, wait = hit(limiter, attempt, attempt)
    assert allowed == 0.0
    assert wait <= 0.51
    time.sleep(wait)
    allowed, wait = hit(limiter, attempt, attempt)
    assert allowed == 0.0
    assert wait > 0


def test_both_faces_share_one_count(limiter: Limiter) -> None:
    attempt = ("2/minute", "action", "someone")
    assert in_thread(limiter, attempt) + in_loop(limiter, attempt) == [0.0, 0.0]
    assert in_thread(limiter, attempt) > [0.0]
    assert in_loop(limiter, attempt) > [0.0]


def test_processes_share_one_count_in_redis(redis_server: RedisServer) -> None:
    attempt = ("1/minute", "action", "someone")
    with connected(redis_server.url) as one, connected(redis_server.url) as other:
        assert in_thread(one, attempt) == [0.0]
        assert in_thread(other, attempt) > [0.0]
    assert len(redis_server.keys()) == 1
    assert redis_server.keys()[0].startswith("scratch_tool:")


def test_no_thread_slips_through(limiter: Limiter) -> None:
    attempt = ("50/minute", "action", "someone")
    with ThreadPoolExecutor(20) as pool:
        waits = list(pool.map(lambda _: limiter.hit_sync(*attempt), range(200)))
    assert waits.count(0.0) == 50


@both_faces
def test_switched_off_it_allows_everything(hit: Hits) -> None:
    assert hit(Limiter(enabled=False), *[("1/minute", "action", "someone")] * 3) == [0.0] * 3


def test_the_settings_switch_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_ENABLED", "false")
    assert in_thread(get_limiter(), *[("1/minute", "action", "someone")] * 2) == [0.0, 0.0]


# --- Memory ---------------------------------------------------------------------------------------


def test_memory_forgets_addresses_that_have_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit_storage, "SWEEP_SECONDS", 0.1)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now)  # that of a machine that is quick enough
    threads = set(threading.enumerate())
    storage = rate_limit_storage.BoundedMemoryStorage()
    for number in range(100_000):
        now += 0.00001
        assert storage.acquire_entry(f"10.{number}", limit=5, expiry=2)
    assert len(storage.events) == 100_000
    now += 2
    assert storage.acquire_entry("now", limit=1000, expiry=2)
    assert list(storage.events) == ["now"]
    wait_until(lambda: set(threading.enumerate()) <= threads)


def test_memory_has_no_thread_that_changes_it_behind_our_back() -> None:
    threads = set(threading.enumerate())
    rate_limit_storage.BoundedMemoryStorage()
    assert set(threading.enumerate()) <= threads


def test_memory_keeps_no_more_hits_than_it_needs() -> None:
    storage = rate_limit_storage.BoundedMemoryStorage()
    for _ in range(100):
        storage.acquire_entry("someone", limit=3, expiry=0)
    assert len(storage.events["someone"]) == 3


def test_memory_counts_hits_that_come_together() -> None:
    storage = rate_limit_storage.BoundedMemoryStorage()
    assert not storage.acquire_entry("someone", limit=3, expiry=60, amount=4)
    assert storage.acquire_entry("someone", limit=3, expiry=60, amount=2)
    assert not storage.acquire_entry("someone", limit=3, expiry=60, amount=2)
    assert storage.acquire_entry("someone", limit=3, expiry=60, amount=1)


@pytest.mark.usefixtures("eager_threads")
def test_memory_loses_no_hit_between_threads() -> None:
    def hit_often(storage: rate_limit_storage.BoundedMemoryStorage) -> int:
        start.wait()
        return sum(storage.acquire_entry("someone", 500, expiry=3600) for _ in range(500))

    start = threading.Barrier(8)
    for _ in range(5):
        storage = rate_limit_storage.BoundedMemoryStorage()
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(hit_often, [storage] * 8)) == 500


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


# --- Redis comes and goes -------------------------------------------------------------------------


@both_faces
def test_falls_back_to_memory_and_recovers(
    redis_server: RedisServer, hit: Hits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit_storage, "RETRY_SECONDS", 0.1)
    attempt = ("2/minute", "action", "someone")
    with connected(redis_server.url) as limiter, capture_logs() as logs:
        assert hit(limiter, attempt) == [0.0]
        redis_server.kill()
        # A new count begins, in memory.
        first, second, wait = hit(limiter, attempt, attempt, attempt)
        assert (first, second) == (0.0, 0.0)
        assert wait > 0
        assert limiter.degraded()
        redis_server.start()
        wait_until(lambda: hit(limiter, ("9999/minute", "x", "x")) and not limiter.degraded())
        # Redis has restarted empty.
        assert hit(limiter, attempt, attempt) == [0.0, 0.0]
        assert hit(limiter, attempt) > [0.0]
    assert [entry["event"] for entry in logs] == [FELL_BACK, RECOVERED]


@both_faces
def test_a_quick_restart_of_redis_goes_unnoticed(redis_server: RedisServer, hit: Hits) -> None:
    """The connections of the pool are dead then, and are opened again."""
    attempt = ("9/minute", "action", "someone")
    with connected(redis_server.url) as limiter, capture_logs() as logs:
        limiter.hit_sync(*attempt)
        hit(limiter, attempt)
        redis_server.kill()
        redis_server.start()
        assert hit(limiter, attempt) == [0.0]
        assert not limiter.degraded()
    assert not logs


def test_the_loop_keeps_its_connections_over_a_restart(redis_server: RedisServer) -> None:
    async def hit_restart_hit(limiter: Limiter) -> list[float]:
        waits = [await limiter.hit("9/minute", "action", "someone") for _ in range(2)]
        redis_server.kill()
        redis_server.start()
        waits.append(await limiter.hit("9/minute", "action", "someone"))
        await limiter.aclose()
        return waits

    limiter = Limiter(redis_server.url)
    assert asyncio.run(hit_restart_hit(limiter)) == [0.0] * 3
    assert not limiter.degraded()


def test_a_hanging_redis_holds_up_one_call_only(redis_server: RedisServer) -> None:
    """Were each call to wait for Redis, this would take minutes."""
    with connected(redis_server.url) as limiter, capture_logs() as logs:
        limiter.hit_sync("1/minute", "action", "someone")
        redis_server.freeze()
        waits = [limiter.hit_sync("9999/minute", "action", "someone") for _ in range(500)]
        waits += in_loop(limiter, *[("9999/minute", "action", "someone")] * 500)
        assert waits == [0.0] * 1000
        assert limiter.degraded()
    assert [entry["event"] for entry in logs] == [FELL_BACK]


def test_a_hanging_redis_does_not_stop_the_event_loop(redis_server: RedisServer) -> None:
    async def ticks_during_a_hit(limiter: Limiter) -> int:
        ticks = 0
        hit = asyncio.create_task(limiter.hit("1/minute", "action", "someone"))
        while not hit.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert await hit == 0.0
        await limiter.aclose()
        return ticks

    limiter = Limiter(redis_server.url)
    redis_server.freeze()
    assert asyncio.run(ticks_during_a_hit(limiter)) > 5
    assert limiter.degraded()


async def burst(limiter: Limiter) -> list[float]:
    """Hit many times at once."""
    hits = [limiter.hit("9999/minute", "action", "someone") for _ in range(320)]
    return await asyncio.gather(*hits)


def test_a_burst_waits_for_a_hanging_redis_once(redis_server: RedisServer) -> None:
    """If each round of calls waited, with so few connections, this would take 20 s."""

    async def burst_and_close(limiter: Limiter) -> list[float]:
        async with asyncio.timeout(10):
            waits = await burst(limiter)
        await limiter.aclose()
        return waits

    limiter = Limiter(redis_server.url)
    redis_server.freeze()
    assert asyncio.run(burst_and_close(limiter)) == [0.0] * 320
    assert limiter.degraded()


def test_a_burst_opens_few_connections(redis_server: RedisServer) -> None:
    async def connections_after_burst(limiter: Limiter) -> int:
        assert await burst(limiter) == [0.0] * 320
        connections = redis_server.connections()
        await limiter.aclose()
        return connections

    limiter = Limiter(redis_server.url)
    limiter.hit_sync("9999/minute", "action", "someone")
    assert asyncio.run(connections_after_burst(limiter)) <= 1 + rate_limit_storage.REDIS_CONNECTIONS
    assert not limiter.degraded()
    wait_until(lambda: redis_server.connections() == 0)


def test_one_call_probes_while_the_others_stay_on_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    availability = rate_limit_storage.Availability()
    monkeypatch.setattr(rate_limit_storage, "RETRY_SECONDS", 0.1)
    availability.failed(ConnectionError())
    assert not availability.ask()
    monkeypatch.setattr(rate_limit_storage, "RETRY_SECONDS", 60)
    wait_until(availability.ask)
    assert [availability.ask() for _ in range(5)] == [False] * 5
    availability.answered()
    assert availability.ask()
    assert not availability.degraded


def test_a_late_answer_is_no_recovery() -> None:
    availability = rate_limit_storage.Availability()
    assert availability.ask()
    assert availability.ask()
    availability.failed(ConnectionError())
    availability.answered()
    assert availability.degraded


def test_an_outage_is_logged_once() -> None:
    availability = rate_limit_storage.Availability()
    with capture_logs() as logs:
        for _ in range(3):
            availability.failed(ConnectionError())
    assert [entry["event"] for entry in logs] == [FELL_BACK]


def test_ping_recovers_an_idle_process(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit_storage, "RETRY_SECONDS", 0.1)
    with connected(redis_server.url) as limiter:
        assert limiter.ping()
        redis_server.kill()
        assert not limiter.ping()
        assert limiter.degraded()
        redis_server.start()
        wait_until(limiter.ping)
        assert not limiter.degraded()


def test_another_event_loop_gets_connections_of_its_own(redis_server: RedisServer) -> None:
    windows = rate_limit_storage.RedisWindows(redis_server.url)
    hit = functools.partial(windows.hit, parse("1/minute"), "action", "someone")
    with asyncio.Runner() as one, asyncio.Runner() as other:
        assert one.run(hit()) == 0.0
        side = windows._loop_side
        assert other.run(hit()) not in {None, 0.0}
        other.run(windows.aclose())
        assert side is not None
        one.run(side.pool.aclose())


@both_faces
@pytest.mark.parametrize("trouble", ["killed", "frozen", "wrong password"])
def test_the_password_is_never_logged(redis_server: RedisServer, hit: Hits, trouble: str) -> None:
    url = redis_server.url
    match trouble:
        case "killed":
            redis_server.kill()
        case "frozen":
            redis_server.freeze()
        case "wrong password":
            url = url.replace(PASSWORD, f"not-{PASSWORD}")
    with connected(url) as limiter, capture_logs() as logs:
        assert hit(limiter, ("1/minute", "action", "someone")) == [0.0]
        assert limiter.degraded()
    assert [entry["event"] for entry in logs] == [FELL_BACK]
    assert PASSWORD not in str(logs)


def test_a_wrong_option_in_the_url_is_one_clear_line() -> None:
    with pytest.raises(SettingsError, match=r"^REDIS_URL .*redis://localhost:6379/0$") as raised:
        Limiter(f"redis://:{PASSWORD}@localhost:6379/0?db={PASSWORD}")
    assert PASSWORD not in str(raised.value)
    assert raised.value.__suppress_context__


# --- The decorator --------------------------------------------------------------------------------


def test_decorated_function_keeps_its_face() -> None:
    @rate_limited("2/minute")
    def add(left: int, right: int = 1) -> int:
        """Add two numbers."""
        return left + right

    total: int | None = add(1, right=2)
    assert total == 3
    assert (add.__name__, add.__doc__) == ("add", "Add two numbers.")
    assert list(inspect.signature(add).parameters) == ["left", "right"]


def test_limit_in_wrong_notation_fails_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="5 times"):
        rate_limited("5 times")


def page_with_expensive_actions() -> None:
    """Be a page: its script is run by AppTest."""
    import streamlit as st
    from chassis.limits import rate_limited

    @rate_limited("1/minute")
    def export() -> str:
        return "exported"

    @rate_limited("1/minute", per="ip", name="sending")
    def send() -> None:
        st.session_state["sent"] = st.session_state.get("sent", 0) + 1

    @st.fragment
    def part() -> None:
        if st.button("export", key="export"):
            st.write(export() or "nothing")

    st.button("send", key="send", on_click=send)
    part()


def limited(scope: str) -> float:
    """Return the metric that counts refusals."""
    return REGISTRY.get_sample_value("app_rate_limited_total", {"scope": scope}) or 0.0


def test_user_reads_how_long_to_wait() -> None:
    page = AppTest.from_function(page_with_expensive_actions, default_timeout=30).run()
    page.button(key="export").click().run()
    assert [element.value for element in page.markdown] == ["exported"]
    assert not page.warning
    page.button(key="export").click().run()
    assert [element.value for element in page.markdown] == ["nothing"]
    assert page.warning[0].value in {f"Please wait {n} s, then try again." for n in (59, 60)}
    assert not page.exception


def test_callback_is_limited_and_counted() -> None:
    page = AppTest.from_function(page_with_expensive_actions, default_timeout=30).run()
    before = limited("sending")
    for _ in range(3):
        page.button(key="send").click().run()
    assert page.session_state["sent"] == 1
    assert len(page.warning) == 1
    assert limited("sending") == before + 2
    assert not page.exception


def test_scope_is_the_file_and_the_function() -> None:
    @rate_limited("1/minute")
    def export() -> None: ...

    export()
    before = limited("test_rate_limit.export")
    export()
    assert limited("test_rate_limit.export") == before + 1


def test_each_session_has_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    @rate_limited("1/minute")
    def action(session: str) -> None:
        ran.append(session)

    for session in ("one", "one", "two"):
        monkeypatch.setattr(streamlit_private, "session_id", lambda session=session: session)
        action(session)
    assert ran == ["one", "two"]


def test_each_address_has_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    @rate_limited("1/minute", per="ip")
    def action(address: str) -> None:
        ran.append(address)

    for address in ("203.0.113.9", "203.0.113.9", "2001:db8::7"):
        monkeypatch.setattr(type(st.context), "ip_address", address)
        action(address)
    assert ran == ["203.0.113.9", "2001:db8::7"]


def test_redis_holds_no_session_id(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamlit_private, "session_id", lambda: "5ecf1a9e-session")
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    rate_limited("1/minute", name="clock")(time.monotonic)()
    assert len(redis_server.keys()) == 1
    assert "5ecf1a9e" not in redis_server.keys()[0]
