"""One log for everything: our code, the standard library, Streamlit and uvicorn.

`get_logger(__name__).info("order saved", order=7)` makes one line: a JSON object in production,
readable text in development. Inside a script run the session, the page and the run are added.
"""

import contextlib
import io
import json
import logging
import logging.handlers
import os
import secrets
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

import streamlit.error_util
import streamlit.logger
import structlog
import uvicorn.config
from pydantic import SecretStr
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from structlog.typing import EventDict

from ..settings import Settings, SettingsError
from .redaction import MAX_TEXT, clean, hide_values, redact, session_hash, text_of

MAX_TRACEBACK: Final = 2 * MAX_TEXT


# Loggers work from the import on; until `configure` they write to what the standard library has.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; pass `__name__`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


_log = get_logger(__name__)


def configure(settings: Settings) -> None:
    """Send every log of this process through one format; raise SettingsError for a bad LOG_FILE."""
    as_json = settings.log_format == "json"
    stdout, stderr = (getattr(stream, "original", stream) for stream in (sys.stdout, sys.stderr))
    console = _Console(stdout)
    console.setFormatter(_Formatter(as_json=as_json, colors=stdout.isatty()))
    handlers: list[logging.Handler] = [console]
    if settings.log_file is not None:
        file = _open_log_file(settings, settings.log_file, console)
        file.setFormatter(_Formatter(as_json=as_json, colors=False))
        handlers.append(file)
    logging.basicConfig(handlers=handlers, level=settings.log_level, force=True)
    # At DEBUG watchdog logs each change of a file, also of the log file, and never stops.
    logging.getLogger("watchdog").setLevel(logging.INFO)
    values = [getattr(settings, name) for name in type(settings).model_fields]
    hide_values(value.get_secret_value() for value in values if isinstance(value, SecretStr))
    _adopt_streamlit()
    _adopt_uvicorn()
    _adopt_hooks()
    sys.stdout = _Printed("stdout", logging.INFO, stdout) if as_json else stdout
    sys.stderr = _Printed("stderr", logging.WARNING, stderr) if as_json else stderr


def run_context() -> dict[str, str]:
    """Return session_id (hash), page and run_id of the script run of this thread; else nothing."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return {}
    result = {"session_id": session_hash(context.session_id), "page": _page(context)}
    if context.parallel_coordinator is not None:
        # Streamlit makes a new coordinator for each run and shares it with the threads of parallel
        # fragments; setdefault is atomic, so that they agree.
        result["run_id"] = vars(context.parallel_coordinator).setdefault(
            "_app_run_id", secrets.token_hex(4)
        )
    return result


def error_id(error: BaseException) -> str:
    """Return the id of an error, the same for the log line and for what the user is told."""
    result: str = vars(error).setdefault("_app_error_id", secrets.token_hex(4))
    return result


def _page(context: ScriptRunContext) -> str:
    """Return the URL name of the running page, "home" for the default page."""
    pages = context.pages_manager
    info: Any = pages.get_pages().get(context.page_script_hash, {})
    # Before the first st.navigation of a session only the requested name is known.
    return str(info.get("url_pathname", pages.intended_page_name) or "home")


# --- One line -------------------------------------------------------------------------------------


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Makes one line of a record, whatever is in it."""

    def __init__(self, *, as_json: bool, colors: bool) -> None:
        super().__init__(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _drop_noise],
            processors=[_line, _write_json if as_json else _text_writer(colors=colors)],
            # `_message` does it: a wrong number of arguments must not lose the message.
            use_get_message=False,
            pass_foreign_args=True,
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; if that fails, a line that says where it came from."""
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - servers differ in what they raise
            fields = {
                "timestamp": _timestamp(record),
                "level": "error",
                "logger": __name__,
                "event": "log line could not be written",
                "reason": type(error).__name__,
                "source": f"{record.name}, line {record.lineno}",
            }
            return json.dumps(fields)


def _drop_noise(_logger: Any, _method: str, fields: EventDict) -> EventDict:
    """Drop what libraries and handlers put on their records for formatters of their own."""
    for name in ("asctime", "color_message", "message", "websocket"):
        fields.pop(name, None)
    return fields


def _line(_logger: Any, _method: str, fields: EventDict) -> EventDict:
    """Put together what a line says: the standard fields first, all of it redacted."""
    record: logging.LogRecord = fields.pop("_record")
    del fields["_from_structlog"]
    error = _error(fields.pop("exc_info", None))
    line: EventDict = {
        "timestamp": _timestamp(record),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": redact(_message(fields.pop("event", ""), fields.pop("positional_args", ()))),
    }
    for name in ("timestamp", "level", "logger"):
        if name in fields:
            fields[f"{name}_"] = fields.pop(name)
    if error is not None and record.levelno >= logging.ERROR:
        fields["error_id"] = error_id(error)
    line.update(clean({**run_context(), **fields}))
    if error is not None:
        line["exception"] = redact(_traceback(error), MAX_TRACEBACK)
    return line


def _timestamp(record: logging.LogRecord) -> str:
    """Return the time of a record as RFC 3339 writes it, in UTC with milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(event: object, arguments: Any) -> str:
    """Put the arguments into the message, as the standard library does it."""
    text = text_of(event).strip()
    if not arguments:
        return text
    if isinstance(arguments, tuple) and len(arguments) == 1 and isinstance(arguments[0], dict):
        arguments = arguments[0]
    try:
        return str(text % arguments)
    except Exception:  # noqa: BLE001 - any error of a foreign object
        return f"{text} {text_of(arguments)}"


