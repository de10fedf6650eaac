"""What only the group finance sees."""

import streamlit as st
from chassis import _, require


def book() -> None:
    """Book something."""
    require(group="finance")
    st.session_state["booked"] = True


st.title(_("Ledger"))
st.button("Book", on_click=book)
