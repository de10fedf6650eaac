"""What only a browser can do on the example page; delete this file together with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chassis.testing.browser import Tab

pytestmark = pytest.mark.browser


def test_orders_are_downloaded(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab()
    tab.open("/?lang=en")
    tab.shot("home")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "orders.csv"
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == '"date","order","customer","region","category","units","amount"'
    assert len(lines) > 100
    tab.check()


def test_forecast_is_drawn_below_its_button(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab()
    tab.open("/?lang=en")
    tab.page.get_by_role("button", name="Calculate forecast").click()
    tab.page.get_by_text("Median", exact=True).wait_for()
    assert not tab.page.get_by_role("progressbar").count()
    tab.check()
