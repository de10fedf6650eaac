"""What the drills share: the project with its nginx site in front of two instances."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from baking import run
from nginx import Site, free_ports, program, site
from serving import PRODUCTION, serving
from visiting import (
    GIVEN_PASSWORD,
    PASSWORD,
    SIGN_IN,
    SharedDatabase,
    choose_password,
    enter,
    visit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def running_site(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return the site of the default bake on loopback, in front of two instances of blue."""
    program()
    root = tmp_path_factory.mktemp("nginx")
    ports = free_ports()
    database = SharedDatabase(project, root / "app.db")
    variables = {
        **PRODUCTION,
        **SIGN_IN,
        "APP_BASE_URL": f"https://localhost:{ports[443]}",
        "DATABASE_URL": database.url,
    }
    with contextlib.ExitStack() as stack:
        for port in (8501, 8502):
            app = stack.enter_context(serving(project, root / f"app-{port}", **variables))
            ports[port] = app.port
        database.add_user("ann")
        copied = run(project / "deploy/nginx/copy-static", project, root / "www/static", cwd=root)
        assert copied.returncode == 0, copied.stderr
        yield stack.enter_context(site(project, root, ports))


@pytest.fixture(scope="module")
def session_cookie(running_site: Site, browser: Browser) -> dict[str, str]:
    """Sign in for the first time, in the browser over TLS; return the cookie of the session."""
    context = browser.new_context(ignore_https_errors=True)  # the authority is the test's own
    page = context.new_page()
    visit(page, running_site.url)
    enter(page, "ann", GIVEN_PASSWORD)
    choose_password(page, GIVEN_PASSWORD, PASSWORD)
    cookies = {str(one["name"]): str(one["value"]) for one in context.cookies()}
    context.close()
    return {"name": "__Host-session", "value": cookies["__Host-session"], "url": running_site.url}
