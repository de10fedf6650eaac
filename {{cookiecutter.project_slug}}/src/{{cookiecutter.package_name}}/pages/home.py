"""Example page, a small dashboard: read inputs, call service functions, draw."""

from datetime import date, timedelta

import pandas as pd
import streamlit as st
from chassis import _, charts, count, rate_limited, timed, to_csv, today

from {{cookiecutter.package_name}} import demo_sales
from {{cookiecutter.package_name}}.demo_sales import CATEGORIES, REGIONS, change

TABLE_ROWS = 100
REGION_NAMES = dict(zip(REGIONS, (_("Americas"), _("Asia-Pacific"), _("Europe")), strict=True))
CATEGORY_NAMES = dict(zip(CATEGORIES, (_("Coffee"), _("Equipment"), _("Tea")), strict=True))


@st.cache_data(ttl="1h", max_entries=3, show_spinner=_("Loading orders..."))
def load_orders(last_day: date) -> pd.DataFrame:
    """Make the orders once for all sessions; around the world it is up to three days at once."""
    return demo_sales.orders(last_day)


def choose_filters(today: date) -> tuple[date, date, list[str], list[str]]:
    """Draw the filters; they keep their values while the user is on another page."""
    period, region, category = st.columns(3)
    days = period.date_input(
        _("Period"),
        (today - timedelta(days=90), today),
        min_value=today - timedelta(days=demo_sales.SHOWN_DAYS - 1),
        max_value=today,
        format="YYYY-MM-DD",
        key="period",
        persist_state="session",
    )
    regions = region.multiselect(
        _("Region"),
        REGIONS,
        format_func=REGION_NAMES.__getitem__,
        placeholder=_("All regions"),
        key="regions",
        persist_state="session",
    )
    categories = category.multiselect(
        _("Category"),
        CATEGORIES,
        format_func=CATEGORY_NAMES.__getitem__,
        placeholder=_("All categories"),
        key="categories",
        persist_state="session",
    )
    if len(days) < 2:  # the first day is clicked, the last one not yet
        st.info(_("Choose the last day of the period."), icon=":material/date_range:")
        st.stop()
    return days[0], days[1], regions or list(REGIONS), categories or list(CATEGORIES)


def draw_summary(now: demo_sales.Summary, before: demo_sales.Summary) -> None:
    """Draw the figures, each with its change since the period before."""
    figures = [
        (_("Revenue"), f"${now.revenue:,.0f}", change(now.revenue, before.revenue)),
        (_("Orders"), f"{now.orders:,}", change(now.orders, before.orders)),
        (_("Average order"), f"${now.average:,.0f}", change(now.average, before.average)),
        (_("Units sold"), f"{now.units:,}", change(now.units, before.units)),
    ]
    with st.container(horizontal=True):
        for label, value, delta in figures:
            # A container around each makes all of them equally wide.
            st.container().metric(label, value, percent(delta), border=True)


def percent(delta: float | None) -> str | int | None:
    """Write a change as st.metric wants it, where only the number 0 has no arrow."""
    if delta is None:
        return None
    return f"{delta:+.1%}" if abs(delta) >= 0.0005 else 0


def draw_chart(orders: pd.DataFrame, first: date, last: date) -> None:
    """Draw the revenue as stacked bars."""
    titles = {1: _("Revenue per day"), 7: _("Revenue per week"), 28: _("Revenue per four weeks")}
    title = titles[demo_sales.bucket_days(first, last)]
    bars = demo_sales.revenue_by_bucket(orders, first, last).replace({"category": CATEGORY_NAMES})
    names = list(CATEGORY_NAMES.values())  # colours stay when a category is filtered away
    start = {"field": "start", "type": "ordinal", "title": _("From")}
    category = {"field": "category", "type": "nominal", "title": _("Category")}
    revenue = {"field": "amount", "type": "quantitative", "title": _("Revenue")}
    specification = {
        "config": charts.CONFIG,
        "data": {"name": "bars"},
        "datasets": {"bars": bars},
        "mark": "bar",
        "encoding": {
            "x": start | {"title": None, "axis": {"labelAngle": 0, "labelOverlap": True}},
            "y": revenue | {"title": None, "axis": {"format": "$~s", "tickCount": 5}},
            "color": category | {"title": None, "scale": {"domain": names}},
            "tooltip": [start, category, revenue | {"format": "$,.0f"}],
        },
    }
    st.subheader(title)
    st.vega_lite_chart(specification, height=300, alt=title)


