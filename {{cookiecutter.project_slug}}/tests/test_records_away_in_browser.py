"""The equipment page while the database is away; delete this file together with it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from chassis import Role
from chassis.testing.browser import VARIABLES, Tab, add_user, database_of
from chassis.testing.postgres_server import running_postgres
from chassis.testing.servers import running_server
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # that of the other servers
def test_what_was_entered_is_still_there(new_tab: Callable[..., Tab], tmp_path: Path) -> None:
    with running_postgres() as postgres:
        upgrade = [sys.executable, "-m", "chassis", "db", "upgrade"]
        subprocess.run(upgrade, env={**os.environ, "DATABASE_URL": postgres.url}, check=True)
        with database_of(postgres.url):
            add_user(Role.EDITOR)
        with running_server(tmp_path, VARIABLES | {"DATABASE_URL": postgres.url}) as server:
            tab = new_tab(user="editor", at=server)
            tab.open("/records?lang=en")
            tab.page.get_by_role("button", name="Add", exact=True).click()
            form = tab.page.get_by_role("dialog")
            form.get_by_label("Asset no.", exact=True).fill("T-1")
            form.get_by_label("Name", exact=True).fill("Drill")
            form.get_by_label("Price", exact=True).fill("10")
            postgres.kill()
            form.get_by_role("button", name="Save").click()
            tab.page.get_by_text("The database does not answer, so this is not saved").wait_for()
            tab.shot("records-database-away")
            postgres.start()
            expect(form.get_by_label("Name", exact=True)).to_have_value("Drill")
            form.get_by_role("button", name="Save").click()
            tab.page.get_by_text("Added T-1.").wait_for()
