"""Who may have a file: what the app has shown to somebody, or got from somebody."""

import posixpath
from typing import Final

from .. import streamlit_private
from . import open_tabs
from .open_tabs import UNKNOWN, USER, State

MEDIA: Final = "/media/"
UPLOAD: Final = "/_stcore/upload_file/"
# Below these are the parts of pages, for all who have signed in.
PAGE_TREES: Final = ("/component/", "/_stcore/bidi-components/", "/app/static/")


def is_private(path: str) -> bool:
    """Tell whether what is at a path is not for everybody."""
    return f"{path}/".startswith((MEDIA, UPLOAD, *PAGE_TREES))


def belongs_to(path: str, name: str, key: str, state: State) -> bool:
    """Tell whether who asks may have a path: a session with the same `st.user[name]` has it.

    A guest gets what the sign-in page shows, and nothing of a session that has ended.
    """
    if path.startswith(UPLOAD):
        owners = [path.removeprefix(UPLOAD).partition("/")[0]]
    elif path.startswith(MEDIA):
        file_id = posixpath.splitext(path.removeprefix(MEDIA))[0]
        # What was sent to a tab stays its own, though a new run has begun to replace it.
        if open_tabs.was_sent(file_id, key, state):
            return True
        owners = streamlit_private.sessions_with(file_id)
    else:
        return state == USER
    states = (USER, UNKNOWN, None) if state == USER else (state, None)
    users = map(streamlit_private.user_of, owners)
    return bool(key) and any(
        user.get(name) == key and user.get("app_state") in states for user in users
    )