def draw_table(orders: pd.DataFrame) -> None:
    """Draw the newest orders, and offer all of them as a file."""
    heading, button = st.columns([3, 1], vertical_alignment="center")
    heading.subheader(_("Latest orders"))
    button.download_button(
        _("Download CSV"),
        lambda: to_csv(orders),  # made when somebody clicks, not at each run
        file_name="orders.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
    names = {"region": REGION_NAMES, "category": CATEGORY_NAMES}
    st.dataframe(
        orders.iloc[: -TABLE_ROWS - 1 : -1].replace(names),
        hide_index=True,
        column_config={
            "date": st.column_config.DateColumn(_("Date"), format="YYYY-MM-DD"),
            "order": st.column_config.TextColumn(_("Order no.")),
            "customer": st.column_config.TextColumn(_("Customer")),
            "region": st.column_config.TextColumn(_("Region")),
            "category": st.column_config.TextColumn(_("Category")),
            "units": st.column_config.NumberColumn(_("Units")),
            "amount": st.column_config.NumberColumn(_("Amount"), format="dollar"),
        },
    )
    if len(orders) > TABLE_ROWS:
        shown = _("The newest %(shown)s of %(total)s orders.", shown=TABLE_ROWS, total=len(orders))
        st.caption(shown)


@rate_limited("5/minute")
def make_forecast(orders: pd.DataFrame) -> demo_sales.Forecast:
    """Run the long calculation with a progress bar."""
    bar = st.progress(0.0)
    try:
        with timed("forecast"):
            return demo_sales.forecast(orders, lambda done: bar.progress(done, _("Simulating...")))
    finally:
        bar.empty()


@st.fragment  # a click on the button runs this function only, not the page
def draw_forecast(orders: pd.DataFrame) -> None:
    """Draw the forecast when somebody asks for it."""
    st.subheader(_("Forecast"))
    st.write(_("Revenue of the next four weeks, simulated from the selected orders."))
    if not st.button(_("Calculate forecast"), icon=":material/query_stats:", type="primary"):
        return
    try:
        forecast = make_forecast(orders)
    except demo_sales.NotEnoughDataError:
        st.error(_("Too few orders are selected for a forecast. Choose a longer period."))
        return
    if forecast is not None:
        count("forecasts")
        with st.container(horizontal=True):
            st.container().metric(_("Low"), f"${forecast.low:,.0f}", border=True)
            st.container().metric(_("Median"), f"${forecast.median:,.0f}", border=True)
            st.container().metric(_("High"), f"${forecast.high:,.0f}", border=True)
        st.caption(_("The revenue is between low and high with a probability of 80 percent."))


st.title(_("Sales"))
st.caption(_("Example data: the orders of a coffee trader that does not exist."))
all_orders = load_orders(today())
first, last, regions, categories = choose_filters(all_orders["date"].max().date())
orders = demo_sales.select(all_orders, first, last, regions, categories)
if orders.empty:
    hint = _("No orders match. Choose a longer period, or other regions and categories.")
    st.info(hint, icon=":material/search_off:")
    st.stop()
before = demo_sales.select(
    all_orders, *demo_sales.previous_period(first, last), regions, categories
)
draw_summary(demo_sales.summarise(orders), demo_sales.summarise(before))
draw_chart(orders, first, last)
draw_forecast(orders)
draw_table(orders)
