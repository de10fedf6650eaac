"""The metrics port: what it answers, and what a strict scraper reads there."""

import gzip
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from chassis import metrics
from chassis.server import metrics_server
from chassis.server.metrics_server import StreamlitCollector
from chassis.settings import Settings, SettingsError
from chassis.testing.ports import free_port
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse
from streamlit.runtime import Runtime
from streamlit.runtime.stats import (
    CacheStat,
    CounterStat,
    GaugeStat,
    HistogramStat,
    Stat,
    StatsManager,
)
from structlog.testing import capture_logs

from .scratch_app import ScratchApp, scratch_app

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

APP = """
import contextlib

import streamlit as st

from chassis import logs
from chassis.server import metrics_server
from chassis.settings import get_settings

logs.configure(get_settings())


@contextlib.asynccontextmanager
async def lifespan(app):
    stop = metrics_server.start(get_settings())
    yield
    stop()


app = st.App("script.py", lifespan=lifespan)
"""

SCRIPT = """
import streamlit as st

from chassis.metrics import count


@st.cache_data
def load(number):
    return "x" * number


@st.cache_resource
def connect():
    return object()


load(1000)
connect()
st.session_state["order"] = 1
count("pages_drawn", page="first")
"""


def parse_strictly(text: str) -> dict[str, Metric]:
    """Return the families in a text, if it is valid to the letter."""
    families = text_string_to_metric_families(text)
    return {family.name: family for family in families}


@contextmanager
def listening(**settings: Any) -> Iterator[str]:
    """Run the server in this process; yield its address."""
    port = free_port()
    stop = metrics_server.start(Settings(**{"metrics_port": port, **settings}))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop()


@pytest.fixture
def url() -> Iterator[str]:
    """Return the address of a server."""
    with listening() as address:
        yield address


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScratchApp, str]]:
    """Return a running Streamlit and the address of its metrics."""
    port = free_port()
    directory = tmp_path_factory.mktemp("app")
    with scratch_app(directory, APP, SCRIPT, METRICS_PORT=str(port)) as running:
        yield running, f"http://127.0.0.1:{port}/metrics"


def test_metrics_are_only_at_their_path(url: str) -> None:
    assert httpx.get(f"{url}/metrics").status_code == 200
    assert httpx.get(f"{url}/metrics?name[]=app_build_info").text.count("# TYPE") == 1
    for path in ("/", "/metrics/", "/metricsx", "/favicon.ico"):
        response = httpx.get(url + path)
        assert (response.status_code, "# TYPE" in response.text) == (404, False)


