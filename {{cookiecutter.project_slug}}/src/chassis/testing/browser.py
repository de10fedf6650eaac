"""A real Chromium that looks at the running application: a plugin beside `chassis.testing`."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from ..auth import audit, sessions, users
from ..auth.roles import Role
from ..database import engine
from ..settings import get_settings
from .databases import fresh_database
from .servers import PRODUCTION, Server, running_server

SCREENSHOTS = Path("build/screenshots").absolute()
# The first is the same engine without the windows and menus around it: a page takes less time.
CHROMIUM = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
INSTALL = "Chromium is missing: apt-get install chromium, or playwright install chromium"

# A busy machine draws slowly; Playwright's own limit for what is expected is 5 seconds.
WAIT_MILLISECONDS = 30_000
expect.set_options(timeout=WAIT_MILLISECONDS)
# How soon open tabs notice that their session has ended: 10 s, and the time to load a page.
FOLLOWS_MILLISECONDS = 15_000
# Of a window, in pixels.
HEIGHT = 900

# Streamlit looks for the folder that it is served from, and starts with that of the page: at
# /health it asks for /health/_stcore/health, and takes the 404 for an answer.
PROBES = ("/_stcore/health", "/_stcore/host-config")
# What Streamlit's frontend warns of when the server closes the tabs of a session that has ended.
SESSION_ENDED = "WebSocket onclose: code=1008"

NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""


# The users of the server are called as their roles, and have this password.
PASSWORD = "seven purple elephants"
SYSTEM = audit.Actor(None, "test")
VARIABLES = PRODUCTION | {
    "AUTH_BACKEND": "password",
    "RATE_LIMIT_LOGIN_IP": "1000/minute",
    "RATE_LIMIT_LOGIN_ACCOUNT": "1000/minute",
}


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return a database without users, of each kind."""
    with fresh_database(request.param, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="session")
def browser_server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server in production shape with a user of each role."""
    with database_of(database_url):
        for role in Role:
            add_user(role)
    directory = tmp_path_factory.mktemp("browser")
    with running_server(directory, VARIABLES | {"DATABASE_URL": database_url}) as running:
        yield running


def add_user(role: Role, username: str = "", **options: Any) -> users.Account:
    """Add a user with the password of the tests."""
    options = {"password": PASSWORD, "must_change_password": False, **options}
    return users.create(username or role.value, roles={role}, actor=SYSTEM, **options)


@contextmanager
def database_of(url: str) -> Iterator[None]:
    """Work on the database of a server, as its command line does while it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTH_BACKEND", "password")
        patch.setenv("DATABASE_URL", url)
        get_settings.cache_clear()
        yield
        sessions.forget_cached()
        engine.forget()
    get_settings.cache_clear()


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
        # Where there is no graphics card, to imitate one takes a third of the time of these tests.
        # Cameras and microphones are made up, and who may use them is asked of nobody.
        media = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        arguments = ["--disable-gpu", *media]
        if os.geteuid() == 0:  # Chromium refuses its sandbox to root, who runs tests in containers
            arguments.append("--no-sandbox")
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

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        """Fill in the form and wait until the app is there."""
        self.try_to_sign_in(username, password)
        self.wait_for_menu()

    def wait_for_menu(self) -> None:
        """Wait for what only somebody who is signed in sees."""
        self.page.get_by_test_id("stSidebarNavLink").first.wait_for(state="attached")
        self.wait()

    def is_signed_in(self) -> bool:
        """Return whether the menu is there, which nobody else sees."""
        return self.page.get_by_test_id("stSidebarNavLink").count() > 0

    def session_cookie(self) -> str:
        """Return the token of the session."""
        cookies = self.page.context.cookies()
        return next(str(one["value"]) for one in cookies if one["name"] == "session")

    def try_to_sign_in(self, username: str, password: str) -> None:
        """Fill in the form and send it."""
        # Visible: that in the folded part of the page may for a moment be the only one.
        self.page.locator("input[autocomplete=username]:visible").first.fill(username)
        password_field = self.page.locator("input[autocomplete=current-password]")
        password_field.fill(password)
        password_field.press("Enter")

    def wait_for_sign_in_page(self, timeout: float = WAIT_MILLISECONDS) -> None:
        """Wait until the app asks who is there."""
        field = self.page.locator("input[autocomplete=current-password]")
        field.wait_for(timeout=timeout)
        self.page.get_by_test_id("stSidebarNavLink").first.wait_for(state="detached")
        self.problems = [text for text in self.problems if not text.startswith(SESSION_ENDED)]

    def shot(self, name: str) -> None:
        """Keep what the tab shows, in its full height."""
        width = (self.page.viewport_size or {"width": 1280})["width"]
        height = self.page.get_by_test_id("stMain").evaluate("(e) => e.scrollHeight")
        self.page.set_viewport_size({"width": width, "height": max(HEIGHT, height)})
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

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

    def unfold(self, label: str) -> None:
        """Open an expander, and wait until it has stopped moving.

        It slides for half a second, also for who asks for less motion. A button in it may meanwhile
        move away between the press and the release of the mouse, and the click is lost.
        """
        expander = self.page.get_by_test_id("stExpander").filter(has_text=label)
        expander.locator("summary").click()
        self.page.wait_for_function(
            "(expander) => !expander.getAnimations({subtree: true}).length",
            arg=expander.element_handle(),
        )

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        width: int = self.page.evaluate(
            "Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
            ".map((element) => element.scrollWidth - element.clientWidth))"
        )
        return width

    def note_message(self, message: ConsoleMessage) -> None:
        """Note an error or a warning of the console."""
        is_bad = message.type in {"error", "warning"}
        if is_bad and not message.location["url"].endswith(PROBES):
            self.problems.append(f"{message.text} ({message.location['url']})")

    def note_request(self, request: Request) -> None:
        """Note a request to another host."""
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.problems.append(f"request to {request.url}")


