"""Rate limits for requests, connects, and expensive actions.

Counted in Redis where REDIS_URL is set, so that several processes share the limits. While Redis
is away each process counts in its own memory, and asks Redis again every few seconds.
"""

from .actions import rate_limited
from .addresses import counted
from .limiter import Limiter, get_limiter

__all__ = ["Limiter", "counted", "get_limiter", "rate_limited"]
