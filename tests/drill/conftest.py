"""What the drills share: the project with its nginx site in front of two instances."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from baking import run
from nginx import Site, free_ports, program, site
from serving import PRODUCTION, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running_site(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return the site of the default bake on loopback, in front of two instances."""
    program()
    root = tmp_path_factory.mktemp("nginx")
    ports = free_ports()
    variables = {**PRODUCTION, "APP_BASE_URL": f"https://localhost:{ports[443]}"}
    with contextlib.ExitStack() as stack:
        for port in (8501, 8502):
            app = stack.enter_context(serving(project, root / f"app-{port}", **variables))
            ports[port] = app.port
        copied = run(project / "deploy/nginx/copy-static", project, root / "www/static", cwd=root)
        assert copied.returncode == 0, copied.stderr
        yield stack.enter_context(site(project, root, ports))
