"""The metric helpers: names, labels and values, under reruns, hot reload and threads."""

import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from chassis import metrics
from chassis.settings import get_settings
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from streamlit.testing.v1 import AppTest
from structlog.testing import capture_logs


def value(name: str, /, **labels: str) -> float | None:
    """Return the value of a sample; None if there is none."""
    return REGISTRY.get_sample_value(name, labels)


def families() -> dict[str, Metric]:
    """Return everything as a strict scraper reads it."""
    text = generate_latest(REGISTRY).decode()
    found = text_string_to_metric_families(text)
    return {family.name: family for family in found}


def samples(name: str) -> list[Sample]:
    """Return the samples of a family."""
    return families()[name].samples if name in families() else []


def test_count_adds_to_a_counter() -> None:
    metrics.count("t_orders", region="north")
    metrics.count("t_orders", 2.5, region="north")
    metrics.count("t_orders", region="south")
    assert value("app_t_orders_total", region="north") == 3.5
    assert value("app_t_orders_total", region="south") == 1
    with pytest.raises(ValueError, match="non-negative"):
        metrics.count("t_orders", -1, region="north")


def test_a_gauge_can_go_up_and_down() -> None:
    metrics.set_gauge("t_queue", 12)
    metrics.set_gauge("t_queue", 3)
    assert value("app_t_queue") == 3


def test_timed_measures_a_block_and_a_function() -> None:
    with metrics.timed("t_import", source="csv"):
        pass

    @metrics.timed("t_import", source="csv")
    def load(rows: int) -> int:
        """Load rows."""
        return 10 // rows

    assert load(5) == 2
    assert (load.__name__, load.__doc__) == ("load", "Load rows.")
    with pytest.raises(ZeroDivisionError):
        load(0)
    assert value("app_t_import_seconds_count", source="csv") == 3
    metrics.observe("t_import", 45.0, source="db")
    assert value("app_t_import_seconds_sum", source="db") == 45.0
    assert value("app_t_import_seconds_bucket", source="db", le="30.0") == 0
    assert value("app_t_import_seconds_bucket", source="db", le="60.0") == 1


def test_labels_may_have_any_name() -> None:
    metrics.count("t_any", name="a", value="b", kind="c", labels="d")
    assert value("app_t_any_total", name="a", value="b", kind="c", labels="d") == 1


def test_the_families_of_the_server_have_their_names() -> None:
    metrics.script_run("orders", "success", 0.2)
    metrics.script_error("ValueError")
    metrics.rate_limited("http")
    metrics.ready("disk", ok=True)
    metrics.sessions_open(4)
    metrics.build_info()
    assert value("app_script_runs_total", page="orders", result="success") == 1
    assert value("app_script_run_seconds_sum", page="orders") == 0.2
    assert value("app_script_errors_total", type="ValueError") == 1
    assert (value("app_rate_limited_total", scope="http") or 0) >= 1
    assert value("app_ready", check="disk") == 1
    assert value("app_sessions_open") == 4
    (build,) = samples("app_build_info")
    assert build.value == 1
    assert build.labels.keys() == {"version", "python", "streamlit"}
    metrics.ready("disk", ok=False)
    assert value("app_ready", check="disk") == 0


def test_every_family_is_documented_and_in_base_units() -> None:
    metrics.count("t_documented")
    metrics.observe("t_documented", 1)
    metrics.script_error("ValueError")
    ours = {name: family for name, family in families().items() if name.startswith("app_")}
    assert {family.type for family in ours.values()} <= {"counter", "gauge", "histogram"}
    assert all(family.documentation for family in ours.values())
    assert ours["app_script_errors"].documentation == metrics.HELP["app_script_errors_total"]
    assert ours["app_t_documented_seconds"].type == "histogram"
    assert not [name for name in ours if name.endswith("_created")]


def test_reruns_go_on_counting() -> None:
    def page() -> None:
        from chassis.metrics import count, set_gauge, timed

        count("t_reruns")
        set_gauge("t_rerun", 1)
        with timed("t_rerun"):
            pass

    app = AppTest.from_function(page, default_timeout=30)
    for _ in range(100):
        app.run()
        assert not app.exception
    assert value("app_t_reruns_total") == value("app_t_rerun_seconds_count") == 100


