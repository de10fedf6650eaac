"""The `users` commands: accounts without the web interface."""

import getpass
import sys
from collections.abc import Sequence

import click

from ..auth import passwords, users
from ..auth.audit import Actor
from ..auth.roles import Role
from ..auth.users import Account
from .table import columns


def add(
    username: str, roles: Sequence[str], *, name: str, email: str, how: str, with_hash: bool
) -> str:
    """Add an account; `how` is "ask" for a password, "generate" or "code"."""
    granted = [Role(role) for role in roles]
    password = password_hash = None
    if with_hash:
        password_hash = _read_line("Hash: ")
    elif how == "generate":
        password = passwords.generate()
    elif how == "ask":
        password = _read_password()
    account = users.create(
        username,
        roles=granted,
        actor=command_line_actor(),
        password=password,
        password_hash=password_hash,
        name=name,
        email=email,
        must_change_password=not with_hash,
    )
    text = f"added {account.username} ({', '.join(sorted(account.roles))})"
    if how == "generate" and password is not None:
        return f"{text}; the password, to be changed at the first sign-in: {password}"
    if how == "code":
        return f"{text}\n{_new_code(account)}"
    return text


def table() -> str:
    """Return all accounts, one line each."""
    accounts, _total = users.list_accounts(limit=1_000_000)
    rows = [("USER", "ROLES", "BACKEND", "STATE", "LAST SIGN-IN")]
    for account in accounts:
        last = account.last_login_at
        rows.append(
            (
                account.username,
                ",".join(sorted(account.roles)),
                account.backend,
                "enabled" if account.enabled else "disabled",
                f"{last:%Y-%m-%d %H:%M} UTC" if last else "never",
            )
        )
    return columns(rows)


def disable(username: str) -> str:
    """Disable an account."""
    users.disable(account_of(username).id, command_line_actor())
    return f"disabled {username}; all sessions end within 10 seconds"


def enable(username: str) -> str:
    """Enable an account."""
    users.enable(account_of(username).id, command_line_actor())
    return f"enabled {username}"


def set_password(username: str, *, generate: bool) -> str:
    """Set a password that its user must change at the next sign-in."""
    account = account_of(username)
    password = passwords.generate() if generate else _read_password()
    users.set_password(account.id, password, command_line_actor())
    text = f"changed the password of {username}; all sessions end within 10 seconds"
    return f"{text}; the new password: {password}" if generate else text


def set_roles(username: str, roles: Sequence[str]) -> str:
    """Change the roles of an account."""
    users.set_roles(account_of(username).id, [Role(role) for role in roles], command_line_actor())
    names = ", ".join(sorted(roles))
    return f"{username} has the roles {names}; all sessions end within 10 seconds"


def remove(username: str) -> str:
    """Delete an account."""
    users.remove(account_of(username).id, command_line_actor())
    return f"removed {username}"


def reset_code(username: str) -> str:
    """Make a code with which the user can choose a new password."""
    return _new_code(account_of(username))


def account_of(username: str) -> Account:
    """Return the account of this name; raises UserError."""
    account = users.find(username)
    if account is None:
        raise users.UserError(f"there is no user {username!r}")
    return account


def command_line_actor() -> Actor:
    """Return who runs this command, for the audit log."""
    return Actor(None, f"command line ({_system_user()})")


def _new_code(account: Account) -> str:
    code = users.make_reset_code(account.id, command_line_actor())
    return f"code for {account.username}, valid once within {users.RESET_CODE_HOURS} h: {code}"


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return "unknown"


def _read_password() -> str:
    """Ask twice; without a terminal take one line. Arguments would be visible to all processes."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _read_line(prompt: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    text: str = click.prompt(prompt, prompt_suffix="")
    return text.strip()
