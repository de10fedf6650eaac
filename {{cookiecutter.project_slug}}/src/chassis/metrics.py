"""Metrics for Prometheus: three helpers for pages, and the families of the server.

    count("orders", region="north")           app_orders_total{region="north"}
    set_gauge("queue_length", 12)             app_queue_length
    with timed("import", source="csv"): ...   app_import_seconds{source="csv"}, a histogram

`timed` is a decorator too. A metric is made at its first use and keeps the label names of that
use. Labels are for a few known values (a page, a region), never for users, sessions or URLs.
With METRICS_ENABLED=false the helpers return at once.
"""

import platform
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit

from . import kept, project
from .logs import get_logger
from .settings import get_settings

log = get_logger(__name__)

MAX_LABEL_SETS: Final = 100
MAX_LABEL_LENGTH: Final = 100
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

HELP: Final = {
    "app_backup_last_success_timestamp_seconds": "When a backup was last made; 0 for never.",
    "app_backup_last_verified_timestamp_seconds": "When a backup was last restored; 0 for never.",
    "app_build_info": "Versions of the app and of what it runs on; the value is always 1.",
    "app_logins_total": "Attempts to sign in: success, failure, throttled or refused.",
    "app_rate_limited_total": "Requests, messages, files and actions that were refused or delayed.",
    "app_message_seconds_total": "Time of the event loop that messages of browsers took.",
    "app_ready": "Result of each health check: 1 passed, 0 did not.",
    "app_script_errors_total": "Uncaught errors of pages, by the class of the error.",
    "app_script_run_seconds": "Time from the start of a script run to its end.",
    "app_script_runs_total": "Finished script runs.",
    "app_sessions_open": "Browser tabs that are connected now.",
}


# --- For pages ------------------------------------------------------------------------------------


def count(name: str, /, amount: float = 1, **labels: object) -> None:
    """Add `amount` to the counter app_<name>_total."""
    if get_settings().metrics_enabled:
        _metric("Counter", f"app_{name}_total", labels).inc(amount)


def set_gauge(name: str, /, value: float, **labels: object) -> None:
    """Set the gauge app_<name>."""
    if get_settings().metrics_enabled:
        _metric("Gauge", f"app_{name}", labels).set(value)


@contextmanager
def timed(name: str, /, **labels: object) -> Iterator[None]:
    """Measure how long a block or a function takes, in the histogram app_<name>_seconds."""
    started = time.perf_counter()
    try:
        yield
    finally:
        observe(name, time.perf_counter() - started, **labels)


def observe(name: str, /, seconds: float, **labels: object) -> None:
    """Add a duration that was measured elsewhere to the histogram app_<name>_seconds."""
    if get_settings().metrics_enabled:
        _metric("Histogram", f"app_{name}_seconds", labels).observe(seconds)


# --- For the server -------------------------------------------------------------------------------


def script_run(page: str, result: str, seconds: float) -> None:
    """Count and time a finished script run; result is success, error or rerun."""
    count("script_runs", page=page, result=result)
    observe("script_run", seconds, page=page)


def script_error(error_type: str) -> None:
    """Count an uncaught error of a page."""
    count("script_errors", type=error_type)


def rate_limited(scope: str) -> None:
    """Count something that the rate limiter refused or delayed."""
    count("rate_limited", scope=scope)


def message_seconds(who: str, seconds: float) -> None:
    """Add what a message took of the event loop; who is guest or user."""
    count("message_seconds", seconds, who=who)


def ready(check: str, ok: bool) -> None:
    """Note the result of a health check."""
    set_gauge("ready", int(ok), check=check)


def sessions_open(number: int) -> None:
    """Note how many browser tabs are connected."""
    set_gauge("sessions_open", number)


def build_info() -> None:
    """Note which versions run."""
    set_gauge(
        "build_info",
        1,
        version=project.current().version,
        python=platform.python_version(),
        streamlit=streamlit.__version__,
    )


# --- Families -------------------------------------------------------------------------------------


@dataclass
class _Family:
    """A metric of prometheus_client with those of its label sets that are in use."""

    metric: Any
    label_names: tuple[str, ...]
    children: dict[tuple[str, ...], Any] = field(default_factory=dict)


@dataclass
class _State:
    """All families: like the registry of prometheus_client, it outlives a hot reload."""

    families: dict[str, _Family] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def _metric(kind: str, name: str, labels: dict[str, object]) -> Any:
    """Return the metric with these labels; it is made if it is new."""
    state = kept.in_process("metrics", _State)
    family = state.families.get(name)
    if family is None:
        with state.lock:
            family = state.families.get(name) or _new_family(kind, name, tuple(labels))
            state.families[name] = family
    if type(family.metric).__name__ != kind:
        raise ValueError(f"{name} is a {type(family.metric).__name__}, not a {kind}")
    if labels.keys() != set(family.label_names):
        raise ValueError(
            f"{name} was first used with the labels ({', '.join(family.label_names)}), "
            f"now with ({', '.join(labels)})"
        )
    values = tuple(_label_value(labels[label]) for label in family.label_names)
    child = family.children.get(values)
    if child is None:
        with state.lock:
            child = family.children.get(values) or _new_child(family, name, values)
    return child


def _new_family(kind: str, name: str, label_names: tuple[str, ...]) -> _Family:
    import prometheus_client

    prometheus_client.disable_created_metrics()
    for text in (name, *label_names):
        if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", text) or text in ("le", "quantile"):
            raise ValueError(
                f"{text!r} cannot name a metric or a label; use lower-case words such as "
                "'orders' or 'import_rows', without a unit at the end"
            )
    arguments = {"buckets": SECONDS} if kind == "Histogram" else {}
    make = getattr(prometheus_client, kind)
    metric = make(name, HELP.get(name, f"Set by the app: {name}."), label_names, **arguments)
    return _Family(metric, label_names)


def _new_child(family: _Family, name: str, values: tuple[str, ...]) -> Any:
    """Add a label set, or fold it into "other" when there are too many."""
    other = tuple("other" for _ in values)
    if values != other and len(family.children) >= MAX_LABEL_SETS:
        if other not in family.children:
            log.warning("too many label sets, the rest is counted as other", metric=name)
        values = other
    child = family.metric.labels(*values) if values else family.metric
    return family.children.setdefault(values, child)


def _label_value(value: object) -> str:
    # A lone surrogate would make the whole scrape fail.
    return str(value)[:MAX_LABEL_LENGTH].encode("utf-8", "replace").decode("utf-8")
