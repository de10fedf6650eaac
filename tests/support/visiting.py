"""What a person does in a browser at a generated app."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "seven purple elephants"
GIVEN_PASSWORD = "nine yellow giraffes"
SIGN_IN = {"AUTH_BACKEND": "password", "AUTH_ALLOW_ANONYMOUS": "false"}


@dataclass(frozen=True)
class SharedDatabase:
    """A database file that several instances use."""

    project: Path
    file: Path

    @property
    def url(self) -> str:
        """Return it as DATABASE_URL."""
        return f"sqlite:///{self.file}"

    def add_user(self, username: str) -> None:
        """Add a user, who has to choose a password of their own, as an operator does."""
        command = self.project / ".venv/bin/my-internal-tool"
        subprocess.run(
            [command, "users", "add", username, "--role", "editor"],
            cwd=self.project,
            env={"APP_ENV": "development", "DATABASE_URL": self.url},
            input=f"{GIVEN_PASSWORD}\n".encode(),
            check=True,
        )


def visit(page: Page, url: str) -> None:
    """Open a page and wait until its script has run and nothing is loading."""
    page.goto(url)
    wait_for_run(page)
    page.wait_for_load_state("networkidle")


def wait_for_run(page: Page) -> None:
    """Wait until the script has run and the title is drawn."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    expect(page.locator("h1").first).to_be_visible(timeout=30_000)


def enter(page: Page, username: str, password: str) -> None:
    """Fill in the sign-in page and send it."""
    page.locator("input[autocomplete=username]:visible").first.fill(username)
    field = page.locator("input[autocomplete=current-password]")
    field.fill(password)
    field.press("Enter")


def choose_password(page: Page, given: str, own: str) -> None:
    """Do what the first sign-in asks for, and wait for the app."""
    page.get_by_text("choose a password of your own").wait_for()
    for label, text in (
        ("Current password", given),
        ("New password", own),
        ("Repeat the new password", own),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Change the password").click()
    wait_for_menu(page)


def wait_for_menu(page: Page) -> None:
    """Wait for what only somebody who is signed in sees."""
    page.get_by_test_id("stSidebarNavLink").first.wait_for(state="attached")
    wait_for_run(page)
