"""Times in the zone that a browser names, whatever it says."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import streamlit as st
from chassis.ui.local_time import local_time, time_zone, today

NEW_YEAR = datetime(2026, 12, 31, 23, 30, 15, tzinfo=UTC)


def use_zone(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    """Let the browser say a zone."""
    monkeypatch.setattr(type(st.context), "timezone", name)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Asia/Seoul", "2027-01-01 08:30"),
        ("America/New_York", "2026-12-31 18:30"),
        (None, "2026-12-31 23:30"),
    ],
)
def test_a_time_is_that_of_the_browser(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, expected: str
) -> None:
    use_zone(monkeypatch, zone)
    assert local_time(NEW_YEAR) == expected
    assert local_time(NEW_YEAR, seconds=True) == expected + ":15"


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "\0", "x" * 9999]
)
def test_a_zone_that_does_not_exist_is_utc(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    use_zone(monkeypatch, zone)
    assert time_zone().key == "UTC"


def test_no_time_is_an_empty_text() -> None:
    assert local_time(None) == ""


def test_today_is_the_day_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    # Their clocks are 25 hours apart: one of them never shows the day of the server.
    use_zone(monkeypatch, "Pacific/Kiritimati")
    first = today()
    use_zone(monkeypatch, "Pacific/Pago_Pago")
    assert timedelta(days=1) <= first - today() <= timedelta(days=2)
    assert today() == datetime.now(ZoneInfo("Pacific/Pago_Pago")).date()
