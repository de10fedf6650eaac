"""Signing in at an OpenID Connect provider: a real one, on this machine."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from chassis.auth import users
from chassis.testing.browser import SYSTEM, VARIABLES, Tab, database_of, tab_in
from chassis.testing.ports import free_port
from chassis.testing.servers import Server, running_server
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser

FOLLOWS_MS = 15_000
DISCOVERY = "/.well-known/openid-configuration"
PEOPLE: list[dict[str, object]] = [
    {"sub": "1", "name": "Ann Lee", "email": "ann@example.com", "roles": ["admin"]},
    {"sub": "2", "name": "Bob Kim", "email": "bob@example.com", "roles": ["unknown"]},
    {"sub": "3", "name": "Eve Doe", "email": "eve@elsewhere.example"},
    {
        "sub": "4",
        "name": "Many Groups",
        "email": "many@example.com",
        "groups": [f"3f2504e0-4f89-11d3-9a0c-0305e82c{number:04}" for number in range(300)],
    },
]


@contextmanager
def running_provider(*options: str) -> Iterator[str]:
    """Run a provider that knows some people; yield its URL."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *options]
    for person in PEOPLE:
        command += ["--user-claims", json.dumps(person | {"email_verified": True})]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(url: str) -> None:
    for _attempt in range(200):
        try:
            httpx.get(url + DISCOVERY).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the provider does not answer")


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running_provider() as url:
        yield url


def variables(provider: str, database_url: str) -> dict[str, str]:
    return VARIABLES | {
        "DATABASE_URL": database_url,
        "AUTH_BACKEND": "oidc",
        "OIDC_DISCOVERY_URL": provider + DISCOVERY,
        "OIDC_CLIENT_ID": "tool",
        "OIDC_CLIENT_SECRET": "what-the-provider-calls-secret",
        "AUTH_ALLOWED_EMAIL_DOMAINS": "example.com",
    }


