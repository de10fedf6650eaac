"""Signing in and out as a user sees it; screenshots are kept in build/screenshots."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from {{cookiecutter.package_name}}.auth import users
from {{cookiecutter.package_name}}.auth.roles import Role
from {{cookiecutter.package_name}}.i18n import LANGUAGES

from ..conftest import Server, running_server
from .conftest import (
    PASSWORD,
    SYSTEM,
    VARIABLES,
    Tab,
    add_user,
    database_of,
    start_session,
    tab_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.browser

# How soon open tabs notice that their session has ended: 10 s, and the time to load a page.
FOLLOWS_MS = 15_000
NEW_PASSWORD = "nine yellow giraffes"


def cookies(tab: Tab) -> dict[str, str]:
    return {str(one["name"]): str(one["value"]) for one in tab.page.context.cookies()}


def sign_out(tab: Tab) -> None:
    tab.page.get_by_test_id("stSidebar").get_by_role("button").filter(
        has=tab.page.locator("[data-testid=stIconMaterial]", has_text="logout")
    ).click()


def is_signed_in(tab: Tab) -> bool:
    return tab.page.get_by_test_id("stSidebarNavLink").count() > 0


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
def test_a_day_of_a_user(new_tab: Callable[..., Tab], server: Server, language: str) -> None:
    tab = new_tab(user=None)
    tab.open(f"/health?lang={language}")
    assert not is_signed_in(tab)
    before = cookies(tab)["session"]

    tab.try_to_sign_in("viewer", "wrong")
    tab.page.get_by_test_id("stAlert").wait_for()
    assert not is_signed_in(tab)
    assert cookies(tab)["session"] == before

    tab.sign_in("viewer")
    assert cookies(tab)["session"] != before
    # The page and the language that were asked for, and nothing of the code in the address.
    assert tab.page.url.startswith(f"{tab.url}/health")
    assert tab.page.locator("html").evaluate("() => location.search") in ("", f"?lang={language}")
    expect(tab.page.get_by_test_id("stSidebar")).to_contain_text("viewer")
    tab.shot(f"signed-in-{language}")

    tab.page.reload()
    tab.wait()
    assert is_signed_in(tab)

    other = tab_in(tab.page.context, server)
    other.open(f"/?lang={language}")
    assert is_signed_in(other)

    sign_out(tab)
    tab.wait_for_sign_in_page()
    tab.shot(f"signed-out-{language}")
    other.wait_for_sign_in_page(FOLLOWS_MS)
    tab.page.go_back()
    tab.wait_for_sign_in_page()
    tab.check()
    other.check()


def test_scripts_cannot_read_the_session(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab(user=None)
    tab.open()
    tab.sign_in("viewer")
    token = cookies(tab)["session"]
    stored = tab.page.evaluate(
        "document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"
    )
    assert token not in stored
    assert "device" not in stored
    assert token not in tab.page.content()


def test_a_restart_of_the_server_signs_nobody_out(
    new_tab: Callable[..., Tab], server: Server, tmp_path: Path
) -> None:
    variables = VARIABLES | {"DATABASE_URL": server.database}
    with running_server(tmp_path, variables) as first:
        tab = new_tab(user=None, at=first)
        tab.open()
        tab.sign_in("editor")
        first.stop()
        port = first.url.rpartition(":")[2]
        again = {"APP_PORT": port, "APP_BASE_URL": first.url}
        with running_server(tmp_path, variables | again):
            tab.page.reload()
            tab.wait()
            assert is_signed_in(tab)


def test_a_disabled_user_is_out_everywhere(new_tab: Callable[..., Tab], server: Server) -> None:
    with database_of(server.database):
        account = add_user(Role.EDITOR, "leaver")
    tab, phone = new_tab(user="leaver"), new_tab(390, user="leaver")
    tab.open("/account")
    phone.open()
    with database_of(server.database):
        users.disable(account.id, SYSTEM)
    tab.wait_for_sign_in_page(FOLLOWS_MS)
    phone.wait_for_sign_in_page(FOLLOWS_MS)
    tab.try_to_sign_in("leaver", PASSWORD)
    tab.page.get_by_test_id("stAlert").wait_for()
    assert not is_signed_in(tab)


def test_a_new_role_is_seen_at_once(new_tab: Callable[..., Tab], server: Server) -> None:
    with database_of(server.database):
        account = add_user(Role.VIEWER, "climber")
    tab = new_tab(user="climber")
    tab.open()
    links = tab.page.get_by_test_id("stSidebarNavLink")
    assert not links.and_(tab.page.locator("[href$='/users']")).count()
    with database_of(server.database):
        users.set_roles(account.id, {Role.ADMIN}, SYSTEM)
    tab.wait_for_sign_in_page(FOLLOWS_MS)
    tab.sign_in("climber")
    tab.follow(f"{tab.url}/users")
    tab.check()


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


def test_the_password_is_changed(new_tab: Callable[..., Tab], server: Server) -> None:
    with database_of(server.database):
        add_user(Role.VIEWER, "changer")
    tab, elsewhere = new_tab(user="changer"), new_tab(user="changer")
    elsewhere.open("/health")
    tab.open("/account?lang=en")
    before = cookies(tab)["session"]
    for label, text in (
        ("Current password", PASSWORD),
        ("New password", NEW_PASSWORD),
        ("Repeat the new password", NEW_PASSWORD),
    ):
        tab.page.get_by_label(label, exact=True).fill(text)
    tab.page.get_by_role("button", name="Change the password").click()
    tab.page.get_by_text("The password is changed.").wait_for()
    assert tab.page.url.startswith(f"{tab.url}/account")
    assert is_signed_in(tab)
    assert cookies(tab)["session"] != before
    elsewhere.wait_for_sign_in_page(FOLLOWS_MS)
    elsewhere.try_to_sign_in("changer", PASSWORD)
    elsewhere.page.get_by_test_id("stAlert").wait_for()
    elsewhere.sign_in("changer", NEW_PASSWORD)


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


def test_a_first_password_is_replaced(new_tab: Callable[..., Tab], server: Server) -> None:
    with database_of(server.database):
        add_user(Role.ADMIN, "starter", must_change_password=True)
    tab = new_tab(user=None)
    tab.open("/users?lang=en")
    tab.try_to_sign_in("starter", PASSWORD)
    tab.page.get_by_text("choose a password of your own").wait_for()
    assert not is_signed_in(tab)
    tab.shot("first-password")
    for label, text in (
        ("Current password", PASSWORD),
        ("New password", NEW_PASSWORD),
        ("Repeat the new password", NEW_PASSWORD),
    ):
        tab.page.get_by_label(label, exact=True).fill(text)
    tab.page.get_by_role("button", name="Change the password").click()
    tab.wait_for_menu()
    expect(tab.page.locator("h1")).to_have_text("Users")
    tab.check()


def test_sessions_elsewhere_are_ended(new_tab: Callable[..., Tab], server: Server) -> None:
    with database_of(server.database):
        add_user(Role.VIEWER, "traveller")
    home, hotel = new_tab(user="traveller"), new_tab(user="traveller")
    hotel.open()
    home.open("/account?lang=en")
    home.page.get_by_role("button", name="Sign out everywhere else").click()
    home.page.get_by_text("signed out everywhere else").wait_for()
    hotel.wait_for_sign_in_page(FOLLOWS_MS)
    assert is_signed_in(home)
    home.check()


def test_an_admin_ends_a_session(new_tab: Callable[..., Tab], server: Server) -> None:
    with database_of(server.database):
        add_user(Role.VIEWER, "guest")
    assert start_session(server, "guest")
    guest, admin = new_tab(user="guest"), new_tab()
    guest.open()
    admin.open("/users?lang=en")
    admin.page.get_by_role("combobox", name=re.compile("Change a user")).click()
    admin.page.get_by_role("option", name="guest").click()
    admin.page.get_by_role("button", name="End all sessions").wait_for()
    admin.shot("users-one")
    admin.page.get_by_role("button", name="End all sessions").click()
    guest.wait_for_sign_in_page(FOLLOWS_MS)
    admin.check()
