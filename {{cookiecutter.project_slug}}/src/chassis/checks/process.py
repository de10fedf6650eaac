"""This process: does Streamlit run, and are visitors welcome?"""

from streamlit.runtime import Runtime, RuntimeState

from .. import health
from . import Result


def runtime() -> Result:
    """Streamlit accepts sessions."""
    if not Runtime.exists():
        return Result("fail", "not started")
    state = Runtime.instance().state
    if state in {RuntimeState.INITIAL, RuntimeState.STOPPING, RuntimeState.STOPPED}:
        return Result("fail", state.name.lower())
    return Result("pass", "running")


def drain() -> Result:
    """This process does not drain."""
    if health.is_draining():
        return Result("fail", f"draining, open sessions: {health.sessions_open()}")
    return Result("pass", "accepting sessions")
