"""Which run a line belongs to, and the ids by which people find it again."""

import secrets

from .. import kept, streamlit_private
from .redaction import session_hash


def run_context() -> dict[str, str]:
    """Return session_id (hash), page and run_id of the script run of this thread; else nothing."""
    session_id = streamlit_private.session_id()
    if session_id is None:
        return {}
    page = streamlit_private.page_name() or "home"
    result = {"session_id": session_hash(session_id), "page": page}
    if (owner := streamlit_private.run_owner()) is not None:
        result["run_id"] = kept.on(owner, "run_id", _new_id)
    return result


def error_id(error: BaseException) -> str:
    """Return the id of an error, the same for the log line and for what the user is told."""
    return kept.on(error, "error_id", _new_id)


def _new_id() -> str:
    return secrets.token_hex(4)
