"""How the log of a process is set up."""

import logging
import sys

from pydantic import SecretStr

from .. import project
from ..settings import Settings
from .adopt import adopt_hooks, adopt_streamlit, adopt_uvicorn
from .line import Formatter
from .output import Console, Printed, open_log_file
from .redaction import hide_keys, hide_values


def configure(settings: Settings) -> None:
    """Send every log of this process through one format; raise SettingsError for a bad LOG_FILE."""
    as_json = settings.log_format == "json"
    stdout, stderr = (getattr(stream, "original", stream) for stream in (sys.stdout, sys.stderr))
    console = Console(stdout)
    console.setFormatter(Formatter(as_json=as_json, colors=stdout.isatty()))
    handlers: list[logging.Handler] = [console]
    if settings.log_file is not None:
        file = open_log_file(settings, settings.log_file, console)
        file.setFormatter(Formatter(as_json=as_json, colors=False))
        handlers.append(file)
    logging.basicConfig(handlers=handlers, level=settings.log_level, force=True)
    # At DEBUG watchdog logs each change of a file, also of the log file, and never stops.
    logging.getLogger("watchdog").setLevel(logging.INFO)
    values = [getattr(settings, name) for name in type(settings).model_fields]
    hide_values(value.get_secret_value() for value in values if isinstance(value, SecretStr))
    hide_keys(project.current().secret_keys)
    adopt_streamlit()
    adopt_uvicorn()
    adopt_hooks()
    sys.stdout = Printed("stdout", logging.INFO, stdout) if as_json else stdout
    sys.stderr = Printed("stderr", logging.WARNING, stderr) if as_json else stderr
