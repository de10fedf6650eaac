"""The start page."""

import streamlit as st

from chassis import _, current_user

st.title(_("Start"))
st.write(_("Welcome, %(name)s. Edit src/{{cookiecutter.package_name}}/pages/start.py.", name=current_user().username))
