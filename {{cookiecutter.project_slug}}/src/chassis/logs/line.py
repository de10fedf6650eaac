"""One line of the log: the fields of a record in their order, redacted, as JSON or as text."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from structlog.typing import EventDict

from .context import error_id, run_context
from .redaction import MAX_TEXT, clean, redact, text_of

MAX_TRACEBACK: Final = 2 * MAX_TEXT


class Formatter(structlog.stdlib.ProcessorFormatter):
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
