"""The command line; commands import what they need, so that --help is quick."""

import sys

import click

from . import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Run and operate the app; settings come from the environment and from .env."""


@main.command()
def serve() -> None:
    """Start the app; this process becomes the server."""
    from .server import launch
    from .settings import SettingsError, get_settings

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
    from .ops.check import run

    sys.exit(run(deploy))


@main.command()
def doctor() -> None:
    """Examine machine and installation, and say how to mend them."""
    from .ops.doctor import run

    sys.exit(run())


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
    from .ops.drain import DrainError, switch
    from .settings import SettingsError, get_settings

    try:
        click.echo(switch(get_settings(), on=not off, timeout=timeout))
    except (SettingsError, DrainError) as error:
        _fail(str(error))


@main.command()
@click.option("--url", default="http://localhost:8501", show_default=True, help="The app.")
@click.option("--sessions", default=10, show_default=True, help="Visitors at the same time.")
@click.option("--reruns", default=5, show_default=True, help="Interactions of each visitor.")
@click.option("--think", default=1.0, show_default=True, help="Seconds between interactions.")
def loadtest(url: str, sessions: int, reruns: int, think: float) -> None:
    """Open many sessions and measure how long their reruns take."""
    from .ops.loadtest import run

    run(url, sessions, reruns, think)


def _fail(lines: str) -> None:
    """Print the problem and leave; no traceback."""
    click.echo(lines, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
