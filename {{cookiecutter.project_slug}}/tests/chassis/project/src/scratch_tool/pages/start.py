"""The start page."""

import streamlit as st
from chassis import _, current_user, page_link, switch_page

st.title(_("Start"))
st.write(_("Welcome, %(name)s.", name=current_user().username))
if st.button(_("Greet")):
    st.info(_("Hello!"))
if st.button(_("Write a note")):
    switch_page("pages/notes.py")
page_link("pages/notes.py", label=_("Notes"))
