"""What a person does in a browser at a generated app; as a program it signs somebody in.

visiting.py CHROMIUM URL USER GIVEN_PASSWORD OWN_PASSWORD: the first sign-in of a new user, at a
site whose name leads to this machine, then visits with the same session from other browsers. Prints
the instances that served them.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect, sync_playwright

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
    page.locator("input[autocomplete=username]").first.fill(username)
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


def main() -> None:
    """Sign in as the arguments say."""
    chromium, url, username, given, own = sys.argv[1:]
    leads_here = f"--host-resolver-rules=MAP {urlsplit(url).hostname} 127.0.0.1"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", leads_here]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        context = browser.new_context(ignore_https_errors=True)  # the certificate signs itself
        page = context.new_page()
        visit(page, url)
        enter(page, username, given)
        choose_password(page, given, own)
        state = context.storage_state()
        state["cookies"] = [one for one in state["cookies"] if one["name"] == "__Host-session"]
        instances = set()
        for _ in range(4):
            another = browser.new_context(ignore_https_errors=True, storage_state=state)
            page = another.new_page()
            visit(page, url)
            wait_for_menu(page)
            expect(page.get_by_test_id("stSidebar")).to_contain_text(username)
            instances |= {o["value"] for o in another.cookies() if o["name"].endswith("_instance")}
        print(*sorted(instances))
        browser.close()


if __name__ == "__main__":
    main()
