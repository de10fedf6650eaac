"""Rate limits for requests, connects, and expensive actions.

Counted in Redis where REDIS_URL is set, so that several processes share the limits. While Redis
is away each process counts in its own memory, and asks Redis again every few seconds.
"""

import functools
import hashlib
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, Literal, ParamSpec, TypeVar

import streamlit as st
from limits import parse
from limits.strategies import MovingWindowRateLimiter
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from .. import metrics
from ..i18n import _
from ..settings import get_settings
from .storage import BoundedMemoryStorage, RedisWindows, hit

P = ParamSpec("P")
T = TypeVar("T")
Caller = Literal["session", "ip"]

MAX_NOTES: Final = 10_000

_parse = functools.lru_cache(maxsize=256)(parse)


class Limiter:
    """Moving-window limits with one face for the event loop and one for threads."""

    def __init__(self, redis_url: str | None = None, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._memory = MovingWindowRateLimiter(BoundedMemoryStorage())
        self._redis = RedisWindows(redis_url) if redis_url else None

    async def hit(self, item: str, scope: str, key: str) -> float:
        """Count one hit; return 0.0 if `item` (as "5/minute") allows it, else seconds to wait."""
        if not self._enabled:
            return 0.0
        rate = _parse(item)
        wait = await self._redis.hit(rate, scope, key) if self._redis else None
        return hit(self._memory, rate, scope, key) if wait is None else wait

    def hit_sync(self, item: str, scope: str, key: str) -> float:
        """Do what `hit` does, in a thread without an event loop, such as a script run."""
        if not self._enabled:
            return 0.0
        rate = _parse(item)
        wait = self._redis.hit_sync(rate, scope, key) if self._redis else None
        return hit(self._memory, rate, scope, key) if wait is None else wait

    def forget(self, item: str, scope: str, key: str) -> None:
        """Forget the hits of one key, as after a sign-in that succeeded."""
        rate = _parse(item)
        if self._redis is not None:
            self._redis.forget(rate, scope, key)
        self._memory.clear(rate, scope, key)

    def degraded(self) -> bool:
        """Say whether limits are counted in memory because Redis does not answer."""
        return self._redis is not None and self._redis.degraded

    def ping(self) -> bool:
        """Say whether Redis answers; True without Redis."""
        return self._redis is None or self._redis.ping()

    async def aclose(self) -> None:
        """Close the connections to Redis; to be awaited in the event loop that used `hit`."""
        if self._redis is not None:
            await self._redis.aclose()


@functools.cache
def get_limiter() -> Limiter:
    """Return the limiter of this process, made from the settings."""
    settings = get_settings()
    url = settings.redis_url.get_secret_value() if settings.redis_url else None
    return Limiter(url, enabled=settings.rate_limit_enabled)


def rate_limited(
    item: str, *, per: Caller = "session", name: str | None = None
) -> Callable[[Callable[P, T]], Callable[P, T | None]]:
    """Limit how often one session, or one IP address, may run an expensive action.

    Over the limit the user reads how long to wait, and the call returns None. `name` appears in
    the metrics; functions with the same name share one limit.
    """
    _parse(item)  # a typing error shows when the page is loaded, not at the first click

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
        return address if isinstance(address, str) else "local"
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return "local"
    # Hashed, as keys are stored in Redis, and who knows a session id can take over the session.
    return hashlib.sha256(context.session_id.encode()).hexdigest()[:32]


_throttled: dict[str, bool] = {}
_throttled_lock = Lock()


def note_throttled(session_id: str) -> None:
    """Remember that reruns of this session were delayed, for a notice in its next run."""
    with _throttled_lock:
        _throttled[session_id] = True
        if len(_throttled) > MAX_NOTES:  # sessions that ended before their next run
            del _throttled[next(iter(_throttled))]


def take_throttled(session_id: str) -> bool:
    """Say, once, whether reruns of this session were delayed."""
    with _throttled_lock:
        return _throttled.pop(session_id, False)
