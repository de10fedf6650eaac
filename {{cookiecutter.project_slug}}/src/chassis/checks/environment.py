"""What production wants of APP_ENV and of the log."""

from ..settings import get_settings
from . import OK, Result


def app_env() -> Result:
    """This is production."""
    settings = get_settings()
    if settings.is_production:
        return OK
    return Result("fail", f"APP_ENV is {settings.app_env}", "set APP_ENV=production")


def debug() -> Result:
    """Visitors see no debug panel."""
    if not get_settings().app_debug:
        return OK
    return Result("fail", "APP_DEBUG is on", "set APP_DEBUG=false")


def log_level() -> Result:
    """The log tells what is needed, not all that visitors do."""
    if get_settings().log_level != "DEBUG":
        return OK
    return Result("warn", "LOG_LEVEL is DEBUG: it is slow, and logs what visitors do")


def log_format() -> Result:
    """Log collectors can read the log."""
    settings = get_settings()
    if settings.log_format == "json" or settings.is_development:
        return OK
    return Result("warn", "LOG_FORMAT is text: log collectors want json")


def strict_names() -> Result:
    """A mistyped name stops the start."""
    settings = get_settings()
    if settings.strict_env or settings.is_development:
        return OK
    return Result("warn", "STRICT_ENV is off: mistyped names go unnoticed")