def _error(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info is True:
        exc_info = sys.exception()
    return exc_info if isinstance(exc_info, BaseException) else None


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    except Exception:  # noqa: BLE001 - any error of a foreign object
        return f"<unprintable {type(error).__name__}>"


def _write_json(_logger: Any, _method: str, fields: EventDict) -> str:
    text = json.dumps(fields, ensure_ascii=False)
    return text if text.isascii() else _visible(text)


def _text_writer(*, colors: bool) -> structlog.typing.Processor:
    """Return a renderer for people: lines that belong to one event are indented."""
    console = structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )

    def write(logger: Any, method: str, fields: EventDict) -> str:
        for name, value in fields.items():
            if isinstance(value, str) and not value.isprintable():
                fields[name] = _visible(value).replace("\n", "\n    ")
        return str(console(logger, method, fields))

    return write


# Control characters; separators that other programs take for the end of a line; marks that turn
# the direction of a text around. JSON escapes the first 32 by itself, in the same way.
_INVISIBLE: Final = {
    code: f"\\u{code:04x}"
    for code in (
        *(code for code in range(0x20) if chr(code) not in "\t\n"),
        *range(0x7F, 0xA0),
        *(0x200E, 0x200F, 0x2028, 0x2029),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
}


def _visible(text: str) -> str:
    """Escape what a terminal or another program could misunderstand, and make it valid UTF-8."""
    return text.translate(_INVISIBLE).encode("utf-8", "replace").decode("utf-8")


# --- Where lines go -------------------------------------------------------------------------------


class _Console(logging.StreamHandler[TextIO]):
    """Writes to standard output."""

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
        super().__init__(stream)

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - its name in logging
        """Go on in silence: nobody reads the output any more."""


class _LogFile(logging.handlers.RotatingFileHandler):
    """Writes to LOG_FILE; when that fails (disk full) the console says so once."""

    def __init__(self, path: Path, size: int, number: int, console: _Console) -> None:
        super().__init__(
            path, maxBytes=size, backupCount=number, encoding="utf-8", errors="replace"
        )
        self._console = console
        self._failing = self._failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self._failed = False
        super().emit(record)
        if self._failing and not self._failed:
            self._failing = False
            self._say("the log file can be written again")

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - its name in logging
        """Go on without the file; the console has every line too."""
        self._failed = True
        with contextlib.suppress(OSError):
            if self.stream is not None:
                self.stream.close()
        self.stream = None  # opened again by the next line
        if not self._failing:
            self._failing = True
            self._say(f"the log file cannot be written: {text_of(sys.exception())}")

    def _say(self, event: str) -> None:
        # Not through a logger: since Python 3.14 that is ignored inside of a handler.
        record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, event, (), None)
        self._console.handle(record)

    def _open(self) -> io.TextIOWrapper:
        stream = super()._open()
        # A full disk or a crash leaves half a line, which must not spoil the next one.
        if stream.tell() and not _ends_line(Path(self.baseFilename)):
            stream.write("\n")
        return stream


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _open_log_file(settings: Settings, path: Path, console: _Console) -> _LogFile:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _LogFile(path, settings.log_max_bytes, settings.log_backup_count, console)
    except OSError as error:
        raise SettingsError(
            f"LOG_FILE: cannot write {str(path)!r} ({error.strerror}); "
            "for example LOG_FILE=logs/app.log in a directory that the app may write to"
        ) from None


class _Printed(io.TextIOBase):
    """Stands in for sys.stdout and sys.stderr: each line that code prints becomes a log line."""

    encoding = "utf-8"

    def __init__(self, name: str, level: int, original: TextIO) -> None:
        self.original = original
        self._level = level
        self._logger = logging.getLogger(name)
        self._unfinished = threading.local()

    def write(self, text: str) -> int:
        """Log the lines that are complete."""
        *lines, rest = (getattr(self._unfinished, "text", "") + text).split("\n")
        if len(rest) > MAX_TEXT:
            lines, rest = [*lines, rest], ""
        self._unfinished.text = rest
        for line in lines:
            if line.strip():
                self._logger.log(self._level, "%s", line.rstrip())
        return len(text)

    def writable(self) -> bool:
        """Tell that this can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the real stream, for faulthandler and subprocesses."""
        return self.original.fileno()


# --- Other people's logs --------------------------------------------------------------------------


def _adopt_streamlit() -> None:
    """Take over Streamlit's loggers, which write by themselves, also after a config change."""
    streamlit.logger.setup_formatter = _use_root
    for logger in list(streamlit.logger._loggers.values()):
        _use_root(logger)
    # logger.enableRich would print script errors past the log; when this fails, they are logged.
    vars(streamlit.error_util)["_print_rich_exception"] = _no_rich


def _adopt_uvicorn() -> None:
    """Take over uvicorn's loggers; its own configuration may still come, so empty that as well."""
    uvicorn.config.LOGGING_CONFIG.update(handlers={}, loggers={})
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
    """Remove the handler that Streamlit gave to a logger; the one of the root logger remains."""
    if handler := vars(logger).pop("streamlit_console_handler", None):
        logger.removeHandler(handler)
    if logger.name == "uvicorn.access":
        return
    logger.propagate = True
    # uvicorn reports each websocket three times.
    quiet = logger.name == "uvicorn.error" and logging.getLogger().level > logging.DEBUG
    logger.setLevel(logging.WARNING if quiet else logging.NOTSET)


def _no_rich(_error: BaseException) -> None:
    raise NotImplementedError


def _adopt_hooks() -> None:
    """Log what Python would print: warnings, and errors that nobody caught."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(
    kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _log.info("interrupted")
    else:
        _log.critical("uncaught error", exc_info=error)


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread else None
        _log.error("uncaught error in a thread", thread=name, exc_info=args.exc_value)


def _log_unraisable(args: "sys.UnraisableHookArgs") -> None:
    _log.error(args.err_msg or "error ignored", object=args.object, exc_info=args.exc_value)
