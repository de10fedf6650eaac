"""Where hits are counted: in the memory of this process, or in Redis."""

import asyncio
import math
import time
from threading import Lock
from typing import Any, Final

import limits.aio.storage
import limits.aio.strategies
from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage
from limits.storage.memory import Entry
from limits.strategies import MovingWindowRateLimiter

from .. import project
from ..logs import get_logger
from ..settings import SettingsError

RETRY_SECONDS: Final = 5.0
REDIS_CONNECT_SECONDS: Final = 1.0
REDIS_ANSWER_SECONDS: Final = 0.5
REDIS_CONNECTIONS: Final = 8
SWEEP_SECONDS: Final = 10.0

log = get_logger(__name__)


class BoundedMemoryStorage(MemoryStorage):
    """Moving windows in memory; a key is dropped soon after its last hit has expired.

    The storage of limits 5.8 never forgets a key, and starts a thread for nearly every hit.
    """

    def __init__(self) -> None:
        super().__init__()
        # It has started its sweep already, which would run beside ours and lose hits.
        self.timer.cancel()
        self.timer.join()
        self._lock = Lock()
        self._next_sweep = 0.0

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` hits if the window of `expiry` seconds has room for them."""
        if amount > limit:
            return False
        now = time.time()
        with self._lock:
            self._sweep(now)
            events = self.events.get(key, [])  # the newest first
            if len(events) > limit - amount and events[limit - amount].atime >= now - expiry:
                return False
            self.events[key] = [Entry(expiry)] * amount + events[: limit - amount]
            return True

    def clear(self, key: str) -> None:
        """Forget the hits of one key."""
        with self._lock:
            self.events.pop(key, None)

    def _sweep(self, now: float) -> None:
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for key in [key for key, events in self.events.items() if events[0].expiry <= now]:
            del self.events[key]


class Availability:
    """Whether to ask Redis: always while it answers, else one call every RETRY_SECONDS."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._retry_at = 0.0
        self._probing = False
        self.degraded = False

    def ask(self) -> bool:
        """Say whether this call should try Redis."""
        with self._lock:
            if not self.degraded:
                return True
            now = time.monotonic()
            if now < self._retry_at:
                return False
            self._retry_at = now + RETRY_SECONDS
            self._probing = True
            return True

    def failed(self, error: Exception) -> None:
        """Note that Redis did not answer a call."""
        with self._lock:
            first = not self.degraded
            self.degraded = True
            self._probing = False
            self._retry_at = time.monotonic() + RETRY_SECONDS
        if first:
            log.warning(
                "Redis is unreachable: rate limits fall back to the memory of this process",
                error=type(error).__name__,
                reason=str(error),
            )

    def answered(self) -> None:
        """Note that Redis answered a call."""
        with self._lock:
            # A late answer to a call from before the failure is no recovery.
            recovered = self._probing
            if recovered:
                self._probing = self.degraded = False
        if recovered:
            log.info("Redis answers again: rate limits have recovered")


class RedisWindows:
    """Moving windows in Redis, for threads and for the event loop.

    No method raises: whatever Redis does, the app goes on with its own memory.
    """

    def __init__(self, url: str) -> None:
        # Imported here, as the package is an extra of this project.
        from redis import ConnectionPool
        from redis.retry import Retry

        self._url = url
        self._availability = Availability()
        try:
            self._pool = ConnectionPool.from_url(url, **_options(Retry))
        except ValueError:  # its text may hold the password
            raise SettingsError(
                "REDIS_URL has an option that Redis does not know; "
                "a good example is redis://localhost:6379/0"
            ) from None
        self._storage = RedisStorage(
            "redis://", connection_pool=self._pool, key_prefix=project.current().package
        )
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._loop_side: _LoopSide | None = None

    @property
    def degraded(self) -> bool:
        """Whether Redis did not answer the last call."""
        return self._availability.degraded

    async def hit(self, rate: RateLimitItem, scope: str, key: str) -> float | None:
        """Count one hit: 0.0 if allowed, else the seconds to wait; None if Redis is away."""
        side = self._side_of_this_loop()
        async with side.slots:  # who waited here learns whether Redis has failed meanwhile
            if not self._availability.ask():
                return None
            try:
                wait = 0.0
                if not await side.limiter.hit(rate, scope, key):
                    stats = await side.limiter.get_window_stats(rate, scope, key)
                    wait = seconds_until(stats.reset_time)
            except Exception as error:
                self._availability.failed(error)
                return None
            self._availability.answered()
            return wait

    def hit_sync(self, rate: RateLimitItem, scope: str, key: str) -> float | None:
        """Do what `hit` does, in a thread without an event loop."""
        if not self._availability.ask():
            return None
        try:
            wait = hit(self._limiter, rate, scope, key)
        except Exception as error:
            self._availability.failed(error)
            return None
        self._availability.answered()
        return wait

    def forget(self, rate: RateLimitItem, scope: str, key: str) -> None:
        """Forget the hits of one key, if Redis answers."""
        if not self._availability.ask():
            return
        try:
            self._limiter.clear(rate, scope, key)
        except Exception as error:
            self._availability.failed(error)
        else:
            self._availability.answered()

    def ping(self) -> bool:
        """Say whether Redis answers; while it does not, only every RETRY_SECONDS one call asks."""
        if not self._availability.ask():
            return False
        try:
            self._storage.get_connection().ping()
        except Exception as error:
            self._availability.failed(error)
            return False
        self._availability.answered()
        return True

    async def aclose(self) -> None:
        """Close all connections; those of the event loop from inside that loop."""
        self._pool.disconnect()
        side, self._loop_side = self._loop_side, None
        if side is not None:
            await side.pool.aclose()

    def _side_of_this_loop(self) -> "_LoopSide":
        loop = asyncio.get_running_loop()
        if self._loop_side is None or self._loop_side.loop is not loop:
            self._loop_side = _LoopSide(loop, self._url)
        return self._loop_side


class _LoopSide:
    """What belongs to one event loop, as the connections of redis.asyncio do."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str) -> None:
        from redis.asyncio import ConnectionPool
        from redis.asyncio.retry import Retry

        self.loop = loop
        self.slots = asyncio.Semaphore(REDIS_CONNECTIONS)
        self.pool = ConnectionPool.from_url(url, **_options(Retry))
        pool: Any = self.pool  # limits documents this option, and its types do not know it
        storage = limits.aio.storage.RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=project.current().package,
            connection_pool=pool,
        )
        self.limiter = limits.aio.strategies.MovingWindowRateLimiter(storage)


def _options(retry: Any) -> dict[str, Any]:
    """Return options of a connection pool, for the Retry class of either kind of client."""
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError

    return {
        "socket_connect_timeout": REDIS_CONNECT_SECONDS,
        "socket_timeout": REDIS_ANSWER_SECONDS,
        # Once more for a pooled connection that a restart of Redis has closed, but not for a
        # server that hangs: redis-py's own policy tries that again for seconds.
        "retry": retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }


def hit(limiter: MovingWindowRateLimiter, rate: RateLimitItem, scope: str, key: str) -> float:
    """Count one hit: 0.0 if allowed, else the seconds to wait."""
    if limiter.hit(rate, scope, key):
        return 0.0
    return seconds_until(limiter.get_window_stats(rate, scope, key).reset_time)


def seconds_until(reset: float) -> float:
    """Return the seconds until then, so that a hit after them is surely allowed."""
    # 1 ms more: Redis rounds the time to 0.1 ms, and a hit on the very edge is refused.
    return max(0.01, math.ceil((reset - time.time() + 0.001) * 100) / 100)
