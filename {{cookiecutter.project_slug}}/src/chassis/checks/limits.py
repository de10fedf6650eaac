"""The rate limits: are they shared by all processes?"""

from ..limits import get_limiter
from ..settings import get_settings
from . import Result


def redis() -> Result | None:
    """Redis answers, where it is used."""
    if get_settings().redis_url is None:
        return None
    if get_limiter().ping():
        return Result("pass", "reachable")
    return Result("warn", "unreachable, limits hold for each process on its own")
