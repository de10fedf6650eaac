"""Every page as the user sees it: both languages, light and dark, desk and phone."""

from collections.abc import Callable

import pytest
from chassis import project
from chassis.settings import get_settings
from chassis.testing.browser import Tab
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.browser,
    # What pages look like does not depend on it.
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

LANGUAGES = project.current().languages
OTHER_LANGUAGES = [language for language in LANGUAGES if language != "en"]


def addresses(tab: Tab) -> list[str]:
    """Return the addresses of all pages in the menu."""
    links = tab.page.get_by_test_id("stSidebarNavLink")
    links.first.wait_for(state="attached")
    return [str(link.get_attribute("href")) for link in links.all()]


def brightness(tab: Tab) -> float:
    """Return how bright the background is, from 0 to 1."""
    channels: list[int] = tab.page.get_by_test_id("stApp").evaluate(
        "(e) => getComputedStyle(e).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    return sum(channels) / 3 / 255


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page(new_tab: Callable[..., Tab], language: str, scheme: str, width: int) -> None:
    tab = new_tab(width, color_scheme=scheme)
    tab.open("/")
    pages = addresses(tab)
    assert pages
    for address in pages:
        path = address.removeprefix(tab.url) or "/"
        tab.open(f"{path}?lang={language}")
        tab.check()
        assert (brightness(tab) < 0.5) == (scheme == "dark")
        tab.shot(f"{path.strip('/') or 'home'}-{width}-{scheme}-{language}")


def test_menu_opens_every_page(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab()
    tab.open()
    titles = set()
    for address in addresses(tab):
        tab.follow(address)
        tab.check()
        titles.add(tab.page.title())
    assert len(titles) == len(addresses(tab))
    assert all(title.endswith(f" · {get_settings().app_name}") for title in titles)


def test_phone_gets_the_menu_by_a_click(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab(390, has_touch=True)
    tab.open()
    last = addresses(tab)[-1]
    tab.page.get_by_test_id("stExpandSidebarButton").click()
    tab.follow(last)
    tab.check()


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_language_is_kept(new_tab: Callable[..., Tab], language: str) -> None:
    tab = new_tab()
    tab.open("/?lang=en")
    english = tab.page.title()
    tab.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    tab.page.get_by_role("option", name=LANGUAGES[language]).click()
    tab.page.wait_for_url(f"**/?lang={language}")
    # Between two titles of a page there is for a moment the name of the app alone.
    tab.page.wait_for_function(
        "(english) => document.title.includes(' · ') && document.title !== english", arg=english
    )
    translated = tab.page.title()

    tab.page.reload()
    tab.wait()
    expect(tab.page).to_have_title(translated)

    tab.follow(addresses(tab)[-1])
    tab.follow(addresses(tab)[0])
    expect(tab.page).to_have_title(translated)
    tab.check()


def test_developer_menu_is_hidden(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab()
    tab.open()
    assert not tab.page.get_by_test_id("stMainMenu").count()
    assert not tab.page.get_by_test_id("stAppDeployButton").count()
