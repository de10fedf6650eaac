"""This process: does Streamlit run, and are visitors welcome?"""

from .. import health, streamlit_private
from . import Result


def runtime() -> Result:
    """Streamlit accepts sessions."""
    reason = streamlit_private.why_not_running()
    return Result("fail", reason) if reason else Result("pass", "running")


def drain() -> Result:
    """This process does not drain."""
    if health.is_draining():
        return Result("fail", f"draining, open sessions: {health.sessions_open()}")
    return Result("pass", "accepting sessions")