def test_only_reading_is_allowed(url: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        response = httpx.request(method, f"{url}/metrics", content=b"x")
        assert (response.status_code, "# TYPE" in response.text) == (405, False)
    assert httpx.head(f"{url}/metrics").status_code == 405


def test_both_text_formats_are_valid(url: str) -> None:
    metrics.count("t_served", page="a")
    response = httpx.get(f"{url}/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    families = {family.name for family in parse(response.text)}
    assert {"app_build_info", "app_t_served", "process_cpu_seconds", "python_info"} <= families

    response = httpx.get(f"{url}/metrics", headers=OPENMETRICS)
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert {"app_build_info", "app_t_served"} <= parse_strictly(response.text).keys()


def test_the_answer_is_compressed_on_demand(url: str) -> None:
    with httpx.stream("GET", f"{url}/metrics", headers={"Accept-Encoding": "gzip"}) as response:
        assert b"# TYPE" in gzip.decompress(b"".join(response.iter_raw()))
    plain = httpx.get(f"{url}/metrics", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_a_slow_client_blocks_nobody(url: str) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert httpx.get(f"{url}/metrics").status_code == 200


def test_requests_and_broken_connections_print_nothing(
    url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server._Handler, "timeout", 0.05)
    with capture_logs() as lines:
        httpx.get(f"{url}/metrics")
        with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as slow:
            slow.sendall(b"GET /met")
            assert slow.recv(1) == b""  # hung up on
    assert capfd.readouterr() == ("", "")
    assert [line["event"] for line in lines] in ([], ["metrics request failed"])


def test_a_port_in_use_stops_the_start_with_one_line() -> None:
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        port = occupied.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            metrics_server.start(Settings(metrics_port=port))
    assert re.fullmatch(rf".*METRICS_PORT: .*127\.0\.0\.1:{port} .*in use.*", str(caught.value))


def test_it_can_be_stopped_and_started_again() -> None:
    port = free_port()
    collectors = len(REGISTRY._collector_to_names)
    for _ in range(2):
        with listening(metrics_port=port):
            assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert [thread for thread in threading.enumerate() if thread.name == "metrics"] == []
    assert len(REGISTRY._collector_to_names) == collectors


def test_it_listens_on_ipv6_where_the_machine_has_it() -> None:
    port = free_port()
    try:
        with socket.create_server(("::1", port), family=socket.AF_INET6):
            pass
    except OSError:
        with pytest.raises(SettingsError):
            metrics_server.start(Settings(metrics_host="::1", metrics_port=port))
    else:
        with listening(metrics_host="::1", metrics_port=port):
            assert httpx.get(f"http://[::1]:{port}/metrics").status_code == 200


def test_streamlits_families_are_served(app: tuple[ScratchApp, str]) -> None:
    running, url = app
    with running.tab() as tab:
        tab.run()
        tab.run()
        text = httpx.get(url, headers=OPENMETRICS).text
    families = parse_strictly(text)
    ours = {name: item for name, item in families.items() if name.startswith("streamlit_")}
    assert all(item.documentation and item.samples for item in ours.values())
    expected = {
        "streamlit_active_sessions": "gauge",
        "streamlit_session_events": "counter",
        "streamlit_session_duration_seconds": "counter",
        "streamlit_cache_lookups": "counter",
        "streamlit_cache_compute_duration_seconds": "histogram",
        "streamlit_cache_memory_bytes": "gauge",
        "streamlit_cache_entries": "gauge",
    }
    assert expected.items() <= {name: item.type for name, item in ours.items()}.items()
    assert "streamlit_user_session_events" not in ours
    (sessions,) = families["streamlit_active_sessions"].samples
    assert sessions.value == 1
    # The families that are in bytes, and those for which Streamlit counts entries.
    sizes = families["streamlit_cache_memory_bytes"].samples
    assert [item.value for item in sizes if item.labels["cache_type"] == "st_cache_data"] > [1000]
    entries = {item.labels["cache_type"] for item in families["streamlit_cache_entries"].samples}
    assert entries == {"st_session_state", "st_cache_resource"}
    (drawn,) = families["app_pages_drawn"].samples
    assert drawn.value == 2


class Provider:
    """A source of statistics that Streamlit's manager asks."""

    def __init__(self, stats: Mapping[str, Sequence[Stat]]) -> None:
        self._stats = stats
        self.stats_families = list(stats)

    def get_stats(self, _names: Sequence[str] | None = None) -> Mapping[str, Sequence[Stat]]:
        """Return everything, whatever was asked for."""
        if "broken" in self._stats:
            raise RuntimeError("dictionary changed size during iteration")
        return self._stats


@contextmanager
def runtime_with(
    monkeypatch: pytest.MonkeyPatch, stats: Mapping[str, Sequence[Stat]]
) -> Iterator[None]:
    """Let the runtime report these statistics."""

    class StandIn:
        stats_mgr = StatsManager()

    StandIn.stats_mgr.register_provider(Provider(stats))
    with monkeypatch.context() as patch:
        patch.setattr(Runtime, "_instance", StandIn)
        yield


def collected(monkeypatch: pytest.MonkeyPatch, stats: Mapping[str, Sequence[Stat]]) -> str:
    """Return what a scraper gets when Streamlit reports these statistics."""
    registry = CollectorRegistry()
    registry.register(StreamlitCollector())
    with runtime_with(monkeypatch, stats):
        text: str = generate_latest(registry).decode()
    parse_strictly(text)
    return text.removesuffix("# EOF\n")


def test_all_kinds_of_statistics_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    text = collected(
        monkeypatch,
        {
            "opened": [CounterStat("opened", 3, {"type": 'a"b\n'}, help="Opened.")],
            "size_bytes": [GaugeStat("size_bytes", 7, unit="bytes")],
            "wait_seconds": [
                HistogramStat("wait_seconds", ((0.5, 1), (float("inf"), 4)), 9.5, 4, {"a": "b"})
            ],
            "cache_memory_bytes": [
                CacheStat("st_cache_data", "load", 10),
                CacheStat("st_cache_data", "load", 5),
                CacheStat("st_session_state", "", 2),
            ],
            "empty": [],
        },
    )
    assert text.splitlines() == [
        "# HELP streamlit_opened Opened.",
        "# TYPE streamlit_opened counter",
        r'streamlit_opened_total{type="a\"b\n"} 3.0',
        "# HELP streamlit_size_bytes Reported by Streamlit.",
        "# TYPE streamlit_size_bytes gauge",
        "streamlit_size_bytes 7.0",
        "# HELP streamlit_wait_seconds Reported by Streamlit.",
        "# TYPE streamlit_wait_seconds histogram",
        'streamlit_wait_seconds_bucket{a="b",le="0.5"} 1.0',
        'streamlit_wait_seconds_bucket{a="b",le="+Inf"} 4.0',
        'streamlit_wait_seconds_count{a="b"} 4.0',
        'streamlit_wait_seconds_sum{a="b"} 9.5',
        "# HELP streamlit_cache_memory_bytes Memory of a cache.",
        "# TYPE streamlit_cache_memory_bytes gauge",
        'streamlit_cache_memory_bytes{cache="load",cache_type="st_cache_data"} 15.0',
        "# HELP streamlit_cache_entries Entries of a cache of unknown size.",
        "# TYPE streamlit_cache_entries gauge",
        'streamlit_cache_entries{cache="",cache_type="st_session_state"} 2.0',
    ]


def test_users_are_never_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [CounterStat("user_session_events", 1, {"email": "kim@example.com"})]
    others = [GaugeStat("others", 1)]
    text = collected(monkeypatch, {"user_session_events": events, "others": others})
    assert "kim" not in text
    assert "streamlit_others 1.0" in text


def test_our_families_survive_an_error_in_streamlits(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as lines:
        assert collected(monkeypatch, {"broken": []}) == ""
    assert [line["event"] for line in lines] == ["the statistics of Streamlit are not available"]


def test_without_a_runtime_there_are_only_our_families(url: str) -> None:
    assert not Runtime.exists()
    names = {family.name for family in parse(httpx.get(f"{url}/metrics").text)}
    assert "app_build_info" in names
    assert not [name for name in names if name.startswith("streamlit_")]
