"""Bare Streamlit with the same page: what a person writes without a template."""

import streamlit as st

st.set_page_config(page_title="Bench", layout="wide")
st.navigation([st.Page("page.py", title="Bench", default=True)]).run()
