"""Terminals that know few letters."""

import io
import sys


def escape_unknown_letters() -> None:
    """Show letters that a terminal cannot as escapes: on a Latin-1 one, names may be Korean."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
