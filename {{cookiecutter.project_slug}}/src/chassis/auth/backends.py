"""How each AUTH_BACKEND tells who a visitor is, from what the server has put into the handshake.

The values are those of `st.user`: server/identity_gate.py writes the headers behind them, and lets
none of the browser's own through.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..settings import get_settings
from ..texts import one_line
from . import sessions
from .groups import parse_groups
from .identity import Identity
from .labels import names_of
from .models import MAX_EMAIL, MAX_NAME
from .roles import Role, parse_roles

ANONYMOUS: Final = Identity(
    user_id=None,
    username="anonymous",
    name="",
    email="",
    roles=frozenset({Role.EDITOR}),
    session_id=None,
    backend="none",
)


def identity_of(values: Mapping[str, Any]) -> Identity | None:
    """Return who is signed in, or None; may raise DatabaseUnavailable."""
    return _BACKENDS[get_settings().auth_backend](values)


def email_allowed(email: str) -> bool:
    """Tell whether AUTH_ALLOWED_EMAIL_DOMAINS permits this address."""
    domains = get_settings().auth_allowed_email_domains
    return not domains or email.lower().rpartition("@")[2] in domains


def _session(values: Mapping[str, Any]) -> Identity | None:
    return sessions.lookup(_text(values, "app_session"))


def _proxy(values: Mapping[str, Any]) -> Identity | None:
    username = one_line(_text(values, "app_user"), MAX_NAME)
    if not username:
        return None
    labels = names_of(_text(values, "app_roles"))
    return Identity(
        user_id=None,
        username=username,
        name=username,
        email=one_line(_text(values, "app_email"), MAX_EMAIL),
        roles=parse_roles(labels) or frozenset({Role.VIEWER}),
        session_id=None,
        backend="proxy",
        groups=parse_groups(labels),
    )


def _none(_values: Mapping[str, Any]) -> Identity:
    return ANONYMOUS


_BACKENDS: Final[dict[str, Callable[[Mapping[str, Any]], Identity | None]]] = {
    "password": _session,
    "oidc": _session,
    "proxy": _proxy,
    "none": _none,
}


def text_of(header: bytes) -> str:
    """Return the text of a header: proxies write UTF-8, or Latin-1 as the protocol says."""
    try:
        return header.decode("utf-8")
    except UnicodeError:
        return header.decode("latin-1")


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str):
        return ""
    try:  # headers arrive as Latin-1
        return text_of(value.encode("latin-1"))
    except UnicodeError:
        return value
