"""Notes: a page for editors that reads and writes the database."""

import streamlit as st
from chassis import Role, _, require, transaction
from scratch_tool.models import Note
from sqlalchemy import select


def add() -> None:
    """Save the text of the form."""
    require(Role.EDITOR)
    with transaction() as session:
        session.add(Note(text=st.session_state["text"]))


st.title(_("Notes"))
with st.form("add", clear_on_submit=True):
    st.text_input(_("Text"), key="text")
    st.form_submit_button(_("Add"), on_click=add)
with transaction(read_only=True) as session:
    texts = session.scalars(select(Note.text).order_by(Note.id)).all()
st.dataframe({_("Text"): texts})
