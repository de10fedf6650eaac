"""The example's orders and figures."""

from datetime import date, timedelta

import pandas as pd
import pytest

from {{cookiecutter.package_name}} import demo_sales

LAST = date(2026, 6, 30)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return demo_sales.orders(LAST)


def test_a_day_has_the_same_orders_whatever_the_last_day(orders: pd.DataFrame) -> None:
    later = demo_sales.orders(LAST + timedelta(days=7))
    day = LAST - timedelta(days=30)
    ours, theirs = (demo_sales.select(frame, day, day) for frame in (orders, later))
    assert not ours.empty
    pd.testing.assert_frame_equal(ours.reset_index(drop=True), theirs.reset_index(drop=True))


def test_orders_cover_the_shown_year_and_the_one_before(orders: pd.DataFrame) -> None:
    assert orders["date"].max().date() == LAST
    shown_from = LAST - timedelta(days=demo_sales.SHOWN_DAYS - 1)
    before, _ = demo_sales.previous_period(shown_from, LAST)
    assert orders["date"].min().date() == before
    assert orders["order"].is_unique
    assert set(orders["region"]) == set(demo_sales.REGIONS)
    assert set(orders["category"]) == set(demo_sales.CATEGORIES)
    assert (orders["amount"] > 0).all()


def test_select_takes_the_first_and_the_last_day(orders: pd.DataFrame) -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    march = demo_sales.select(orders, first, last, ["europe"], ["tea", "coffee"])
    assert march["date"].min().date() == first
    assert march["date"].max().date() == last
    assert set(march["region"]) == {"europe"}
    assert set(march["category"]) == {"tea", "coffee"}


def test_previous_period_has_the_same_length() -> None:
    first, last = demo_sales.previous_period(date(2026, 3, 1), date(2026, 3, 31))
    assert (first, last) == (date(2026, 1, 29), date(2026, 2, 28))


def frame(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["date", "category", "units", "amount"])
    return table.assign(date=pd.to_datetime(table["date"]))


def test_summary() -> None:
    table = frame(("2026-01-01", "tea", 2, 10.0), ("2026-01-02", "coffee", 3, 30.0))
    assert demo_sales.summarise(table) == demo_sales.Summary(40.0, 2, 20.0, 5)
    assert demo_sales.summarise(table[:0]) == demo_sales.Summary(0.0, 0, 0.0, 0)


def test_change() -> None:
    assert demo_sales.change(150, 100) == pytest.approx(0.5)
    assert demo_sales.change(50, 100) == pytest.approx(-0.5)
    assert demo_sales.change(50, 0) is None


@pytest.mark.parametrize(("days", "size"), [(1, 1), (31, 1), (32, 7), (182, 7), (183, 28)])
def test_bars_grow_with_the_period(days: int, size: int) -> None:
    assert demo_sales.bucket_days(LAST - timedelta(days=days - 1), LAST) == size


def test_buckets_are_counted_back_from_the_last_day() -> None:
    table = frame(
        ("2026-01-01", "tea", 1, 1.0),  # the remainder: the first bucket has one day
        ("2026-01-02", "tea", 1, 2.0),
        ("2026-01-08", "tea", 1, 4.0),
        ("2026-02-12", "coffee", 1, 8.0),
    )
    buckets = demo_sales.revenue_by_bucket(table, date(2026, 1, 1), date(2026, 2, 12))
    assert buckets.to_dict("records") == [
        {"start": "2026-01-01", "category": "tea", "amount": 1.0},
        {"start": "2026-01-02", "category": "tea", "amount": 6.0},
        {"start": "2026-02-06", "category": "coffee", "amount": 8.0},
    ]


def test_buckets_lose_nothing(orders: pd.DataFrame) -> None:
    first = LAST - timedelta(days=90)
    selected = demo_sales.select(orders, first, LAST)
    buckets = demo_sales.revenue_by_bucket(selected, first, LAST)
    assert buckets["amount"].sum() == pytest.approx(selected["amount"].sum())
    assert buckets["start"].nunique() == 13


def test_forecast_lies_around_the_mean(orders: pd.DataFrame) -> None:
    recent = demo_sales.select(orders, LAST - timedelta(days=90), LAST)
    expected = recent["amount"].sum() / 91 * demo_sales.FORECAST_DAYS
    shares: list[float] = []
    forecast = demo_sales.forecast(recent, shares.append)
    assert forecast.low < forecast.median < forecast.high
    assert forecast.median == pytest.approx(expected, rel=0.05)
    assert forecast == demo_sales.forecast(recent)
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] < 1


def test_forecast_needs_four_weeks(orders: pd.DataFrame) -> None:
    few = demo_sales.select(orders, LAST - timedelta(days=26), LAST)
    with pytest.raises(demo_sales.NotEnoughDataError, match="27 days with orders"):
        demo_sales.forecast(few)
