"""What a session withstands, and what ends it, as its user sees it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from chassis.auth import users
from chassis.auth.roles import Role
from chassis.testing.browser import (
    FOLLOWS_MILLISECONDS,
    PASSWORD,
    SYSTEM,
    VARIABLES,
    Tab,
    add_user,
    database_of,
    start_session,
)
from chassis.testing.servers import Server, running_server

pytestmark = pytest.mark.browser


def test_scripts_cannot_read_the_session(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab(user=None)
    tab.open()
    tab.sign_in("viewer")
    token = tab.session_cookie()
    stored = tab.page.evaluate(
        "document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"
    )
    assert token not in stored
    assert "device" not in stored
    assert token not in tab.page.content()


def test_a_restart_of_the_server_signs_nobody_out(
    new_tab: Callable[..., Tab], browser_server: Server, tmp_path: Path
) -> None:
    variables = VARIABLES | {"DATABASE_URL": browser_server.database}
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
            assert tab.is_signed_in()


def test_a_disabled_user_is_out_everywhere(
    new_tab: Callable[..., Tab], browser_server: Server
) -> None:
    with database_of(browser_server.database):
        account = add_user(Role.EDITOR, "leaver")
    tab, phone = new_tab(user="leaver"), new_tab(390, user="leaver")
    tab.open("/account")
    phone.open()
    with database_of(browser_server.database):
        users.disable(account.id, SYSTEM)
    tab.wait_for_sign_in_page(FOLLOWS_MILLISECONDS)
    phone.wait_for_sign_in_page(FOLLOWS_MILLISECONDS)
    tab.try_to_sign_in("leaver", PASSWORD)
    tab.page.get_by_test_id("stAlert").wait_for()
    assert not tab.is_signed_in()


def test_a_new_role_is_seen_at_once(new_tab: Callable[..., Tab], browser_server: Server) -> None:
    with database_of(browser_server.database):
        account = add_user(Role.VIEWER, "climber")
    tab = new_tab(user="climber")
    tab.open()
    links = tab.page.get_by_test_id("stSidebarNavLink")
    assert not links.and_(tab.page.locator("[href$='/users']")).count()
    with database_of(browser_server.database):
        users.set_roles(account.id, {Role.ADMIN}, SYSTEM)
    tab.wait_for_sign_in_page(FOLLOWS_MILLISECONDS)
    tab.sign_in("climber")
    tab.follow(f"{tab.url}/users")
    tab.check()


def test_sessions_elsewhere_are_ended(new_tab: Callable[..., Tab], browser_server: Server) -> None:
    with database_of(browser_server.database):
        add_user(Role.VIEWER, "traveller")
    home, hotel = new_tab(user="traveller"), new_tab(user="traveller")
    hotel.open()
    home.open("/account?lang=en")
    home.page.get_by_role("button", name="Sign out everywhere else").click()
    home.page.get_by_text("signed out everywhere else").wait_for()
    hotel.wait_for_sign_in_page(FOLLOWS_MILLISECONDS)
    assert home.is_signed_in()
    home.check()


def test_an_admin_ends_a_session(new_tab: Callable[..., Tab], browser_server: Server) -> None:
    with database_of(browser_server.database):
        add_user(Role.VIEWER, "guest")
    assert start_session(browser_server, "guest")
    guest, admin = new_tab(user="guest"), new_tab()
    guest.open()
    admin.open("/users?lang=en")
    admin.page.get_by_role("combobox", name=re.compile("Change a user")).click()
    admin.page.get_by_role("option", name="guest").click()
    admin.page.get_by_role("button", name="End all sessions").wait_for()
    admin.shot("users-one")
    admin.page.get_by_role("button", name="End all sessions").click()
    guest.wait_for_sign_in_page(FOLLOWS_MILLISECONDS)
    admin.check()
