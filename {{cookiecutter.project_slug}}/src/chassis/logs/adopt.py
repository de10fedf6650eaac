"""Other people's logs: what Streamlit, uvicorn and Python would print by themselves."""

import logging
import sys
import threading
from types import TracebackType

from .. import streamlit_private
from .loggers import get_logger

log = get_logger(__name__)


def adopt_streamlit() -> None:
    """Take over Streamlit's loggers, which write by themselves, also after a config change."""
    streamlit_private.take_over_loggers(_use_root)
    streamlit_private.log_tracebacks()


def adopt_uvicorn() -> None:
    """Take over uvicorn's loggers; its own configuration may still come, so empty that as well."""
    streamlit_private.empty_uvicorn_logging()
    for name in ("uvicorn", "uvicorn.asgi", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        _use_root(logging.getLogger(name))
    logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)
    access = logging.getLogger("uvicorn.access")
    access.propagate = bool(access.handlers)  # without handlers it is switched off
    access.handlers.clear()


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Drop the error that uvicorn reports for each websocket that was refused.

    https://github.com/Kludex/uvicorn/pull/3138
    """
    return record.msg != "ASGI callable returned without completing handshake."


def _use_root(logger: logging.Logger) -> None:
    """Leave the lines of a logger to the handlers of the root logger, and to its level."""
    if logger.name == "uvicorn.access":
        return
    logger.propagate = True
    # uvicorn reports each websocket three times.
    quiet = logger.name == "uvicorn.error" and logging.getLogger().level > logging.DEBUG
    logger.setLevel(logging.WARNING if quiet else logging.NOTSET)


def adopt_hooks() -> None:
    """Log what Python would print: warnings, and errors that nobody caught."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(
    kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        log.info("interrupted")
    else:
        log.critical("uncaught error", exc_info=error)


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread else None
        log.error("uncaught error in a thread", thread=name, exc_info=args.exc_value)


def _log_unraisable(args: "sys.UnraisableHookArgs") -> None:
    log.error(args.err_msg or "error ignored", object=args.object, exc_info=args.exc_value)
