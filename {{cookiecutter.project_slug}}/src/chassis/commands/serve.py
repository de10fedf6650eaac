"""The `serve` command."""

import gc

import click


@click.command()
def serve() -> None:
    """Start the app; this process becomes the server."""
    # Modules are no garbage, but looking through them takes a tenth of the start: off before the
    # imports, until server/lifespan.py has begun.
    gc.disable()
    from ..server import launch
    from ..settings import get_settings

    launch.serve(get_settings())
