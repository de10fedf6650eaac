"""What people see while the database is away, in Chromium."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chassis.auth.roles import Role
from chassis.database import migrate
from chassis.testing.browser import VARIABLES, Tab, add_user, database_of
from chassis.testing.postgres_server import running_postgres
from chassis.testing.servers import running_server
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # that of the other servers
def test_a_page_says_that_the_database_is_away_and_comes_back(
    new_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    with running_postgres() as postgres:
        with database_of(postgres.url):
            migrate.upgrade()
            add_user(Role.EDITOR)
        with running_server(tmp_path, VARIABLES | {"DATABASE_URL": postgres.url}) as server:
            tab = new_tab(user="editor", at=server)
            tab.open("/notes?lang=en")
            text = tab.page.get_by_label("Text", exact=True)
            add = tab.page.get_by_role("button", name="Add", exact=True)
            text.fill("Drill")
            postgres.kill()
            add.click()
            tab.page.get_by_text("The database does not answer. Nothing was saved").wait_for()
            tab.shot("database-away")
            postgres.start()
            expect(text).to_have_value("Drill")
            add.click()
            tab.page.get_by_text("1 notes").wait_for()
            # A reload meets it away, too, and the page comes back without another one.
            postgres.kill()
            tab.page.reload()
            tab.page.get_by_text("The database does not answer.").first.wait_for()
            postgres.start()
            tab.page.get_by_role("button", name="Try again").click()
            tab.page.get_by_test_id("stDataFrame").wait_for()
