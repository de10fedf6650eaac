"""The limiter of this process: moving windows, counted in Redis or in memory."""

import functools

from limits import parse
from limits.strategies import MovingWindowRateLimiter

from ..settings import get_settings
from .storage import BoundedMemoryStorage, RedisWindows, hit

parse_rate = functools.lru_cache(maxsize=256)(parse)


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
        rate = parse_rate(item)
        wait = await self._redis.hit(rate, scope, key) if self._redis else None
        return hit(self._memory, rate, scope, key) if wait is None else wait

    def hit_sync(self, item: str, scope: str, key: str) -> float:
        """Do what `hit` does, in a thread without an event loop, such as a script run."""
        if not self._enabled:
            return 0.0
        rate = parse_rate(item)
        wait = self._redis.hit_sync(rate, scope, key) if self._redis else None
        return hit(self._memory, rate, scope, key) if wait is None else wait

    def forget(self, item: str, scope: str, key: str) -> None:
        """Forget the hits of one key, as after a sign-in that succeeded."""
        rate = parse_rate(item)
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
