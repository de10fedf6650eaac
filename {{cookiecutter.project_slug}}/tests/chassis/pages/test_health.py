"""The health page."""

from collections.abc import Iterator
from typing import NoReturn

import psutil
import pytest
from chassis import health
from chassis.testing.pages import at
from scratch_tool import __version__
from streamlit.testing.v1 import AppTest


@pytest.fixture(autouse=True)
def fresh_monitor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health, "_latest", None)
    yield
    health.set_draining(False)


def open_page(app: AppTest) -> AppTest:
    return at(app, "health")


def test_checks_are_listed(app: AppTest) -> None:
    table = open_page(app).table[0].value
    names = ["Streamlit runtime", "Accepts sessions", "Database", "Database tables"]
    names += ["Disk space", "Memory", "Processor", "desk"]
    assert list(table.index) == names
    assert "% free" in table["Detail"]["Disk space"]
    assert table["Duration"].str.fullmatch(r"\d+\.\d ms").all()
    assert table["Status"]["Accepts sessions"] == ":green-badge[:material/check_circle: OK]"


def test_a_check_of_the_project_has_a_name_in_each_language(app: AppTest) -> None:
    app.query_params["lang"] = "ko"
    assert open_page(app).table[0].value.index[-1] == "안내 데스크"


def test_a_failed_check_is_seen(app: AppTest) -> None:
    health.set_draining(True)
    open_page(app)
    status = ":red-badge[:material/error: Failed]"
    assert app.table[0].value["Status"]["Accepts sessions"] == status
    assert app.main.markdown[0].value == f"{status} Not accepting new sessions."


def test_a_warning_is_seen(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTH_MEMORY_MAX_PERCENT", "1")
    open_page(app)
    status = ":orange-badge[:material/warning: Warning]"
    assert app.table[0].value["Status"]["Memory"] == status
    assert app.main.markdown[0].value.endswith("something needs attention.")


def test_figures(app: AppTest) -> None:
    figures = {metric.label: metric.value for metric in open_page(app).metric}
    assert set(figures) == {
        "Processor",
        "Memory",
        "Free disk space",
        "Memory of the app",
        "Open sessions",
        "Uptime",
        "Version",
        "Streamlit",
    }
    assert figures["Version"] == __version__
    assert figures["Memory of the app"].endswith(" MB")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, "0 min"), (3599, "59 min"), (3660, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_uptime_has_two_units(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, seconds: int, text: str
) -> None:
    created = psutil.Process().create_time()
    monkeypatch.setattr("time.time", lambda: created + seconds)
    assert open_page(app).metric[5].value == text


def test_history_becomes_a_chart(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0)
    app.context["timezone"] = "Asia/Seoul"
    open_page(app)
    assert "second measurement" in app.info[0].value
    assert not app.get("vega_lite_chart")
    app.run()
    assert not app.info
    assert len(app.get("vega_lite_chart")) == 1


def test_details_are_translated(app: AppTest) -> None:
    app.query_params["lang"] = "ko"
    details = open_page(app).table[0].value["상세 내용"]
    ours = details.drop(
        "안내 데스크"
    )  # the words of the project's own check are those of the project
    assert not ours.str.contains("[a-z]").any(), list(details)


def test_page_works_when_the_machine_tells_nothing(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> NoReturn:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "virtual_memory", refuse)
    open_page(app)
    assert not app.exception
    assert "cannot be read" in app.error[0].value
