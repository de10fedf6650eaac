"""Serves /metrics on a port of its own: our families, the process, and Streamlit's families."""

import math
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from socket import SOCK_STREAM, getaddrinfo
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

import streamlit as st
from prometheus_client import REGISTRY, make_wsgi_app
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from .. import metrics
from ..backup.folder import Folder
from ..logs import get_logger
from ..settings import Settings, SettingsError
from ..streamlit_private import stats, stats_manager

log = get_logger(__name__)

CLIENT_SECONDS: Final = 10
# Unless server.enableExpensiveMemoryStats is set, Streamlit reports the number of entries of these
# as if that were their memory in bytes.
COUNTED_CACHES: Final = {"st_session_state", "st_cache_resource"}


def start(settings: Settings) -> Callable[[], None]:
    """Listen on METRICS_HOST:METRICS_PORT; return the function that stops it again."""
    try:
        server = _Server((settings.metrics_host, settings.metrics_port), _Handler)
    except OSError as error:
        raise SettingsError(
            f"METRICS_HOST, METRICS_PORT: cannot listen on {settings.metrics_host}:"
            f"{settings.metrics_port} ({error.strerror}); for example METRICS_PORT=9103"
        ) from None
    server.set_app(_application)
    metrics.build_info()
    collectors = [StreamlitCollector(), BackupCollector(settings.backup_dir)]
    for collector in collectors:
        REGISTRY.register(collector)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()
        for collector in collectors:
            REGISTRY.unregister(collector)

    return stop


class _Server(ThreadingMixIn, WSGIServer):
    """One thread for each request, none of which keeps the process from ending."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        self.address_family = getaddrinfo(*address, type=SOCK_STREAM)[0][0]
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without asking DNS for the name of the address, as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, *_arguments: Any) -> None:
        """Log a broken connection instead of printing it."""
        log.debug("metrics request failed", reason=str(sys.exception()))


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    def log_message(self, *_arguments: Any) -> None:
        """Keep requests out of the log: there is one every few seconds."""


_exposition = make_wsgi_app(REGISTRY)


def _application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer /metrics; prometheus_client alone would do so on any path."""
    if environ["PATH_INFO"] == "/metrics":
        body: Iterable[bytes] = _exposition(environ, start_response)
        return body
    start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"Not found. The metrics are at /metrics.\n"]


class BackupCollector(Collector):
    """When backups were last made and verified, as the `backup` commands noted it."""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)

    def collect(self) -> Iterator[Metric]:
        """Return the two families."""
        state = self._folder.state()
        for name, seconds in (
            ("app_backup_last_success_timestamp_seconds", state.last_success),
            ("app_backup_last_verified_timestamp_seconds", state.last_verified),
        ):
            metric = Metric(name, metrics.HELP[name], "gauge")
            metric.add_sample(name, {}, seconds)
            yield metric


class StreamlitCollector(Collector):
    """Streamlit's own statistics as families with the prefix streamlit_."""

    def collect(self) -> Iterator[Metric]:
        """Return the families that exist now; none before the runtime does."""
        manager = stats_manager()
        if manager is None:
            return
        # Streamlit may count by user; no metric of ours has personal data.
        known = manager.registered_families()
        names = [name for name in known if name != stats.USER_SESSION_EVENTS_FAMILY]
        try:
            families = manager.get_stats(names)
        except Exception:  # our own families must not be lost with Streamlit's
            log.warning("the statistics of Streamlit are not available", exc_info=True)
            return
        for name, found in families.items():
            if name == stats.CACHE_MEMORY_FAMILY:
                yield from _cache_memory(
                    [stat for stat in found if isinstance(stat, stats.CacheStat)]
                )
            elif name in names and found:
                yield _family(name, found)


def _family(name: str, found: Sequence[stats.Stat]) -> Metric:
    metric = Metric(f"streamlit_{name}", found[0].help or "Reported by Streamlit.", found[0].type)
    for stat in found:
        if isinstance(stat, stats.HistogramStat):
            labels = stat.labels or {}
            for bound, number in stat.buckets:
                bucket = {**labels, "le": "+Inf" if bound == math.inf else str(bound)}
                metric.add_sample(f"{metric.name}_bucket", bucket, number)
            metric.add_sample(f"{metric.name}_count", labels, stat.observation_count)
            metric.add_sample(f"{metric.name}_sum", labels, stat.observation_sum)
        elif isinstance(stat, stats.CounterStat):
            metric.add_sample(f"{metric.name}_total", stat.labels or {}, stat.value)
        elif isinstance(stat, stats.GaugeStat):
            metric.add_sample(metric.name, stat.labels or {}, stat.value)
    return metric


def _cache_memory(found: list[stats.CacheStat]) -> Iterator[Metric]:
    size = Metric("streamlit_cache_memory_bytes", "Memory of a cache.", "gauge")
    entries = Metric("streamlit_cache_entries", "Entries of a cache of unknown size.", "gauge")
    measured = st.get_option("server.enableExpensiveMemoryStats")
    for stat in stats.group_cache_stats(found):
        metric = size if measured or stat.category_name not in COUNTED_CACHES else entries
        labels = {"cache_type": stat.category_name, "cache": stat.cache_name}
        metric.add_sample(metric.name, labels, stat.byte_length)
    yield from (metric for metric in (size, entries) if metric.samples)