def test_a_hot_reload_goes_on_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics.count("t_reloads", page="a")
    monkeypatch.delitem(sys.modules, metrics.__name__)
    again = importlib.import_module(metrics.__name__)
    assert again is not metrics
    again.count("t_reloads", page="a")
    metrics.count("t_reloads", page="a")
    assert value("app_t_reloads_total", page="a") == 3
    with pytest.raises(ValueError, match="first used with the labels"):
        again.count("t_reloads", region="a")


def test_threads_lose_no_count() -> None:
    start = threading.Barrier(20)

    def work(number: int) -> None:
        start.wait()
        for step in range(200):
            metrics.count("t_threads", worker=number % 3, step=step % 10)
            metrics.observe("t_threads", 0.1)
            metrics.set_gauge("t_threads_last", step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sample.value for sample in samples("app_t_threads")) == 4000
    assert value("app_t_threads_seconds_count") == 4000


def test_threads_may_use_a_new_metric_at_the_same_time() -> None:
    start = threading.Barrier(20)
    interval = sys.getswitchinterval()

    def work() -> None:
        start.wait()
        for number in range(50):
            metrics.count(f"t_race_{number}", page=number)

    threads = [threading.Thread(target=work) for _ in range(20)]
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert {value(f"app_t_race_{n}_total", page=str(n)) for n in range(50)} == {20}


def test_too_many_label_sets_become_other() -> None:
    with capture_logs() as lines:
        for number in range(3 * metrics.MAX_LABEL_SETS):
            metrics.count("t_labels", user=number, kind="x")
    found = {sample.labels["user"]: sample.value for sample in samples("app_t_labels")}
    assert len(found) == metrics.MAX_LABEL_SETS + 1
    assert found["7"] == 1
    assert found["other"] == 2 * metrics.MAX_LABEL_SETS
    assert [(line["log_level"], line["metric"]) for line in lines] == [
        ("warning", "app_t_labels_total")
    ]


def test_label_values_cannot_break_the_scrape() -> None:
    metrics.count("t_hostile", a='q"\\\n', b="\ud83d", c="x" * 5000, d="북부")
    (sample,) = samples("app_t_hostile")
    assert sample.labels["a"] == 'q"\\\n'
    assert sample.labels["b"] == "?"
    assert len(sample.labels["c"]) == metrics.MAX_LABEL_LENGTH
    assert sample.labels["d"] == "북부"


def test_another_set_of_labels_is_one_clear_error() -> None:
    metrics.count("t_fixed", region="north")
    expected = (
        r"^app_t_fixed_total was first used with the labels \(region\), now with \(page, x\)$"
    )
    with pytest.raises(ValueError, match=expected):
        metrics.count("t_fixed", page="a", x=1)
    with pytest.raises(ValueError, match=r"now with \(\)$"):
        metrics.count("t_fixed")
    metrics.count("t_fixed", region="north")
    assert value("app_t_fixed_total", region="north") == 2


def test_a_name_belongs_to_one_metric() -> None:
    metrics.count("t_taken")
    with pytest.raises(ValueError, match=r"^app_t_taken_total is a Counter, not a Gauge$"):
        metrics.set_gauge("t_taken_total", 1)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        metrics.set_gauge("t_taken", 1)


@pytest.mark.parametrize("name", ["", "Orders", "orders!", "2x y", "a__b", "주문", "a" + "\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a metric or a label"):
        metrics.count(name)
    labels: dict[str, Any] = {name: "x"}
    with pytest.raises(ValueError, match="cannot name a metric or a label"):
        metrics.count("t_bad_label", **labels)


@pytest.mark.parametrize("name", ["le", "quantile"])
def test_reserved_labels_are_refused(name: str) -> None:
    labels: dict[str, Any] = {name: "x"}
    with pytest.raises(ValueError, match="cannot name a metric or a label"):
        metrics.observe("t_bad_label", 1, **labels)


def test_switched_off_nothing_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_ENABLED", "false")
    get_settings.cache_clear()
    metrics.count("t_off")
    metrics.set_gauge("t_off", 1)
    with metrics.timed("t_off", page="a"):
        pass
    metrics.script_run("a", "success", 1)
    assert samples("app_t_off") == samples("app_t_off_seconds") == []


def test_switched_off_the_client_library_is_not_even_loaded(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from chassis import metrics\n"
        "metrics.count('off', page='a')\n"
        "metrics.sessions_open(1)\n"
        "sys.exit('prometheus_client' in sys.modules)\n"
    )
    for switch, loaded in (("false", 0), ("true", 1)):
        environment = {**os.environ, "METRICS_ENABLED": switch}
        process = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment)
        assert process.returncode == loaded
