"""The command line; commands import what they need, so that --help is quick."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from .. import project


def _show_version(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"{context.find_root().info_name}, version {project.current().version}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Run and operate the app; settings come from the environment and from .env."""


@main.command()
def serve() -> None:
    """Start the app; this process becomes the server."""
    # Modules are no garbage, but looking through them takes a tenth of the start: off, until
    # server/lifespan.py has begun.
    gc.disable()
    from ..server import launch
    from ..settings import SettingsError, get_settings

    try:
        launch.serve(get_settings())
    except (SettingsError, launch.StartError) as error:
        _fail(str(error))


@main.command()
@click.option("--deploy", is_flag=True, help="List what must change before production.")
def check(deploy: bool) -> None:
    """Show every setting with its source, and what is wrong.

    Exit code 1 if something is wrong or, with --deploy, must change.
    """
    from .check import run

    sys.exit(run(deploy))


@main.command()
def doctor() -> None:
    """Examine machine and installation, and say how to mend them."""
    from .doctor import run

    sys.exit(run())


@main.group()
def db() -> None:
    """Bring the database to the revision that the code needs."""


@db.command()
@click.argument("revision", default="head")
@click.option(
    "--keep", metavar="OLDER", help="Refuse to break running code that `db head` calls so."
)
def upgrade(revision: str, keep: str | None) -> None:
    """Go forward to REVISION of the project, or to the newest one.

    The tables of the chassis become the newest, too. "0001+0003", as `head` shows it, names
    revisions of both.
    """
    from . import database

    with _database_errors():
        click.echo(database.upgrade(revision, keep))


@db.command()
def head() -> None:
    """Show the newest revisions that this version of the app knows: chassis+project."""
    from . import database

    with _database_errors():
        click.echo(database.head())


@db.command(context_settings={"ignore_unknown_options": True})  # -1 is a revision
@click.argument("revision")
@click.confirmation_option(prompt="Newer tables and columns are deleted with their data. Go on?")
def downgrade(revision: str) -> None:
    """Go back to REVISION of the project, or "-1" for one step.

    "base" is before all tables; "0001+0003", as `current` shows it, names revisions of both.
    """
    from . import database

    with _database_errors():
        click.echo(database.downgrade(revision))


@db.command()
def current() -> None:
    """Show the revision of the database; exit code 1 if the code cannot work with it."""
    from . import database

    with _database_errors():
        text, is_current = database.current()
    click.echo(text)
    sys.exit(0 if is_current else 1)


@db.command()
@click.argument("message")
@click.option("--chassis", "for_chassis", is_flag=True, hidden=True)  # who develops the template
def revision(message: str, for_chassis: bool) -> None:
    """Write a migration for what has changed in the models."""
    from . import database

    with _database_errors():
        click.echo(database.revision(message, for_chassis=for_chassis))


@db.command()
def rotate_keys() -> None:
    """Encrypt the encrypted columns anew, with the first of DATA_ENCRYPTION_KEYS."""
    from . import database

    with _database_errors():
        click.echo(database.rotate_keys())


@main.group()
def backup() -> None:
    """Save database and uploaded files, and get them back."""


@backup.command()
def create() -> None:
    """Make a backup in BACKUP_DIR, and copy it to BACKUP_S3_URL."""
    with _backup_errors():
        from . import backup as run

        click.echo(run.create())


@backup.command("list")
def list_backups() -> None:
    """Show all backups, the newest first."""
    with _backup_errors():
        from . import backup as run

        click.echo(run.table())


@backup.command()
@click.argument("name", required=False)
def verify(name: str | None) -> None:
    """Restore NAME, or the newest backup, into a scratch database, and compare."""
    with _backup_errors():
        from . import backup as run

        click.echo(run.verify(name))


@backup.command()
@click.argument("name")
@click.confirmation_option(prompt="The data of today is replaced by that of the backup. Go on?")
def restore(name: str) -> None:
    """Replace all data by that of NAME (see `list`), or of a file (./NAME).

    What is there before gets a backup of its own. The app must be stopped.
    """
    with _backup_errors():
        from . import backup as run

        click.echo(run.restore(name))


@backup.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
def prune(dry_run: bool) -> None:
    """Delete what is older than BACKUP_KEEP_DAYS; the newest and the last good one stay."""
    with _backup_errors():
        from . import backup as run

        click.echo(run.prune(dry_run=dry_run))


ROLES = click.Choice(["viewer", "editor", "admin"])
ROLE_OPTION = click.option(
    "--role",
    "roles",
    type=ROLES,
    multiple=True,
    required=True,
    help="Each role includes those before it.",
)


@main.group()
def users() -> None:
    """Add, change and remove accounts (AUTH_BACKEND=password).

    Passwords are asked for, or read from standard input; they are never arguments.
    """


@users.command()
@click.argument("username")
@ROLE_OPTION
@click.option("--name", default="", help="The name to show.")
@click.option("--email", default="", help="The e-mail address.")
@click.option("--generate", "how", flag_value="generate", help="Make and print a password.")
@click.option("--code", "how", flag_value="code", help="Print a code to choose a password with.")
@click.option("--hash", "with_hash", is_flag=True, help="Read an argon2id or bcrypt hash instead.")
def add(
    username: str, roles: tuple[str, ...], name: str, email: str, how: str | None, with_hash: bool
) -> None:
    """Add an account; its password is to be changed at the first sign-in."""
    with _user_errors():
        from . import users as run

        text = run.add(
            username, roles, name=name, email=email, how=how or "ask", with_hash=with_hash
        )
        click.echo(text)


