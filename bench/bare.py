"""Bare Streamlit with the same page: what a person writes without a template."""

import gc
import os

import streamlit as st


@st.cache_resource
def freeze() -> None:
    """Spare the modules from garbage collection, as the generated project does after its start."""
    gc.collect()
    gc.freeze()


st.set_page_config(page_title="Bench", layout="wide")
st.navigation([st.Page("page.py", title="Bench", default=True)]).run()
if "FREEZE" in os.environ:
    freeze()
