"""The `sessions` commands: who is signed in, and ending that; each returns the lines to print."""

import click

from ..auth import sessions as sign_ins
from ..auth.users import UserError
from .table import columns
from .users import AccountGroup, account_of, command_line_actor


@click.group(cls=AccountGroup)
def sessions() -> None:
    """Show who is signed in, and end sessions."""


@sessions.command("list")
@click.option("--user", "username", help="Only the sessions of this user.")
def list_sessions(username: str | None) -> str:
    """Show the sessions that have not ended."""
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
        for session in sign_ins.list_sessions(user_id)
    ]
    return columns(rows)


@sessions.command()
@click.argument("session_id", type=int, required=False)
@click.option("--user", "username", help="All sessions of this user.")
def revoke(session_id: int | None, username: str | None) -> str:
    """End the session SESSION_ID; its open tabs are closed."""
    if (session_id is None) == (username is None):
        raise UserError("name either the ID of a session or --user")
    actor = command_line_actor()
    if username is not None:
        ended = sign_ins.revoke_user(account_of(username).id, actor)
    else:
        ended = int(sign_ins.revoke(session_id or 0, actor))
        if not ended:
            raise UserError(f"there is no session {session_id}")
    return f"ended {ended} sessions; their tabs close within 10 seconds"