@pytest.fixture(scope="module")
def oidc_server(
    provider: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("oidc")
    with running_server(directory, variables(provider, database_url)) as running:
        yield running


@pytest.fixture
def stranger(new_tab: Callable[..., Tab], oidc_server: Server) -> Tab:
    """Return a tab that shows the sign-in page."""
    tab = new_tab(user=None, at=oidc_server)
    tab.open("/?lang=en")
    return tab


def authorize(tab: Tab, subject: str) -> None:
    """Go to the provider and say there who one is."""
    tab.page.get_by_test_id("stMain").get_by_role("button", name="Sign in").click()
    tab.page.locator("input[name=sub]").fill(subject)
    tab.page.get_by_role("button", name="Authorize").click()


def sign_in(tab: Tab, subject: str) -> None:
    authorize(tab, subject)
    tab.page.get_by_test_id("stSidebarNavLink").first.wait_for()
    tab.wait()


def cookie_names(tab: Tab) -> set[str]:
    return {str(one["name"]) for one in tab.page.context.cookies(tab.url)}


def test_claims_become_a_user_with_roles(stranger: Tab, oidc_server: Server) -> None:
    stranger.shot("oidc-login")
    sign_in(stranger, "1")
    expect(stranger.page.get_by_test_id("stSidebar")).to_contain_text("Ann Lee")
    assert stranger.page.locator("[data-testid=stSidebarNavLink][href$='/users']").count()
    # The session is ours: Streamlit's cookies, which nobody can revoke, never came.
    assert not {name for name in cookie_names(stranger) if name.startswith("_streamlit_user")}
    stranger.page.reload()
    stranger.wait()
    expect(stranger.page.get_by_test_id("stSidebar")).to_contain_text("Ann Lee")
    assert "what-the-provider-calls-secret" not in oidc_server.log()


def test_without_a_known_role_one_is_a_viewer(stranger: Tab) -> None:
    sign_in(stranger, "2")
    expect(stranger.page.get_by_test_id("stSidebar")).to_contain_text("Bob Kim")
    assert not stranger.page.locator("[data-testid=stSidebarNavLink][href$='/users']").count()


def test_any_number_of_groups_signs_in(stranger: Tab) -> None:
    """All answers together stay below the 4 kB that proxies take for the headers of one."""
    sizes: list[int] = []
    stranger.page.on(
        "response",
        lambda answer: sizes.append(sum(len(n) + len(v) for n, v in answer.all_headers().items())),
    )
    sign_in(stranger, "4")
    expect(stranger.page.get_by_test_id("stSidebar")).to_contain_text("Many Groups")
    assert max(sizes) < 4000


def test_other_domains_are_refused(stranger: Tab) -> None:
    authorize(stranger, "3")
    stranger.page.get_by_text("may not sign in here").wait_for()
    assert not stranger.page.get_by_test_id("stSidebarNavLink").count()


def test_signing_out_ends_all_tabs(stranger: Tab, oidc_server: Server) -> None:
    sign_in(stranger, "1")
    other = tab_in(stranger.page.context, oidc_server)
    other.open("/?lang=en")
    stranger.page.get_by_role("button", name="Sign out").click()
    for tab in (stranger, other):
        tab.page.get_by_test_id("stSidebarNavLink").first.wait_for(
            state="detached", timeout=FOLLOWS_MS
        )
    stranger.page.reload()
    stranger.page.get_by_text("account of your organisation").wait_for()


def test_a_disabled_account_stays_out(stranger: Tab, oidc_server: Server) -> None:
    sign_in(stranger, "2")
    with database_of(oidc_server.database):
        account = next(one for one in users.list_accounts()[0] if one.name == "Bob Kim")
        users.disable(account.id, SYSTEM)
    try:
        stranger.page.get_by_text("account of your organisation").wait_for(timeout=FOLLOWS_MS)
        authorize(stranger, "2")
        stranger.page.get_by_text("account is disabled").wait_for()
    finally:
        with database_of(oidc_server.database):
            users.enable(account.id, SYSTEM)


def test_an_expired_token_is_refused(
    new_tab: Callable[..., Tab], database_url: str, tmp_path: Path
) -> None:
    with (
        running_provider("--token-max-age", "-300") as url,
        running_server(tmp_path, variables(url, database_url)) as server,
    ):
        tab = new_tab(user=None, at=server)
        tab.open("/?lang=en")
        authorize(tab, "1")
        tab.page.get_by_text("did not sign you in").wait_for()
        assert not tab.page.get_by_test_id("stSidebarNavLink").count()


def test_who_refuses_at_the_provider_is_not_signed_in(stranger: Tab) -> None:
    stranger.page.get_by_test_id("stMain").get_by_role("button", name="Sign in").click()
    stranger.page.get_by_role("button", name="Deny").click()
    stranger.page.get_by_text("did not sign you in").wait_for()
    assert not stranger.page.get_by_test_id("stSidebarNavLink").count()


def test_a_provider_that_is_down_is_no_crash(
    new_tab: Callable[..., Tab], database_url: str, tmp_path: Path
) -> None:
    with running_provider() as url:
        gone = variables(url, database_url)
    with running_server(tmp_path, gone) as server:
        tab = new_tab(user=None, at=server)
        tab.open("/?lang=en")
        tab.page.get_by_test_id("stMain").get_by_role("button", name="Sign in").click()
        tab.page.get_by_text("did not sign you in").wait_for()
        tab.shot("oidc-provider-down")
        assert server.process.poll() is None


def test_two_replicas_know_the_same_sessions(
    stranger: Tab, oidc_server: Server, provider: str, tmp_path: Path
) -> None:
    sign_in(stranger, "1")
    same = variables(provider, oidc_server.database)
    with running_server(tmp_path, same) as replica:
        # Cookies do not know ports.
        other = tab_in(stranger.page.context, replica)
        other.open("/?lang=en")
        expect(other.page.get_by_test_id("stSidebar")).to_contain_text("Ann Lee")
        other.page.get_by_role("button", name="Sign out").click()
        stranger.page.get_by_test_id("stSidebarNavLink").first.wait_for(
            state="detached", timeout=FOLLOWS_MS
        )


def test_a_sign_in_may_end_on_another_replica(
    stranger: Tab, oidc_server: Server, provider: str, tmp_path: Path
) -> None:
    same = variables(provider, oidc_server.database) | {"APP_BASE_URL": oidc_server.url}
    with running_server(tmp_path, same) as replica:

        def send_to_the_other(route: Route) -> None:
            answer = route.fetch(max_redirects=0)
            back = answer.headers.get("location", "").replace(oidc_server.url, replica.url)
            route.fulfill(response=answer, headers={**answer.headers, "location": back})

        stranger.page.get_by_test_id("stMain").get_by_role("button", name="Sign in").click()
        stranger.page.locator("input[name=sub]").fill("1")
        stranger.page.route(f"{provider}/**", send_to_the_other)
        stranger.page.get_by_role("button", name="Authorize").click()
        stranger.page.wait_for_url(f"{replica.url}/**")
        stranger.page.wait_for_load_state()
        stranger.open("/?lang=en")
        expect(stranger.page.get_by_test_id("stSidebar")).to_contain_text("Ann Lee")
