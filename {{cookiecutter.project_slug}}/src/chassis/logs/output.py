"""Where lines go, the console and a file, and where they come from when code prints."""

import contextlib
import io
import logging
import logging.handlers
import os
import sys
import threading
from pathlib import Path
from typing import TextIO

from ..settings import Settings, SettingsError
from .redaction import MAX_TEXT, text_of


class Console(logging.StreamHandler[TextIO]):
    """Writes to standard output."""

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
        super().__init__(stream)

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - its name in logging
        """Go on in silence: nobody reads the output any more."""


class LogFile(logging.handlers.RotatingFileHandler):
    """Writes to LOG_FILE; when that fails (disk full) the console says so once."""

    def __init__(self, path: Path, size: int, number: int, console: Console) -> None:
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


def open_log_file(settings: Settings, path: Path, console: Console) -> LogFile:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return LogFile(path, settings.log_max_bytes, settings.log_backup_count, console)
    except OSError as error:
        raise SettingsError(
            f"LOG_FILE: cannot write {str(path)!r} ({error.strerror}); "
            "for example LOG_FILE=logs/app.log in a directory that the app may write to"
        ) from None


class Printed(io.TextIOBase):
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