@users.command("list")
def list_users() -> None:
    """Show all accounts."""
    with _user_errors():
        from . import users as run

        click.echo(run.table())


@users.command()
@click.argument("username")
def disable(username: str) -> None:
    """Take the right to sign in, and end all sessions."""
    with _user_errors():
        from . import users as run

        click.echo(run.disable(username))


@users.command()
@click.argument("username")
def enable(username: str) -> None:
    """Give the right to sign in back."""
    with _user_errors():
        from . import users as run

        click.echo(run.enable(username))


@users.command()
@click.argument("username")
@click.option("--generate", is_flag=True, help="Make and print a password.")
def set_password(username: str, generate: bool) -> None:
    """Set a password, which is to be changed at the next sign-in, and end all sessions."""
    with _user_errors():
        from . import users as run

        click.echo(run.set_password(username, generate=generate))


@users.command()
@click.argument("username")
@ROLE_OPTION
def set_roles(username: str, roles: tuple[str, ...]) -> None:
    """Replace the roles, and end all sessions."""
    with _user_errors():
        from . import users as run

        click.echo(run.set_roles(username, roles))


@users.command()
@click.argument("username")
@click.confirmation_option(prompt="The account is deleted. Go on?")
def remove(username: str) -> None:
    """Delete an account; the audit log stays."""
    with _user_errors():
        from . import users as run

        click.echo(run.remove(username))


@users.command()
@click.argument("username")
def reset_code(username: str) -> None:
    """Print a code with which the user can, once, choose a new password."""
    with _user_errors():
        from . import users as run

        click.echo(run.reset_code(username))


@main.group()
def sessions() -> None:
    """Show who is signed in, and end sessions."""


@sessions.command("list")
@click.option("--user", "username", help="Only the sessions of this user.")
def list_sessions(username: str | None) -> None:
    """Show the sessions that have not ended."""
    with _user_errors():
        from . import sessions as run

        click.echo(run.table(username))


@sessions.command()
@click.argument("session_id", type=int, required=False)
@click.option("--user", "username", help="All sessions of this user.")
def revoke(session_id: int | None, username: str | None) -> None:
    """End the session SESSION_ID; its open tabs are closed."""
    with _user_errors():
        from . import sessions as run

        click.echo(run.revoke(session_id, username))


@main.command()
@click.option("--off", is_flag=True, help="Accept new visitors again.")
@click.option(
    "--timeout",
    default=15.0,
    show_default=True,
    help="Seconds to wait for the server to confirm.",
)
def drain(off: bool, timeout: float) -> None:
    """Send new visitors elsewhere; open sessions go on.

    The server, which must run on this machine, answers 503 on /readyz, so that the load balancer
    chooses another one.
    """
    from ..settings import SettingsError, get_settings
    from .drain import DrainError, switch

    try:
        click.echo(switch(get_settings(), on=not off, timeout=timeout))
    except (SettingsError, DrainError) as error:
        _fail(str(error))


@main.command()
@click.option("--url", help="The app; without it, the server on APP_PORT of this machine.")
@click.option("--sessions", default=10, show_default=True, help="Visitors at the same time.")
@click.option("--reruns", default=5, show_default=True, help="Interactions of each visitor.")
@click.option("--think", default=1.0, show_default=True, help="Seconds between interactions.")
def loadtest(url: str | None, sessions: int, reruns: int, think: float) -> None:
    """Open many sessions and measure how long their reruns take."""
    from ..settings import SettingsError, get_settings
    from .loadtest import local_url, run

    try:
        run(url or local_url(get_settings()), sessions, reruns, think)
    except SettingsError as error:
        _fail(str(error))


@main.command()
def smoke() -> None:
    """Visit the server on APP_PORT of this machine as a browser would; exit code 1 if it fails."""
    from ..settings import SettingsError, get_settings
    from .smoke import SmokeError, run

    try:
        click.echo(run(get_settings()))
    except (SettingsError, SmokeError) as error:
        _fail(str(error))


@contextmanager
def _user_errors() -> Iterator[None]:
    """Print what is wrong with a user, a session or the database, and leave."""
    with _database_errors():
        from ..auth.users import UserError
        from ..database import revisions

        if (status := revisions.status()) not in revisions.FITTING:
            _fail(revisions.problem(status))
        try:
            yield
        except UserError as error:
            _fail(str(error))


@contextmanager
def _backup_errors() -> Iterator[None]:
    """Print what is wrong with a backup or the database, and leave."""
    with _database_errors():
        from ..backup import BackupError

        try:
            yield
        except BackupError as error:
            _fail(str(error))


@contextmanager
def _database_errors() -> Iterator[None]:
    """Print what is wrong with the database, and leave."""
    from ..database.chains import RevisionError
    from ..database.encryption import EncryptionError
    from ..database.engine import DatabaseUnavailable
    from ..settings import SettingsError

    try:
        yield
    except (SettingsError, DatabaseUnavailable, EncryptionError, RevisionError) as error:
        _fail(str(error))


def _fail(lines: str) -> None:
    """Print the problem and leave; no traceback."""
    click.echo(lines, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
