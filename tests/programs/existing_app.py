"""An app as teams have them: one file, grown over a year. A test brings it into a project."""

import datetime as dt

import numpy as np
import pandas as pd
import streamlit as st

st.set_page_config(page_title="Store sales", page_icon="🛒", layout="wide")

CITIES = {
    "Seoul": (37.5665, 126.9780),
    "Busan": (35.1796, 129.0756),
    "Incheon": (37.4563, 126.7052),
    "Daegu": (35.8714, 128.6014),
}
PRODUCTS = ["Coffee", "Tea", "Juice", "Water"]
PRICES = {"Coffee": 4.5, "Tea": 3.0, "Juice": 5.0, "Water": 1.5}


@st.cache_data(ttl=3600)
def load_sales(days):
    """Sales of the last days. Once this was a query."""
    rng = np.random.default_rng(7)
    today = dt.date(2026, 6, 30)
    rows = []
    for i in range(days):
        day = today - dt.timedelta(days=i)
        for city in CITIES:
            for product in PRODUCTS:
                rows.append(
                    {
                        "day": pd.Timestamp(day),
                        "city": city,
                        "product": product,
                        "units": int(rng.integers(5, 60)),
                    }
                )
    df = pd.DataFrame(rows)
    df["revenue"] = df["units"] * df["product"].map(PRICES)
    return df


@st.cache_resource
def notes_store():
    """Notes of all users, until the app restarts."""
    return []


def filter_sales(df, cities, products, start, end):
    mask = df["city"].isin(cities) & df["product"].isin(products)
    mask &= (df["day"] >= pd.Timestamp(start)) & (df["day"] <= pd.Timestamp(end))
    return df[mask]


def growth(df):
    """How the second half of the time compares with the first."""
    by_day = df.groupby("day")["revenue"].sum().sort_index()
    half = len(by_day) // 2
    if half == 0:
        return 0.0
    before, after = by_day.iloc[:half].sum(), by_day.iloc[-half:].sum()
    return (after - before) / before * 100


def show_metrics(df, currency):
    left, middle, right = st.columns(3)
    left.metric("Revenue", f"{currency} {df['revenue'].sum():,.0f}", f"{growth(df):.1f} %")
    middle.metric("Units", f"{df['units'].sum():,}")
    if df.empty:
        right.metric("Best product", "none")
    else:
        best = df.groupby("product")["revenue"].sum().idxmax()
        right.metric("Best product", best)


def show_charts(df):
    by_day = df.groupby("day", as_index=False)["revenue"].sum()
    by_product = df.groupby("product", as_index=False)["units"].sum()
    left, right = st.columns([2, 1])
    with left:
        st.subheader("Revenue by day")
        st.line_chart(by_day, x="day", y="revenue")
    with right:
        st.subheader("Units by product")
        st.bar_chart(by_product, x="product", y="units")


def show_map(df):
    st.subheader("Where")
    by_city = df.groupby("city", as_index=False)["revenue"].sum()
    by_city["lat"] = by_city["city"].map(lambda city: CITIES[city][0])
    by_city["lon"] = by_city["city"].map(lambda city: CITIES[city][1])
    largest = by_city["revenue"].max()
    by_city["size"] = by_city["revenue"] / largest * 20_000
    st.map(by_city, size="size")


def show_table(df):
    st.subheader("Rows")
    st.dataframe(
        df.sort_values("day", ascending=False),
        hide_index=True,
        column_config={
            "day": st.column_config.DateColumn("Day"),
            "revenue": st.column_config.NumberColumn("Revenue", format="%.2f"),
        },
    )
    st.download_button(
        "Download CSV",
        df.to_csv(index=False).encode("utf-8"),
        file_name="sales.csv",
        mime="text/csv",
    )


def show_targets():
    """Targets by city, kept while the tab is open."""
    if "targets" not in st.session_state:
        st.session_state.targets = {city: 1000 for city in CITIES}
    with st.expander("Targets"):
        city = st.selectbox("City", list(CITIES), key="target_city")
        value = st.number_input("Target", 0, 100_000, st.session_state.targets[city], step=100)
        if st.button("Set target"):
            st.session_state.targets[city] = int(value)
            st.toast(f"Target of {city}: {value}")
        st.write(st.session_state.targets)


def show_notes():
    st.subheader("Notes")
    with st.form("note", clear_on_submit=True):
        author = st.text_input("Your name")
        text = st.text_area("Note")
        important = st.checkbox("Important")
        sent = st.form_submit_button("Add note")
    if sent:
        if not text.strip():
            st.warning("Write something first.")
        else:
            notes_store().append({"author": author or "?", "text": text, "important": important})
            st.success("Saved.")
    for note in reversed(notes_store()):
        icon = "❗" if note["important"] else "📝"
        st.markdown(f"{icon} **{note['author']}**: {note['text']}")


currency = st.secrets["currency"]

st.title("🛒 Store sales")
"What the stores sold, by day, city and product."

sales = load_sales(90)

with st.sidebar:
    st.header("Filters")
    chosen_cities = st.multiselect("Cities", list(CITIES), default=list(CITIES))
    chosen_products = st.multiselect("Products", PRODUCTS, default=PRODUCTS)
    first, last = sales["day"].min().date(), sales["day"].max().date()
    period = st.date_input("Period", (first, last), min_value=first, max_value=last)
    view = st.radio("View", ["Overview", "Table"])
    if st.button("Load again"):
        load_sales.clear()
        st.rerun()

if len(period) != 2:
    st.info("Choose the end of the period, too.")
    st.stop()

shown = filter_sales(sales, chosen_cities, chosen_products, *period)

if shown.empty:
    st.warning("Nothing was sold with these filters.")
    st.stop()

show_metrics(shown, currency)

if view == "Overview":
    tab_charts, tab_map = st.tabs(["Charts", "Map"])
    with tab_charts:
        show_charts(shown)
    with tab_map:
        show_map(shown)
else:
    show_table(shown)
    shown.describe()

show_targets()
show_notes()
