"""HTML with scripts of its own, in a frame from which those reach nothing of the app."""

import hashlib

import streamlit as st

from .. import streamlit_private
from ..settings import get_settings


def html_frame(html: str, *, height: int = 400) -> None:
    """Draw an HTML document, `height` pixels high; its scripts run.

    They see neither the page around it nor the cookies of the app: `server/security_headers.py`
    answers with a policy that takes the origin away from them. The document is a file of the
    session, as a picture is: nobody else gets it, and it goes when the page shows another one.
    """
    # Streamlit names a file by parts of its content. With this at its end nobody can guess the
    # name, and documents that differ in the middle have two.
    session = streamlit_private.session_id() or ""
    mark = hashlib.sha256(f"{session}\n{html}".encode()).hexdigest()
    place = st.container()
    document = f"{html}\n<!-- {mark} -->\n".encode()
    path = streamlit_private.show_file(place, document, "text/html")
    place.iframe(f"{get_settings().base_path}{path}", height=height)
