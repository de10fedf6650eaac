"""One log for everything: our code, the standard library, Streamlit and uvicorn.

`get_logger(__name__).info("order saved", order=7)` makes one line: a JSON object in production,
readable text in development. Inside a script run the session, the page and the run are added.
"""

from .configuration import configure
from .context import error_id, run_context
from .loggers import get_logger

__all__ = ["configure", "error_id", "get_logger", "run_context"]
