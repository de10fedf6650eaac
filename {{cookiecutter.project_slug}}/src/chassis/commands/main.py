"""The command line; each command, or group of commands, is imported when it is asked for."""

import pkgutil
import sys
from typing import Any, Final

import click

from .. import project
from ..errors import ExplainedError
from ..terminal import escape_unknown_letters

# Where each command is, and its line in `--help`, which imports none of them.
COMMANDS: Final = {
    "backup": ("backup:backup", "Save database and uploaded files, and get them back."),
    "check": ("check:check", "Show every setting with its source, and what is wrong."),
    "db": ("database:db", "Bring the database to the revision that the code needs."),
    "doctor": ("doctor:doctor", "Examine machine and installation, and say what helps."),
    "drain": ("drain:drain", "Send new visitors elsewhere; open sessions go on."),
    "loadtest": ("loadtest:loadtest", "Open many sessions and measure how long their reruns take."),
    "reference": ("reference:reference", "Write .env.example and docs/settings.md."),
    "serve": ("serve:serve", "Start the app; this process becomes the server."),
    "sessions": ("sessions:sessions", "Show who is signed in, and end sessions."),
    "smoke": ("smoke:smoke", "Visit the server on this machine as a browser would."),
    "users": ("users:users", "Add, change and remove accounts (AUTH_BACKEND=password)."),
}


class CommandLine(click.Group):
    """The group of all commands: loads them late, and prints what they return or refuse."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*COMMANDS, *project.current().commands})

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name in COMMANDS:
            command: click.Command = pkgutil.resolve_name(f"{__package__}.{COMMANDS[name][0]}")
            return command
        own = project.current()
        return own.load(own.commands[name]) if name in own.commands else None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; those of the chassis are not imported for that."""
        lines = {name: line for name, (_home, line) in COMMANDS.items()}
        for name in project.current().commands:
            if command := self.get_command(context, name):
                lines.setdefault(name, command.get_short_help_str(limit=100))
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command; an error that explains itself becomes its lines and exit code 1."""
        escape_unknown_letters()
        try:
            return super().main(*arguments, **options)
        except ExplainedError as error:
            click.echo(str(error), err=True)
            sys.exit(1)


def _show_version(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"{context.find_root().info_name}, version {project.current().version}")
        context.exit()


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
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


@main.result_callback()
def show(text: str | None) -> None:
    """Print what a command has returned."""
    if text is not None:
        click.echo(text)
