"""Notes: a page for editors that reads and writes the database."""

import streamlit as st
from chassis import Role, _, require, transaction
from scratch_tool.models import Note
from sqlalchemy import select


def add(text: str) -> None:
    """Save a note."""
    require(Role.EDITOR)
    with transaction() as session:
        session.add(Note(text=text))


st.title(_("Notes"))
with st.form("add"):
    text = st.text_input(_("Text"), key="text")
    wanted = st.form_submit_button(_("Add"))
if wanted:
    add(text)
with transaction(read_only=True) as session:
    texts = session.scalars(select(Note.text).order_by(Note.id)).all()
st.dataframe({_("Text"): texts})
st.caption(_("%(number)s notes", number=len(texts)))
