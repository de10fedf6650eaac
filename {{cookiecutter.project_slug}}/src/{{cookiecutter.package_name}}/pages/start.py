"""The start page."""

import streamlit as st
from chassis import _, current_user, plain

name = plain(current_user().username)
st.title(_("Start"))
st.write(_("Welcome, %(name)s. Edit `pages/start.py` to begin.", name=name))
