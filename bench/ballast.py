"""A page that keeps 5 MB in the state of each session."""

import os

import streamlit as st

st.session_state.setdefault("ballast", os.urandom(5 * 1024 * 1024))
st.text("ready")
