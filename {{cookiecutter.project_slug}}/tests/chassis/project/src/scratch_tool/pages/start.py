"""The start page."""

import streamlit as st
from chassis import _, current_user

st.title(_("Start"))
st.write(_("Welcome, %(name)s.", name=current_user().username))
if st.button(_("Greet")):
    st.info(_("Hello!"))
