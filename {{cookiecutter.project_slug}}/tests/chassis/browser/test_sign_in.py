"""Signing in and out as a user sees it; screenshots are kept in build/screenshots."""

import re
import time
from collections.abc import Callable

import pytest
from chassis import project
from chassis.auth.roles import Role
from chassis.server.open_tabs import POLL_SECONDS
from chassis.testing.browser import (
    FOLLOWS_MILLISECONDS,
    PASSWORD,
    Tab,
    add_user,
    database_of,
    tab_in,
)
from chassis.testing.servers import Server
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser

LANGUAGES = project.current().languages

NEW_PASSWORD = "nine yellow giraffes"


def sign_out(tab: Tab) -> None:
    tab.page.get_by_test_id("stSidebar").get_by_role("button").filter(
        has=tab.page.locator("[data-testid=stIconMaterial]", has_text="logout")
    ).click()


def change_password(tab: Tab) -> None:
    for label, text in (
        ("Current password", PASSWORD),
        ("New password", NEW_PASSWORD),
        ("Repeat the new password", NEW_PASSWORD),
    ):
        tab.page.get_by_label(label, exact=True).fill(text)
    tab.page.get_by_role("button", name="Change the password").click()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sign_in_page(new_tab: Callable[..., Tab], language: str, scheme: str, width: int) -> None:
    tab = new_tab(width, user=None, color_scheme=scheme)
    tab.open(f"/?lang={language}")
    tab.check()
    tab.shot(f"login-{width}-{scheme}-{language}")
    tab.try_to_sign_in("admin", "wrong")
    tab.page.get_by_test_id("stAlert").wait_for()
    tab.check()
    tab.shot(f"login-wrong-{width}-{scheme}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_of_a_user(
    new_tab: Callable[..., Tab], browser_server: Server, language: str
) -> None:
    tab = new_tab(user=None)
    tab.open(f"/health?lang={language}")
    assert not tab.is_signed_in()
    before = tab.session_cookie()

    tab.try_to_sign_in("viewer", "wrong")
    tab.page.get_by_test_id("stAlert").wait_for()
    assert not tab.is_signed_in()
    assert tab.session_cookie() == before

    tab.sign_in("viewer")
    assert tab.session_cookie() != before
    # The page and the language that were asked for, and nothing of the code in the address.
    assert tab.page.url.startswith(f"{tab.url}/health")
    assert tab.page.locator("html").evaluate("() => location.search") in ("", f"?lang={language}")
    expect(tab.page.get_by_test_id("stSidebar")).to_contain_text("viewer")
    tab.shot(f"signed-in-{language}")

    tab.page.reload()
    tab.wait()
    assert tab.is_signed_in()

    other = tab_in(tab.page.context, browser_server)
    other.open(f"/?lang={language}")
    assert other.is_signed_in()

    sign_out(tab)
    tab.wait_for_sign_in_page()
    tab.shot(f"signed-out-{language}")
    other.wait_for_sign_in_page(FOLLOWS_MILLISECONDS)
    tab.page.go_back()
    tab.wait_for_sign_in_page()
    tab.check()
    other.check()


@pytest.mark.parametrize("page", ["users", "audit"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_viewer_who_knows_the_address(
    new_tab: Callable[..., Tab], page: str, language: str
) -> None:
    tab = new_tab(user="viewer")
    tab.open(f"/{page}?lang={language}")
    tab.page.get_by_test_id("stAlert").wait_for()
    assert not tab.page.get_by_test_id("stMain").get_by_role("button").count()
    assert not tab.page.get_by_test_id("stDataFrame").count()
    assert not tab.page.locator(f"[data-testid=stSidebarNavLink][href$='/{page}']").count()
    tab.check()
    tab.shot(f"not-for-you-{page}-{language}")


def test_password_managers_find_the_fields(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab(user=None)
    tab.open()
    form = tab.page.get_by_test_id("stForm").first
    expect(form.locator("input[autocomplete=username][type=text]")).to_be_visible()
    expect(form.locator("input[autocomplete=current-password][type=password]")).to_be_visible()


def test_the_password_is_changed(new_tab: Callable[..., Tab], browser_server: Server) -> None:
    with database_of(browser_server.database):
        add_user(Role.VIEWER, "changer")
    tab, elsewhere = new_tab(user="changer"), new_tab(user="changer")
    elsewhere.open("/health")
    tab.open("/account?lang=en")
    before = tab.session_cookie()
    change_password(tab)
    tab.page.get_by_text("The password is changed.").wait_for()
    assert tab.page.url.startswith(f"{tab.url}/account")
    assert tab.is_signed_in()
    assert tab.session_cookie() != before
    elsewhere.wait_for_sign_in_page(FOLLOWS_MILLISECONDS)
    elsewhere.try_to_sign_in("changer", PASSWORD)
    elsewhere.page.get_by_test_id("stAlert").wait_for()
    elsewhere.sign_in("changer", NEW_PASSWORD)


def test_a_new_password_leads_back_on_a_slow_network(
    new_tab: Callable[..., Tab], browser_server: Server
) -> None:
    """All sessions have ended by then, also that of the tab which waits for the new one."""
    with database_of(browser_server.database):
        add_user(Role.VIEWER, "commuter")
    tab = new_tab(user="commuter")
    tab.open("/account?lang=en")

    def hold(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        time.sleep(POLL_SECONDS + 1)
        route.fulfill(response=answer)

    tab.page.route("**/auth/continue?*", hold)
    change_password(tab)
    tab.page.get_by_text("The password is changed.").wait_for()
    assert tab.is_signed_in()


def test_a_new_user_comes_in_by_a_code(new_tab: Callable[..., Tab]) -> None:
    admin = new_tab()
    admin.open("/users?lang=en")
    admin.page.get_by_role("button", name=re.compile("Add a user")).click()
    admin.page.get_by_label("User name", exact=True).fill("newcomer")
    admin.page.get_by_role("button", name="Add", exact=True).click()
    code = admin.page.get_by_test_id("stCode").inner_text().strip()
    admin.shot("users-code")

    tab = new_tab(user=None)
    tab.open("/?lang=en")
    tab.unfold("Forgotten password or first sign-in")
    form = tab.page.get_by_test_id("stForm").nth(1)
    form.get_by_label("User name").fill("newcomer")
    form.get_by_label("Code").fill(code)
    form.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    form.get_by_label("Repeat the new password").fill(NEW_PASSWORD)
    form.get_by_role("button", name="Set the password").click()
    tab.wait_for_menu()
    expect(tab.page.get_by_test_id("stSidebar")).to_contain_text("newcomer")
    tab.check()


def test_a_first_password_is_replaced(new_tab: Callable[..., Tab], browser_server: Server) -> None:
    with database_of(browser_server.database):
        add_user(Role.ADMIN, "starter", must_change_password=True)
    tab = new_tab(user=None)
    tab.open("/users?lang=en")
    tab.try_to_sign_in("starter", PASSWORD)
    tab.page.get_by_text("choose a password of your own").wait_for()
    assert not tab.is_signed_in()
    tab.shot("first-password")
    change_password(tab)
    tab.wait_for_menu()
    expect(tab.page.locator("h1")).to_have_text("Users")
    tab.check()
