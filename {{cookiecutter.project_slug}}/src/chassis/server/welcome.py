"""What a developer reads when the app has started: where it is, how to stop it, where to begin."""

import inspect
from pathlib import Path
from typing import Final

import click

from .. import project
from ..settings import Settings
from . import service_manager
from .running import host_of

POLL_SECONDS: Final = 0.1


async def say(settings: Settings) -> None:
    """Print the address once it answers, and what to do next."""
    host, port = host_of(settings.app_host), settings.app_port
    await service_manager.until_it_answers(host, port, POLL_SECONDS)
    click.secho(f"\n  {project.current().name} is at {settings.app_base_url}\n", bold=True)
    click.echo(f"  Ctrl-C stops it. A saved file shows at once: begin with {_first_page()}\n")


def _first_page() -> Path:
    """Return the file of the start page, relative to the folder of the project where it can be."""
    ours = project.current()
    pages = ours.pages()
    page = next((page for page in pages if page.default), pages[0])
    if isinstance(page.script, str):
        file = ours.folder / page.script
    else:
        file = Path(inspect.getfile(inspect.unwrap(page.script)))
    return file.relative_to(ours.root) if file.is_relative_to(ours.root) else file
