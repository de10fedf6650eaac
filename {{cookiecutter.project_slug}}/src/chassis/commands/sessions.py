"""The `sessions` commands: who is signed in, and ending that."""

from ..auth import sessions
from ..auth.users import UserError
from .table import columns
from .users import account_of, command_line_actor


def table(username: str | None) -> str:
    """Return the sessions of one user or of all, one line each."""
    user_id = account_of(username).id if username else None
    rows = [("ID", "USER", "SINCE (UTC)", "LAST USED (UTC)", "ADDRESS")]
    rows += [
        (
            str(session.id),
            session.username,
            f"{session.created_at:%Y-%m-%d %H:%M}",
            f"{session.used_at:%Y-%m-%d %H:%M}",
            session.address,
        )
        for session in sessions.list_sessions(user_id)
    ]
    return columns(rows)


def revoke(session_id: int | None, username: str | None) -> str:
    """End one session by its number, or all of a user."""
    if (session_id is None) == (username is None):
        raise UserError("name either the ID of a session or --user")
    actor = command_line_actor()
    if username is not None:
        ended = sessions.revoke_user(account_of(username).id, actor)
    else:
        ended = int(sessions.revoke(session_id or 0, actor))
        if not ended:
            raise UserError(f"there is no session {session_id}")
    return f"ended {ended} sessions; their tabs close within 10 seconds"
