"""The `users` commands: accounts without the web interface; each returns the lines to print."""

import getpass
import sys
from typing import Any

import click

from ..auth import passwords
from ..auth import users as accounts
from ..auth.audit import Actor
from ..auth.roles import Role
from ..auth.users import Account, UserError
from ..database import revisions
from ..database.chains import RevisionError
from .table import columns

ROLE_OPTION = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    required=True,
    help="Each role includes those before it.",
)


GROUP_OPTION = click.option(
    "--group", "groups", multiple=True, help="A group of app.py; can be repeated."
)


class AccountCommand(click.Command):
    """A command that needs the tables as this version of the app knows them."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command, unless the database does not fit."""
        if (status := revisions.status()) not in revisions.FITTING:
            raise RevisionError(revisions.problem(status))
        return super().invoke(context)


class AccountGroup(click.Group):
    """A group of such commands."""

    command_class = AccountCommand


@click.group(cls=AccountGroup)
def users() -> None:
    """Add, change and remove accounts (AUTH_BACKEND=password).

    Passwords are asked for, or read from standard input; they are never arguments.
    """


@users.command()
@click.argument("username")
@ROLE_OPTION
@GROUP_OPTION
@click.option("--name", default="", help="The name to show.")
@click.option("--email", default="", help="The e-mail address.")
@click.option("--generate", "how", flag_value="generate", help="Make and print a password.")
@click.option("--code", "how", flag_value="code", help="Print a code to choose a password with.")
@click.option("--hash", "with_hash", is_flag=True, help="Read an argon2id or bcrypt hash instead.")
def add(
    username: str,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    name: str,
    email: str,
    how: str | None,
    with_hash: bool,
) -> str:
    """Add an account.

    Its password is to be changed at the first sign-in.
    """
    password = password_hash = None
    if with_hash:
        password_hash = _read_line("Hash: ")
    elif how == "generate":
        password = passwords.generate()
    elif how is None:
        password = _read_password()
    account = accounts.create(
        username,
        roles=[Role(role) for role in roles],
        groups=groups,
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


@users.command("list")
def list_users() -> str:
    """Show all accounts."""
    found, _total = accounts.list_accounts(limit=1_000_000)
    rows = [("USER", "ROLES", "GROUPS", "BACKEND", "STATE", "LAST SIGN-IN")]
    for account in found:
        last = account.last_login_at
        rows.append(
            (
                account.username,
                ",".join(sorted(account.roles)),
                ",".join(sorted(account.groups)) or "-",
                account.backend,
                "enabled" if account.enabled else "disabled",
                f"{last:%Y-%m-%d %H:%M} UTC" if last else "never",
            )
        )
    return columns(rows)


@users.command()
@click.argument("username")
def disable(username: str) -> str:
    """Take the right to sign in, and end all sessions."""
    accounts.disable(account_of(username).id, command_line_actor())
    return f"disabled {username}; all sessions end within 10 seconds"


@users.command()
@click.argument("username")
def enable(username: str) -> str:
    """Give the right to sign in back."""
    accounts.enable(account_of(username).id, command_line_actor())
    return f"enabled {username}"


@users.command()
@click.argument("username")
@click.option("--generate", is_flag=True, help="Make and print a password.")
def set_password(username: str, generate: bool) -> str:
    """Set a password, and end all sessions.

    It is to be changed at the next sign-in.
    """
    account = account_of(username)
    password = passwords.generate() if generate else _read_password()
    accounts.set_password(account.id, password, command_line_actor())
    text = f"changed the password of {username}; all sessions end within 10 seconds"
    return f"{text}; the new password: {password}" if generate else text


@users.command()
@click.argument("username")
@ROLE_OPTION
def set_roles(username: str, roles: tuple[str, ...]) -> str:
    """Replace the roles, and end all sessions."""
    granted = [Role(role) for role in roles]
    accounts.set_roles(account_of(username).id, granted, command_line_actor())
    names = ", ".join(sorted(roles))
    return f"{username} has the roles {names}; all sessions end within 10 seconds"


@users.command()
@click.argument("username")
@GROUP_OPTION
def set_groups(username: str, groups: tuple[str, ...]) -> str:
    """Replace the groups, and end all sessions.

    Without --group the user is in none.
    """
    accounts.set_groups(account_of(username).id, groups, command_line_actor())
    names = ", ".join(sorted(groups)) or "none"
    return f"{username} has the groups: {names}; all sessions end within 10 seconds"


@users.command()
@click.argument("username")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(username: str, *, yes: bool) -> str:
    """Delete an account; the audit log stays."""
    account = account_of(username)
    if not yes:
        click.confirm(f"The account {account.username} is deleted. Go on?", abort=True)
    accounts.remove(account.id, command_line_actor())
    return f"removed {username}"


@users.command()
@click.argument("username")
def reset_code(username: str) -> str:
    """Print a code to choose a new password with, once."""
    return _new_code(account_of(username))


def account_of(username: str) -> Account:
    """Return the account of this name; raises UserError."""
    account = accounts.find(username)
    if account is None:
        raise UserError(f"there is no user {username!r}")
    return account


def command_line_actor() -> Actor:
    """Return who runs this command, for the audit log."""
    return Actor(None, f"command line ({_system_user()})")


def _new_code(account: Account) -> str:
    code = accounts.make_reset_code(account.id, command_line_actor())
    return f"code for {account.username}, valid once within {accounts.RESET_CODE_HOURS} h: {code}"


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
