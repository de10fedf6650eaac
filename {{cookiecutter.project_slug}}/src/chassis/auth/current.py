"""Who sits at the tab whose script runs, and where the browser goes when that changes."""

from typing import NoReturn
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from .. import streamlit_private
from ..i18n import current_language
from ..settings import get_settings
from . import backends, sign_in
from .identity import Identity


def current_user() -> Identity | None:
    """Return who is signed in, or None; may raise DatabaseUnavailable.

    The answer is that of server/identity_gate.py and of the database, never of st.session_state.
    """
    return backends.identity_of(st.user.to_dict())


def browser_hash() -> str:
    """Return the hash of the browser's cookie, which binds a sign-in to this browser."""
    return str(st.user.to_dict().get("app_session") or "")


def device_cookie() -> str | None:
    """Return the proof that somebody has signed in from this browser before, if there is one."""
    # Not among the values of st.user: a new one would be a new identity to Streamlit.
    return st.context.headers.get("X-App-Device")


def client_address() -> str:
    """Return the address of the browser; Streamlit gives none for this machine itself."""
    address = st.context.ip_address
    return address if isinstance(address, str) else "127.0.0.1"


def finish_sign_in(code: str, *, done: bool = False) -> NoReturn:
    """Send the browser to fetch the cookie of its new session, and from there back to this page.

    `done` comes back as a parameter of the address, for a page that says what has happened.
    """
    path = urlsplit(st.context.url or "").path.removeprefix(get_settings().base_path)
    query = {"page": path.strip("/"), "lang": current_language()} | ({"done": "1"} if done else {})
    _redirect(f"{sign_in.continue_path(code)}&{urlencode(query)}")


def go_home() -> NoReturn:
    """Send the browser to the start page, for a new run without the session that has ended."""
    _redirect(f"{get_settings().base_path}/?{urlencode({'lang': current_language()})}")


def _redirect(path: str) -> NoReturn:
    """Let the browser load an address of the app, as st.login does, and end the run."""
    message = ForwardMsg()
    message.auth_redirect.url = path
    streamlit_private.send_to_browser(message)
    st.stop()
