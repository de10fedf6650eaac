"""Orders of a coffee trader that does not exist, for the example page.

Your own service modules look like this one: plain functions that know nothing of Streamlit.
Delete it together with pages/home.py and their tests.
"""

import math
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pandas as pd

REGIONS: Final = ("americas", "asia_pacific", "europe")
CATEGORIES: Final = ("coffee", "equipment", "tea")
SHOWN_DAYS: Final = 364  # a year of whole weeks

# "@Home Brewing" looks like a formula to a spreadsheet: `chassis.to_csv` makes it harmless.
CUSTOMERS: Final = {
    "americas": ("@Home Brewing", "Cafe Aurora", "Maple & Bean", "Pampas Roastery"),
    "asia_pacific": ("Blue Lantern", "Han River Coffee", "Sakura Tea House", "Southern Cross"),
    "europe": ("Alpenglow", "Kaffeehaus Zentral", "La Petite Tasse", "Oslo Roasters"),
}
UNIT_PRICES: Final = {"coffee": 18.0, "equipment": 74.0, "tea": 11.5}
FORECAST_DAYS: Final = 28
FORECAST_RUNS: Final = 100_000


class NotEnoughDataError(ValueError):
    """The selected orders are too few for a forecast."""


@dataclass(frozen=True)
class Summary:
    """The figures of a period; money in US dollars."""

    revenue: float
    orders: int
    average: float
    units: int


@dataclass(frozen=True)
class Forecast:
    """Revenue of the next FORECAST_DAYS: with 80 % probability between low and high."""

    low: float
    median: float
    high: float


def orders(last_day: date) -> pd.DataFrame:
    """Make the orders of the two years up to a day: a day has the same orders in every call."""
    days = (last_day - timedelta(days=back) for back in reversed(range(2 * SHOWN_DAYS)))
    rows = [row for day in days for row in _orders_of(day)]
    columns = ["date", "order", "customer", "region", "category", "units", "amount"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(date=pd.to_datetime(frame["date"]))


def _orders_of(day: date) -> Iterator[tuple[date, str, str, str, str, int, float]]:
    chance = random.Random(day.isoformat())  # noqa: S311 - example data, no secret
    season = 1 + 0.25 * math.sin(day.toordinal() / 58) + 0.1 * math.sin(day.toordinal() / 17)
    weekend = 0.5 if day.weekday() >= 5 else 1.0
    for number in range(1, round(chance.uniform(4, 9) * season * weekend) + 1):
        (region,) = chance.choices(REGIONS, (3, 4, 5))
        (category,) = chance.choices(CATEGORIES, (6, 2, 3))
        units = chance.randint(2, 8) if category == "equipment" else chance.randint(5, 60)
        amount = round(units * UNIT_PRICES[category] * chance.uniform(0.9, 1.1), 2)
        customer = chance.choice(CUSTOMERS[region])
        yield day, f"{day:%y%m%d}-{number:02}", customer, region, category, units, amount


def select(
    frame: pd.DataFrame,
    first: date,
    last: date,
    regions: Collection[str] = REGIONS,
    categories: Collection[str] = CATEGORIES,
) -> pd.DataFrame:
    """Return the orders from the first to the last day in these regions and categories."""
    inside = frame["date"].between(pd.Timestamp(first), pd.Timestamp(last))
    return frame[inside & frame["region"].isin(regions) & frame["category"].isin(categories)]


def previous_period(first: date, last: date) -> tuple[date, date]:
    """Return the period of equal length that ends the day before."""
    return first - (last - first) - timedelta(days=1), first - timedelta(days=1)


def summarise(frame: pd.DataFrame) -> Summary:
    """Add up the orders."""
    revenue = float(frame["amount"].sum())
    count = len(frame)
    return Summary(
        revenue=revenue,
        orders=count,
        average=revenue / count if count else 0.0,
        units=int(frame["units"].sum()),
    )


def change(now: float, before: float) -> float | None:
    """Return the relative change, None if there is nothing to compare with."""
    return now / before - 1 if before else None


def bucket_days(first: date, last: date) -> int:
    """Return how many days one bar of the chart stands for: 1, 7 or 28."""
    days = (last - first).days + 1
    return 1 if days <= 31 else 7 if days <= 182 else 28


def revenue_by_bucket(frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """Add up amounts per category and bucket, named by its first day.

    Buckets are counted back from the last day, so that the newest is never an incomplete one.
    """
    size = bucket_days(first, last)
    back = (pd.Timestamp(last) - frame["date"]).dt.days // size
    starts = pd.Timestamp(last) - pd.to_timedelta((back + 1) * size - 1, unit="D")
    starts = starts.clip(lower=pd.Timestamp(first)).dt.strftime("%Y-%m-%d")
    return frame.assign(start=starts).groupby(["start", "category"])["amount"].sum().reset_index()


def forecast(
    frame: pd.DataFrame, on_progress: Callable[[float], object] = lambda _: None
) -> Forecast:
    """Simulate the coming weeks by drawing from past days; reports the share that is done.

    Raises NotEnoughDataError if there are fewer than FORECAST_DAYS days with orders.
    """
    days = frame.groupby("date")["amount"].sum().tolist()
    if len(days) < FORECAST_DAYS:
        raise NotEnoughDataError(f"{len(days)} days with orders, {FORECAST_DAYS} are needed")
    chance = random.Random(0)  # noqa: S311 - equal data, equal forecast
    totals: list[float] = []
    for run in range(FORECAST_RUNS):
        totals.append(sum(chance.choices(days, k=FORECAST_DAYS)))
        if run % (FORECAST_RUNS // 20) == 0:
            on_progress(run / FORECAST_RUNS)
    totals.sort()
    low, median, high = (totals[round(q * FORECAST_RUNS)] for q in (0.1, 0.5, 0.9))
    return Forecast(low, median, high)
