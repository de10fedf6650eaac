"""`@rate_limited` for the expensive actions of a page."""

import functools
import hashlib
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

import streamlit as st

from .. import metrics, streamlit_private
from ..i18n import _
from .addresses import counted
from .limiter import get_limiter, parse_rate

P = ParamSpec("P")
T = TypeVar("T")
Caller = Literal["session", "ip"]


def rate_limited(
    item: str, *, per: Caller = "session", name: str | None = None
) -> Callable[[Callable[P, T]], Callable[P, T | None]]:
    """Limit how often one session, or one IP address, may run an expensive action.

    Over the limit the user reads how long to wait, and the call returns None. `name` appears in
    the metrics; functions with the same name share one limit.
    """
    parse_rate(item)  # a typing error shows when the page is loaded, not at the first click

    def decorate(function: Callable[P, T]) -> Callable[P, T | None]:
        scope = name or _action_name(function)

        @functools.wraps(function)
        def limited(*args: P.args, **kwargs: P.kwargs) -> T | None:
            wait = get_limiter().hit_sync(item, scope, _caller(per))
            if wait == 0:
                return function(*args, **kwargs)
            metrics.rate_limited(scope)
            seconds = math.ceil(wait)
            st.warning(_("Please wait %(seconds)s s, then try again.", seconds=seconds))
            return None

        return limited

    return decorate


def _action_name(function: Callable[..., object]) -> str:
    """Return "page.function"; the file tells the page, as every page's module is __main__."""
    file = Path(inspect.getfile(inspect.unwrap(function)))
    return f"{file.stem}.{function.__qualname__.rpartition('<locals>.')[2]}"


def _caller(per: Caller) -> str:
    if per == "ip":
        address = st.context.ip_address
        return counted(address) if isinstance(address, str) else "local"
    session_id = streamlit_private.session_id()
    if session_id is None:
        return "local"
    # Hashed, as keys are stored in Redis, and who knows a session id can take over the session.
    return hashlib.sha256(session_id.encode()).hexdigest()[:32]
