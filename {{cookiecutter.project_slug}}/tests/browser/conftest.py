"""A real Chromium that looks at the running application."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from ..conftest import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

    from ..conftest import Server

SCREENSHOTS = PROJECT / "build" / "screenshots"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = "Chromium is missing: apt-get install chromium, or playwright install chromium"

# Streamlit looks for the folder that it is served from, and starts with that of the page: at
# /health it asks for /health/_stcore/health, and takes the 404 for an answer.
PROBES = ("/_stcore/health", "/_stcore/host-config")

NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return the system's Chromium, or the one that playwright has installed."""
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, CHROMIUM)), None)
        path = path or playwright.chromium.executable_path
        if not Path(path).exists():
            if os.environ.get("REQUIRE_ALL") == "1":
                pytest.fail(INSTALL)
            pytest.skip(INSTALL)
        # Chromium refuses its sandbox to root, which is who runs the tests in containers.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@dataclass
class Tab:
    """A browser tab with a notebook of what went wrong in it."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> None:
        """Go to an address of the app and wait until the page is drawn."""
        self.page.goto(self.url + path)
        self.wait()

    def wait(self) -> None:
        """Wait until the script has run to its end and the title is drawn."""
        self.page.locator("[data-test-script-state=notRunning]").wait_for()
        self.page.locator("h1").wait_for()
        self.page.get_by_test_id("stSkeleton").first.wait_for(state="detached")

    def follow(self, address: str) -> None:
        """Click the link of a page in the menu."""
        self.page.get_by_test_id("stSidebarNavLink").and_(
            self.page.locator(f"[href='{address}']")
        ).click()
        self.page.wait_for_url(f"{address}*")
        self.wait()

    def check(self) -> None:
        """Fail if the browser complained about anything."""
        violations = self.page.evaluate("window.violations")
        assert self.problems + violations == []
        assert not self.page.get_by_test_id("stException").count()
        assert self.overflow() <= 0, "the page scrolls sideways"

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        width: int = self.page.evaluate(
            "Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
            ".map((element) => element.scrollWidth - element.clientWidth))"
        )
        return width

    def note_message(self, message: ConsoleMessage) -> None:
        """Note an error of the console."""
        if message.type == "error" and not message.location["url"].endswith(PROBES):
            self.problems.append(f"{message.text} ({message.location['url']})")

    def note_request(self, request: Request) -> None:
        """Note a request to another host."""
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.problems.append(f"request to {request.url}")


@pytest.fixture
def new_tab(browser: Browser, server: Server) -> Iterator[Callable[..., Tab]]:
    """Return a function that opens a tab; it takes the options of playwright's new_context."""
    contexts = []

    def open_tab(width: int = 1280, **options: Any) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        context.add_init_script(NOTE_VIOLATIONS)
        tab = Tab(context.new_page(), server.url)
        tab.page.set_default_timeout(30_000)
        tab.page.on("console", tab.note_message)
        tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
        tab.page.on("request", tab.note_request)
        return tab

    yield open_tab
    for context in contexts:
        context.close()
