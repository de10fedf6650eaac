"""HTML with scripts of its own, in a frame from which those reach nothing of the app."""

import hashlib
from typing import Final, Literal

import streamlit as st

from .. import streamlit_private
from ..settings import get_settings

# The documents of all open tabs are in memory at once.
MAX_CHARACTERS: Final = 16 * 1024 * 1024

# While developing the frame tells the page what the browser refuses in it, and that reports it.
_TELL: Final = """<script>
new ReportingObserver(
  (reports) => reports.forEach(({ body }) =>
    parent.postMessage({ refused: [body.effectiveDirective, body.blockedURL] }, "*")),
  { types: ["csp-violation"], buffered: true },
).observe()
</script>"""


def html_frame(
    html: str, *, height: int | Literal["stretch"] = 400, title: str | None = None
) -> None:
    """Draw an HTML document, `height` pixels high; its scripts run. Screen readers say the title.

    They see neither the page around it nor the cookies of the app: `server/security_headers.py`
    answers with a policy that takes the origin away from them. The document is a file of the
    session, as a picture is: nobody else gets it, and it goes when the page shows another one, or
    the session ends. It is in the memory of this process: of several, the browser has to stay with
    the one that runs its session.
    """
    if len(html) > MAX_CHARACTERS:
        raise ValueError(
            f"a frame takes at most {MAX_CHARACTERS} characters, and these are {len(html)}: leave "
            "data out of the document, or let it load them"
        )
    settings = get_settings()
    if settings.is_development:
        html += _TELL
    # Streamlit names a file by parts of its content. With this at its end nobody can guess the
    # name, and documents that differ in the middle have two.
    session = streamlit_private.session_id() or ""
    mark = hashlib.sha256(f"{session}\n{html}".encode()).hexdigest()
    place = st.container()
    document = f"{html}\n<!-- {mark} -->\n".encode()
    path = streamlit_private.show_file(place, document, "text/html")
    place.iframe(f"{settings.base_path}{path}", height=height, alt=title)
