"""Every page, as people see it: both languages, light and dark, wide and narrow, in Chromium.

The screenshots are kept in build/screenshots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from baking import BUILD
from playwright.sync_api import Browser, ConsoleMessage, Request, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from serving import App

SCREENSHOTS = BUILD / "screenshots"
PAGES = {"home": "/", "equipment": "/records", "health": "/health", "about": "/about"}
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}

# Reported to the page's own console by the browser, whatever the app logs.
CATCH_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""


def wait_until_drawn(page: Page) -> None:
    """Wait until the script has run and nothing is loading any more."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    heading = page.get_by_test_id("stMain").get_by_role("heading", level=1)
    expect(heading).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)
    page.evaluate("document.fonts.ready")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_clean(
    app: App, browser: Browser, name: str, language: str, theme: str, size: str
) -> None:
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    problems: list[str] = []
    # Where a page is opened by its own address, Streamlit's front end first asks whether that is
    # the address of the app, and Chromium reports the answer 404 (in any Streamlit app).
    probes = {f"{app.url}{PAGES[name]}/_stcore/{probe}" for probe in ("health", "host-config")}

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and message.location["url"] not in probes:
            problems.append(f"{message.type}: {message.text} {message.location['url']}")

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"blob", "data"} and address.port != app.port:
            problems.append(f"request: {request.url}")

    page.on("console", on_console)
    page.on("request", on_request)
    page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
    page.add_init_script(CATCH_VIOLATIONS)
    page.goto(f"{app.url}{PAGES[name]}?lang={language}")
    wait_until_drawn(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth"), "scrolls"
    assert page.get_by_test_id("stException").count() == 0
    title = page.title()
    assert any("가" <= letter <= "힣" for letter in title) == (language == "ko"), title
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": width, "height": main.evaluate("main => main.scrollHeight")})
    page.screenshot(path=SCREENSHOTS / f"{name}-{language}-{theme}-{size}.png")
    page.close()
    assert problems == []
