"""The example page; delete this file together with it."""

from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import prometheus_client
import pytest
import streamlit as st
from chassis.testing.pages import at
from streamlit.testing.v1 import AppTest

from {{cookiecutter.package_name}} import demo_sales
from {{cookiecutter.package_name}}.app import project

EUROPE = { {{- cookiecutter.languages | replace('en', '"en": "Europe"') | replace('ko', '"ko": "유럽"') | replace(',', ', ') -}} }


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def period(app: AppTest) -> tuple[date, date]:
    return cast("tuple[date, date]", app.date_input(key="period").value)


def selection(app: AppTest, **filters: Any) -> Any:
    first, last = period(app)
    return demo_sales.select(demo_sales.orders(last), first, last, **filters)


def charts(app: AppTest) -> Any:
    return app.get("vega_lite_chart")


def test_dashboard_shows_the_last_quarter(app: AppTest) -> None:
    app.run()
    first, last = period(app)
    assert (last - first).days == 90
    orders = selection(app)
    summary = demo_sales.summarise(orders)
    assert figures(app) == {
        "Revenue": f"${summary.revenue:,.0f}",
        "Orders": f"{summary.orders:,}",
        "Average order": f"${summary.average:,.0f}",
        "Units sold": f"{summary.units:,}",
    }
    before = demo_sales.select(demo_sales.orders(last), *demo_sales.previous_period(first, last))
    change = summary.revenue / before["amount"].sum() - 1
    assert app.metric[0].delta == f"{change:+.1%}"
    assert app.subheader[0].value == "Revenue per week"
    assert len(charts(app)) == 1
    table = app.dataframe[0].value
    assert len(table) == 100
    assert table["order"].tolist() == orders["order"].tolist()[:-101:-1]
    assert app.main.caption[-1].value == f"The newest 100 of {len(orders)} orders."


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])  # a day apart
def test_the_last_day_is_that_of_the_user(
    app: AppTest, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(st.context), "timezone", zone)
    app.run()
    assert period(app)[1] == datetime.now(ZoneInfo(zone)).date()


def test_filters_select_orders(app: AppTest) -> None:
    app.run()
    app.multiselect(key="regions").set_value(["europe"])
    app.multiselect(key="categories").set_value(["tea"]).run()
    orders = selection(app, regions=["europe"], categories=["tea"])
    assert figures(app)["Orders"] == f"{len(orders):,}"
    assert set(app.dataframe[0].value["region"]) == {"Europe"}
    assert set(app.dataframe[0].value["category"]) == {"Tea"}


def test_filters_survive_a_visit_to_another_page(app: AppTest) -> None:
    app.run()
    app.multiselect(key="regions").set_value(["europe"]).run()
    at(app, "about")
    at(app, "home")
    assert app.multiselect(key="regions").value == ["europe"]


@pytest.mark.parametrize("language", project.languages)
def test_filters_survive_a_change_of_language(app: AppTest, language: str) -> None:
    app.run()
    app.multiselect(key="regions").set_value(["europe"]).run()
    app.session_state["language"] = language
    app.run()
    assert not app.exception
    assert app.multiselect(key="regions").value == ["europe"]
    assert app.dataframe[0].value["region"].nunique() == 1
    if language in EUROPE:  # a language of yours may not be translated yet
        assert set(app.dataframe[0].value["region"]) == {EUROPE[language]}


@pytest.mark.parametrize(
    ("days", "title"),
    [(7, "Revenue per day"), (100, "Revenue per week"), (364, "Revenue per four weeks")],
)
def test_bars_fit_the_period(app: AppTest, days: int, title: str) -> None:
    app.run()
    _first, last = period(app)
    app.date_input(key="period").set_value((last - timedelta(days=days - 1), last)).run()
    assert app.subheader[0].value == title


def test_no_match_is_explained(app: AppTest) -> None:
    app.run()
    orders = selection(app, regions=["europe"])
    days = orders.groupby("date")["category"].agg(set)
    day = next(day for day, sold in days.items() if "equipment" not in sold).date()
    app.date_input(key="period").set_value((day, day))
    app.multiselect(key="regions").set_value(["europe"])
    app.multiselect(key="categories").set_value(["equipment"]).run()
    assert "No orders match" in app.info[0].value
    assert not app.metric
    assert not charts(app)
    assert not app.exception


def test_half_a_period_is_waited_for(app: AppTest) -> None:
    app.run()
    _first, last = period(app)
    app.date_input(key="period").set_value((last,)).run()
    assert "last day" in app.info[0].value
    assert not app.metric
    assert not app.exception


def test_forecast_is_drawn_and_measured(app: AppTest) -> None:
    def measured(name: str) -> float:
        return prometheus_client.REGISTRY.get_sample_value(name) or 0

    before = measured("app_forecasts_total"), measured("app_forecast_seconds_count")
    app.run()
    app.button[0].click().run()
    result = demo_sales.forecast(selection(app))
    assert figures(app)["Low"] == f"${result.low:,.0f}"
    assert figures(app)["Median"] == f"${result.median:,.0f}"
    assert figures(app)["High"] == f"${result.high:,.0f}"
    assert not app.get("progress")
    assert measured("app_forecasts_total") == before[0] + 1
    assert measured("app_forecast_seconds_count") == before[1] + 1


def test_forecast_without_enough_orders_is_explained(app: AppTest) -> None:
    app.run()
    _first, last = period(app)
    app.date_input(key="period").set_value((last - timedelta(days=6), last)).run()
    app.button[0].click().run()
    assert "Too few orders" in app.error[0].value
    assert not app.exception
    assert not app.get("progress")


def test_forecasts_are_limited(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_sales, "FORECAST_RUNS", 100)
    app.run()
    for _ in range(5):
        app.button[0].click().run()
        assert "Median" in figures(app)
    app.button[0].click().run()
    assert "Median" not in figures(app)
    assert app.warning