@pytest.fixture(scope="session")
def left() -> list[BrowserContext]:
    """Return the browsers that tests have left, which have compiled the scripts of the pages."""
    return []


@pytest.fixture
def new_tab(
    browser: Browser,
    left: list[BrowserContext],
    browser_server: Server,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Tab]]:
    """Return a function that opens a tab in a browser of its own, signed in as `user`.

    None as user is a stranger.
    """
    contexts = []
    failed_before = request.session.testsfailed

    def open_tab(
        width: int = 1280,
        *,
        user: str | None = "admin",
        at: Server = browser_server,
        color_scheme: Literal["light", "dark"] = "light",
        has_touch: bool = False,
    ) -> Tab:
        context = left.pop() if left else new_context(browser)
        contexts.append(context)
        if user is not None:
            token = start_session(at, user)
            context.add_cookies([{"name": "session", "value": token, "url": at.url}])
        tab = tab_in(context, at)
        tab.page.set_viewport_size({"width": width, "height": HEIGHT})
        tab.page.emulate_media(color_scheme=color_scheme)
        touch = context.new_cdp_session(tab.page)
        touch.send("Emulation.setTouchEmulationEnabled", {"enabled": has_touch})
        return tab

    yield open_tab
    if request.session.testsfailed > failed_before:
        keep_pages([page for context in contexts for page in context.pages], request.node)
    for context in contexts:
        forget(context)
        left.append(context)


def new_context(browser: Browser) -> BrowserContext:
    """Start a browser that shares nothing with the others."""
    # Animations take time to draw, and no two screenshots of them are the same.
    context = browser.new_context(
        viewport={"width": 1280, "height": HEIGHT}, reduced_motion="reduce"
    )
    context.add_init_script(NOTE_VIOLATIONS)
    return context


def forget(context: BrowserContext) -> None:
    """Close the tabs of a browser, and delete all that it keeps but its caches."""
    for page in context.pages:
        page.close()
    page = context.new_page()
    everything = {"origin": "*", "storageTypes": "all"}
    context.new_cdp_session(page).send("Storage.clearDataForOrigin", everything)
    page.close()


def keep_pages(pages: list[Page], test: pytest.Item) -> None:
    """Keep what tabs show as the test fails: a picture, and the text in its report."""
    for number, page in enumerate(pages):
        name = re.sub(r"\W+", "-", f"failed-{test.name}-{number}")
        page.screenshot(path=SCREENSHOTS / f"{name}.png")
        test.add_report_section("teardown", name, f"{page.url}\n{page.inner_text('body')}")


def tab_in(context: BrowserContext, server: Server) -> Tab:
    """Open one more tab in a browser."""
    tab = Tab(context.new_page(), server.url)
    tab.page.set_default_timeout(WAIT_MILLISECONDS)
    tab.page.on("console", tab.note_message)
    tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.page.on("request", tab.note_request)
    return tab


def start_session(server: Server, username: str) -> str:
    """Sign a user in without the form; return the value of the cookie."""
    with database_of(server.database):
        user = users.find(username)
        assert user is not None
        return sessions.start(user.id, "127.0.0.1")
