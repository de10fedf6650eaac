"""Attacks on sign-in and sessions, over HTTP and websockets against the running application."""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import bcrypt
import httpx
import psutil
import pytest
from sqlalchemy import select, update
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from {{cookiecutter.package_name}}.auth import audit, sessions, users
from {{cookiecutter.package_name}}.auth.models import LoginSession, PendingLogin
from {{cookiecutter.package_name}}.auth.roles import Role
from {{cookiecutter.package_name}}.data import engine
from {{cookiecutter.package_name}}.data.engine import transaction
from {{cookiecutter.package_name}}.data.tables import utc_now
from {{cookiecutter.package_name}}.ops.loadtest import open_tab

from ..conftest import PRODUCTION, Server, fresh_database, running_server, small_project
from .running_site import PASSWORD, TESTER, UNLIMITED, Site, start_site, with_database
from .visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Files, a widget for uploads and a secret of one session; and who the server thinks is there.
PAGE = """
from functools import partial
import streamlit as st
from {{cookiecutter.package_name}}.auth.current import current_user

user = current_user()
name = user.username if user else "nobody"
st.text(f"user={name}")
st.session_state.setdefault("secret", f"secret of {name}")
st.text(st.session_state["secret"])
st.file_uploader("file")
st.download_button("report", f"report for {name}", "report.txt")
st.download_button("later", partial("made later for {}".format, name), "later.txt")
st.text(f"headers={st.context.headers.to_dict()} cookies={st.context.cookies.to_dict()}")
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    yield from start_site(request.param, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def shared_small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = small_project(tmp_path_factory.mktemp("small"), PAGE)
    yield from start_site("sqlite", tmp_path_factory.mktemp("log"), project)


@pytest.fixture(scope="module")
def shared_throttled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    limits = {"RATE_LIMIT_LOGIN_IP": "6/minute", "RATE_LIMIT_LOGIN_ACCOUNT": "3/20seconds"}
    yield from start_site("sqlite", tmp_path_factory.mktemp("throttled"), variables=limits)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Server]]:
    """Return two servers for AUTH_BACKEND=proxy: to one this machine is the proxy."""
    project = small_project(tmp_path_factory.mktemp("small"), PAGE)
    log = tmp_path_factory.mktemp("log")
    backend = PRODUCTION | {"AUTH_BACKEND": "proxy"}
    with (
        running_server(log, backend, project) as trusted,
        running_server(log, backend | {"TRUSTED_PROXIES": "10.9.8.7"}, project) as other,
    ):
        yield {True: trusted, False: other}


@pytest.fixture
def site(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    return with_database(shared_site, monkeypatch)


@pytest.fixture
def small(shared_small: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    return with_database(shared_small, monkeypatch)


@pytest.fixture
def throttled(shared_throttled: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    return with_database(shared_throttled, monkeypatch)


@pytest.fixture(scope="module", autouse=True)
def closed_engines() -> Iterator[None]:
    yield
    engine.forget()


# --- The honest way, for comparison ---------------------------------------------------------------


def test_who_signs_in_stays_so_after_reload_until_signing_out(site: Site) -> None:
    site.add("honest")
    browser = site.guest()

    async def visit() -> None:
        assert not await browser.is_signed_in()
        await browser.sign_in("Honest ", PASSWORD)
        assert await browser.is_signed_in()
        async with browser.tab() as page:
            await page.open()
            await page.submit("Sign out")
            assert page.redirect() == "/?lang=en"
        assert not await browser.is_signed_in()

    asyncio.run(visit())


def test_a_session_survives_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_database("sqlite", tmp_path) as database:
        variables = PRODUCTION | UNLIMITED | {"DATABASE_URL": database}
        with running_server(tmp_path, variables) as server:
            site = with_database(Site(server, database, tmp_path), monkeypatch)
            site.add("ann")
            browser = site.guest()
            asyncio.run(browser.sign_in("ann", PASSWORD))
        with running_server(tmp_path, variables) as browser.server:
            assert asyncio.run(browser.is_signed_in())


# --- Guessing -------------------------------------------------------------------------------------


def alerts(page_text: str) -> list[str]:
    """Return the texts of the coloured boxes of a page."""
    return re.findall(r'alert \{\s+body: "([^"]*)"', page_text)


def outcome_of(browser: Visitor, username: str, password: str) -> str:
    """Try to sign in; return "ok", "wrong" or "wait"."""
    page = asyncio.run(browser.try_password(username, password))
    if page.redirect():
        browser.get(page.redirect())
        return "ok"
    [text] = alerts(page.text())
    return "wait" if "Too many" in text else "wrong"


def test_guessing_at_one_account_from_many_addresses_is_stopped(throttled: Site) -> None:
    throttled.add("target")
    results = [
        outcome_of(throttled.guest(f"198.51.100.{number}"), "target", f"wrong guess {number}")
        for number in range(5)
    ]
    assert results == ["wrong"] * 3 + ["wait"] * 2
    # Not even the right password is told from a wrong one then.
    assert outcome_of(throttled.guest("198.51.100.77"), " TARGET", PASSWORD) == "wait"


def test_guessing_at_many_accounts_from_one_address_is_stopped(throttled: Site) -> None:
    browser = throttled.guest("198.51.100.200")
    results = [outcome_of(browser, f"user{number}", "Summer 2026 !!!!") for number in range(8)]
    assert results == ["wrong"] * 6 + ["wait"] * 2


def test_strangers_cannot_lock_an_owner_out(throttled: Site) -> None:
    throttled.add("owner")
    own, new = throttled.guest("203.0.113.50"), throttled.guest("203.0.113.51")
    assert outcome_of(own, "owner", PASSWORD) == "ok"
    own.sign_out()
    started = time.monotonic()
    for number in range(4):
        outcome_of(throttled.guest(f"198.51.100.{100 + number}"), "owner", "wrong guess")
    # The browser in which the owner has signed in before is not affected, ...
    assert outcome_of(own, "owner", PASSWORD) == "ok"
    # ... a new one is for no longer than the window.
    assert outcome_of(new, "owner", PASSWORD) == "wait"
    time.sleep(max(0.0, started + 22 - time.monotonic()))
    assert outcome_of(new, "owner", PASSWORD) == "ok"


def test_a_forged_device_cookie_gives_no_further_guesses(throttled: Site) -> None:
    throttled.add("device")
    results = []
    for number in range(5):
        browser = throttled.guest(f"198.51.100.{150 + number}")
        browser.cookies["device"] = f"forged{number}." + "0" * 64
        results.append(outcome_of(browser, "device", "wrong guess"))
    assert results == ["wrong"] * 3 + ["wait"] * 2


def test_known_and_unknown_users_look_the_same(site: Site) -> None:
    # It costs more than a hash of ours: only the time that every refusal lasts hides that.
    imported = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    site.add("known")
    users.disable(site.add("disabled").id, TESTER)
    users.create("imported", roles=[Role.VIEWER], actor=TESTER, password_hash=imported)
    passwords = {
        "known": "wrong password",
        "disabled": PASSWORD,
        "imported": "wrong password",
        "nobody-of-this-name": "wrong password",
    }
    times: dict[str, list[float]] = {name: [] for name in passwords}
    texts = set()

    async def attempt(username: str, password: str) -> None:
        browser = site.guest()
        async with browser.tab() as page:
            await page.open()
            started = time.perf_counter()
            await page.submit("Sign in", User_name=username, Password=password)
            times[username].append(time.perf_counter() - started)
            texts.update(alerts(page.text()))
            assert not page.redirect()

    def difference() -> float:
        # In the middle of each: single attempts are slowed, or spared, by what else runs here.
        usual = [statistics.median(values) for values in times.values()]
        return max(usual) / min(usual) - 1

    for turn in range(25):
        for username, password in passwords.items():
            asyncio.run(attempt(username, password))
        if turn >= 4 and difference() < 0.1:
            break
    assert len(texts) == 1
    assert difference() < 0.1, times


# --- Cookies --------------------------------------------------------------------------------------


def test_scripts_cannot_read_the_cookie(small: Site) -> None:
    response = httpx.get(small.server.url)
    [cookie] = [c for c in response.headers.get_list("set-cookie") if c.startswith("session=")]
    assert re.fullmatch(r"session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert response.headers["cache-control"] == "no-store"

    async def visit() -> str:
        visitor = small.signed_in(small.add("cookie"))
        async with visitor.tab() as page:
            await page.open()
            return page.text()

    text = asyncio.run(visit())
    assert "user=cookie" in text
    # Nor can a page that shows its request.
    assert not any(secret in text for secret in small.secrets)


def test_the_cookie_is_bound_to_the_host_on_https(tmp_path: Path) -> None:
    https = {"APP_BASE_URL": "https://tool.example.com/team"}
    for site in start_site("sqlite", tmp_path, variables=https):
        headers = {"Host": "tool.example.com"}
        response = httpx.get(f"{site.server.url}/team/", headers=headers)
        [cookie] = [c for c in response.headers.get_list("set-cookie") if "session=" in c]
        attributes = "Path=/; HttpOnly; SameSite=Lax; Secure"
        assert re.fullmatch(r"__Host-session=[\w-]{43}; " + attributes, cookie)


def sign_out(site: Site, _user: users.Account, visitor: Visitor) -> None:
    async def press() -> None:
        async with visitor.tab() as page:
            await page.open()
            await page.submit("Sign out")

    asyncio.run(press())
    assert site.server.process.poll() is None


def end_session(_site: Site, user: users.Account, _visitor: Visitor) -> None:
    [session] = sessions.list_sessions(user.id)
    assert sessions.revoke(session.id, TESTER)


def change_password(_site: Site, user: users.Account, _visitor: Visitor) -> None:
    users.set_password(user.id, "another good pass phrase", TESTER)


def disable(_site: Site, user: users.Account, _visitor: Visitor) -> None:
    users.disable(user.id, TESTER)


def change_roles(_site: Site, user: users.Account, _visitor: Visitor) -> None:
    users.set_roles(user.id, [Role.EDITOR], TESTER)


def remove(_site: Site, user: users.Account, _visitor: Visitor) -> None:
    users.remove(user.id, TESTER)


ENDINGS = [sign_out, end_session, change_password, disable, change_roles, remove]


def test_what_ends_a_session_ends_its_cookie_and_all_its_tabs(site: Site) -> None:
    others = [site.add(f"ends-{ending.__name__}") for ending in ENDINGS]
    visitors = [site.signed_in(user) for user in others]
    stays = site.signed_in(site.add("stays"))

    async def followed(visitor: Visitor, opened: asyncio.Semaphore) -> float:
        """Hold a tab open; return how long it lived on after the end of its session."""
        async with visitor.tab() as page:
            await page.open()
            opened.release()
            with pytest.raises((ConnectionError, ConnectionClosed)):
                await page.tab.finished()
            assert page.redirect() == "/"
        return time.monotonic()

    async def visit() -> tuple[list[float], float]:
        opened = asyncio.Semaphore(0)
        async with stays.tab() as page:
            await page.open()
            tabs = [asyncio.create_task(followed(visitor, opened)) for visitor in visitors]
            for _tab in tabs:
                await opened.acquire()
            endings = zip(ENDINGS, others, visitors, strict=True)
            for ending, user, visitor in endings:
                await asyncio.to_thread(ending, site, user, visitor)
            ended = time.monotonic()
            closed = await asyncio.wait_for(asyncio.gather(*tabs), 20)
            await page.open()  # the tab of the other user still works
            assert "Sign out" in page.text()
        return closed, ended

    closed, ended = asyncio.run(visit())
    assert max(closed) - ended < 10
    for visitor in visitors:
        assert not asyncio.run(visitor.is_signed_in())


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.swapcase(),
        lambda token: token + "A",
        lambda _token: "A" * 8000,
        lambda _token: "' OR 1=1 --",
        lambda token: f"{token}; session={token}",  # twice, one of them maybe planted
        lambda _token: "",
    ],
)
def test_a_changed_cookie_is_nobodys(site: Site, change: Callable[[str], str]) -> None:
    user = users.find("tampered") or site.add("tampered")
    visitor = site.signed_in(user)
    assert asyncio.run(visitor.is_signed_in())
    visitor.cookies["session"] = change(visitor.cookies["session"])
    try:
        signed_in = asyncio.run(visitor.is_signed_in())
    except InvalidStatus:
        signed_in = False
    assert not signed_in


@pytest.mark.parametrize("column", ["expires_at", "used_at"])
def test_an_expired_cookie_is_nobodys(site: Site, column: str) -> None:
    user = site.add(f"expired-{column}")
    visitor = site.signed_in(user)
    age = timedelta(seconds=0 if column == "expires_at" else 1801)
    with transaction() as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.user_id == user.id)
            .values({column: utc_now() - age})
        )
    assert not asyncio.run(visitor.is_signed_in())


def test_a_used_session_is_noted_and_does_not_become_idle(site: Site) -> None:
    user = site.add("busy")
    visitor = site.signed_in(user)
    almost = utc_now() - timedelta(seconds=1700)
    with transaction() as session:
        rows = LoginSession.user_id == user.id
        session.execute(update(LoginSession).where(rows).values(used_at=almost))
    assert asyncio.run(visitor.is_signed_in())
    [session_info] = sessions.list_sessions(user.id)
    assert session_info.used_at > almost + timedelta(seconds=1600)


def test_a_sign_in_gets_a_new_token(site: Site) -> None:
    site.add("fixed")
    planted = sessions.new_token()
    victim = Visitor(site.server, cookies={"session": planted})
    asyncio.run(victim.sign_in("fixed", PASSWORD))
    assert victim.cookies["session"] != planted
    assert asyncio.run(victim.is_signed_in())
    attacker = Visitor(site.server, cookies={"session": planted})
    assert not asyncio.run(attacker.is_signed_in())


def test_a_second_sign_in_replaces_the_first_session(site: Site) -> None:
    user = site.add("twice")
    visitor = site.guest()
    asyncio.run(visitor.sign_in("twice", PASSWORD))
    old = Visitor(site.server, cookies=dict(visitor.cookies))
    page = asyncio.run(site.guest().try_password("twice", PASSWORD))
    code = page.redirect()
    # The code belongs to the browser of the guest.
    visitor.get(code)
    assert len(sessions.list_sessions(user.id)) == 1
    assert asyncio.run(old.is_signed_in())


# --- The code of a sign-in ------------------------------------------------------------------------


def test_a_code_works_once_in_its_browser_and_for_a_minute(site: Site) -> None:
    user = site.add("coded")

    def new_code() -> tuple[Visitor, str]:
        browser = site.guest()
        page = asyncio.run(browser.try_password("coded", PASSWORD))
        return browser, page.redirect()

    def signs_in(browser: Visitor, url: str) -> bool:
        before = browser.cookies.get("session")
        response = browser.get(url)
        assert response.status_code == httpx.codes.SEE_OTHER
        assert response.headers["location"] == "/?lang=en"
        return browser.cookies.get("session") != before

    # Signing a victim in by a link (to see what the victim enters) needs the victim's cookie.
    browser, url = new_code()
    assert not signs_in(site.guest(), url)
    assert not signs_in(browser, url)  # and it has become worthless
    assert not signs_in(Visitor(site.server), url)

    browser, url = new_code()
    assert signs_in(browser, url)
    assert not signs_in(browser, url)

    browser, url = new_code()
    with transaction() as session:
        session.execute(update(PendingLogin).values(expires_at=utc_now()))
    assert not signs_in(browser, url)

    browser, url = new_code()
    users.disable(user.id, TESTER)
    assert not signs_in(browser, url)


@pytest.mark.parametrize(
    "query",
    [
        "next=https://evil.example",
        "code=https://evil.example&url=//evil.example",
        "code=/%5Cevil.example",
        "code=%0d%0aLocation:%20https://evil.example",
        "code[]=1",
        "page=//evil.example",
        "page=/%5Cevil.example",
        "page=@evil.example",
        "page=%0d%0aLocation:%20https://evil.example",
    ],
)
def test_a_sign_in_never_leads_elsewhere(site: Site, query: str) -> None:
    response = site.guest().get(f"/auth/continue?{query}")
    assert response.status_code == httpx.codes.SEE_OTHER
    assert response.headers["location"] == "/"
    assert "set-cookie" not in response.headers


# --- Foreign sites --------------------------------------------------------------------------------


def test_a_foreign_site_signs_nobody_in_or_out(site: Site) -> None:
    visitor = site.signed_in(site.add("surfer"))

    async def attempt(origin: str) -> int:
        url = site.server.url.replace("http:", "ws:") + "/_stcore/stream"
        try:
            async with connect(url, origin=Origin(origin), additional_headers=visitor.headers()):
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    # Streamlit itself would accept every port of localhost.
    for origin in ("https://evil.example", "http://localhost:1", "null"):
        assert asyncio.run(attempt(origin)) == httpx.codes.FORBIDDEN
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for path in ("/auth/logout", "/auth/login", "/oauth2callback", "/logout", "/auth/continue"):
        for method in ("GET", "POST"):
            visitor.request(method, path, headers=cross)
    assert visitor.get("/auth/logout").status_code == httpx.codes.NOT_FOUND
    assert asyncio.run(visitor.is_signed_in())


# --- Identity headers -----------------------------------------------------------------------------

BOB = ("X-Forwarded-User", "bob")
SPELLINGS = ["X-App-{}", "x-app-{}", "X_App_{}", "X-APP_{}", "x_app-{}"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("twice", [False, True])
def test_identity_headers_of_a_client_are_dropped(small: Site, spelling: str, twice: bool) -> None:
    boss = users.find("boss") or small.add("boss", Role.ADMIN)
    stolen = sessions.hash_of(small.signed_in(boss).cookies["session"])
    values = {"Session": stolen, "User": "boss", "Roles": "admin", "State": "user", "Email": "b@x"}
    headers = {spelling.format(name): value for name, value in values.items()}
    if twice:
        headers |= {spelling.format(name).upper(): value for name, value in values.items()}
    guest = small.guest()

    async def visit() -> str:
        async with guest.tab(**headers) as page:
            await page.open()
            return page.text()

    text = asyncio.run(visit())
    assert "user=nobody" in text
    assert stolen not in text


@pytest.mark.parametrize(
    ("headers", "trusted", "seen"),
    [
        ([BOB], True, "user=bob"),
        ([BOB, ("X-App-User", "boss")], True, "user=bob"),
        ([BOB, ("X-Forwarded-User", "boss")], True, 400),
        ([BOB, ("x_forwarded_user", "boss")], True, 400),
        ([BOB, ("X-Forwarded-Groups", "a"), ("X-Forwarded-Groups", "admin")], True, 400),
        ([("X-App-User", "boss")], True, 403),
        ([], True, 403),
        ([("X-Forwarded-User", "boss")], False, 403),
        ([("X-Forwarded-User", "boss"), ("X-Forwarded-For", "127.0.0.1")], False, 403),
    ],
)
def test_only_the_proxy_names_the_user(
    proxied: dict[bool, Server], headers: list[tuple[str, str]], trusted: bool, seen: str | int
) -> None:
    url = proxied[trusted].url

    async def visit() -> str | int:
        try:
            async with open_tab(url, headers=headers) as tab:
                await tab.rerun()
                return "\n".join(map(str, tab.messages))
        except InvalidStatus as refusal:
            return refusal.response.status_code

    answer = asyncio.run(visit())
    if isinstance(seen, int):
        assert answer == seen
        assert httpx.get(url, headers=headers).status_code == seen
    else:
        assert isinstance(answer, str)
        assert seen in answer


# --- Sessions of Streamlit ------------------------------------------------------------------------


@pytest.mark.parametrize("still_open", [True, False])
def test_a_stolen_session_id_resumes_nothing(small: Site, still_open: bool) -> None:
    victim = users.find("victim") or small.add("victim")
    thief = users.find("thief") or small.add("thief")
    owner = small.signed_in(victim)
    guest = small.guest()
    attackers = {"thief": small.signed_in(thief), "nobody": guest}

    async def attempt(session_id: str) -> None:
        for name, attacker in attackers.items():
            async with attacker.tab(session_id) as page:
                await page.open()
                assert page.tab.session_id != session_id
                assert f"secret of {name}" in page.text()
        with pytest.raises(InvalidStatus) as refusal:
            async with Visitor(small.server).tab(session_id):
                pass
        assert refusal.value.response.status_code == httpx.codes.FORBIDDEN

    async def visit() -> None:
        async with owner.tab() as page:
            await page.open()
            session_id = page.tab.session_id
            if still_open:
                await attempt(session_id)
                await page.open()  # the victim has noticed nothing
                assert page.tab.session_id == session_id
        if not still_open:
            await attempt(session_id)
        async with owner.tab(session_id) as page:  # while the owner can come back
            await page.open()
            assert page.tab.session_id == session_id
            assert "secret of victim" in page.text()

    asyncio.run(visit())


def test_the_own_session_is_not_resumed_after_the_sign_out(small: Site) -> None:
    user = small.add("leaver")
    visitor = small.signed_in(user)

    async def visit() -> None:
        async with visitor.tab() as page:
            await page.open()
            session_id = page.tab.session_id
        sessions.revoke_user(user.id, TESTER)
        await asyncio.sleep(sessions.CACHE_SECONDS + 1)
        async with visitor.tab(session_id) as page:
            await page.open()
            assert page.tab.session_id != session_id
            assert "secret of nobody" in page.text()

    asyncio.run(visit())


def test_no_websocket_without_a_session_cookie(site: Site) -> None:
    async def attempt(**cookies: str) -> int:
        try:
            async with Visitor(site.server, cookies=cookies).tab():
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    assert asyncio.run(attempt()) == httpx.codes.FORBIDDEN
    assert asyncio.run(attempt(session="short")) == httpx.codes.FORBIDDEN
    assert asyncio.run(attempt(other=sessions.new_token())) == httpx.codes.FORBIDDEN
    assert asyncio.run(attempt(session=sessions.new_token())) == 101  # as far as the form


def test_strangers_cannot_send_what_developers_send(small: Site) -> None:
    def messages() -> Iterator[BackMsg]:
        for name in ("clear_cache", "set_run_on_save", "load_git_info", "debug_shutdown_runtime"):
            message = BackMsg()
            setattr(message, name, True)
            yield message

    async def visit() -> None:
        async with small.guest().tab() as page:
            await page.open()
            for message in messages():
                await page.tab.send(message)
            await page.open()
            assert "git_info_changed" not in page.text()

    refused = small.server.log().count("message refused")
    asyncio.run(visit())
    assert small.server.log().count("message refused") == refused + 4


# --- Files ----------------------------------------------------------------------------------------


def test_files_are_for_the_session_that_has_them(small: Site) -> None:
    ann, bob = small.add("file-ann"), small.add("file-bob")
    owner, other, guest = small.signed_in(ann), small.signed_in(bob), small.guest()
    nobody = Visitor(small.server)

    def statuses(method: str, path: str, xsrf: str = "") -> list[int]:
        found = []
        for visitor in (owner, other, guest, nobody):
            visitor.get("/_stcore/health")  # brings the cookie against forged requests
            options = {"files": {"file": ("a.txt", b"text")}} if method == "PUT" else {}
            headers = {"X-Xsrftoken": visitor.cookies.get("_streamlit_xsrf", xsrf)}
            found.append(visitor.request(method, path, headers=headers, **options).status_code)
        return found

    async def visit() -> None:
        # A guest has a session too, with files of its own.
        async with owner.tab() as page, other.tab() as others_page, guest.tab() as guests_page:
            for one in (page, others_page, guests_page):
                await one.open()
            report = page.find("download_button", "report").url
            upload = f"/_stcore/upload_file/{page.tab.session_id}/file1"
            assert "report for file-ann" in owner.get(report).text
            later = await page.made_later("later")
            assert "made later for file-ann" in owner.get(later).text
            for method, path, allowed in (
                ("GET", report, 200),
                ("GET", later, 200),
                ("GET", f"/media//{report.removeprefix('/media/')}", None),
                ("PUT", upload, 204),
                ("PUT", f"/_stcore//upload_file/{page.tab.session_id}/file2", None),
                ("DELETE", upload, 204),
            ):
                result = await asyncio.to_thread(statuses, method, path)
                assert allowed is None or result[0] == allowed, (method, path, result)
                assert all(status >= 400 for status in result[1:]), (method, path, result)
            # A guest has what the page shows to guests.
            own = guests_page.find("download_button", "report").url
            assert guest.get(own).status_code == httpx.codes.OK
            assert nobody.get(own).status_code == httpx.codes.FORBIDDEN

    asyncio.run(visit())


def test_files_are_gone_after_the_sign_out(small: Site) -> None:
    user = small.add("file-leaver")
    owner = small.signed_in(user)

    async def visit() -> None:
        async with owner.tab() as page:
            await page.open()
            report = page.find("download_button", "report").url
            upload = f"/_stcore/upload_file/{page.tab.session_id}/file1"
        # The tab is closed, and Streamlit keeps its files in case that it comes back.
        assert owner.get(report).status_code == httpx.codes.OK
        sessions.revoke_user(user.id, TESTER)
        await asyncio.sleep(sessions.CACHE_SECONDS + 0.5)
        assert owner.get(report).status_code == httpx.codes.FORBIDDEN
        assert owner.request("PUT", upload).status_code == httpx.codes.FORBIDDEN

    asyncio.run(visit())


# --- Memory ---------------------------------------------------------------------------------------


def memory_mb(site: Site) -> float:
    """Return the memory of the server process in MB."""
    rss: int = psutil.Process(site.server.process.pid).memory_info().rss
    return rss / 1e6


def test_a_huge_sign_in_is_refused(site: Site) -> None:
    guest = site.guest()
    before = memory_mb(site)
    body = b"username=ann&password=" + b"x" * (64 << 20)
    for path in ("/", "/auth/continue", "/login"):
        assert guest.request("POST", path, content=body).status_code in (404, 405)

    async def send(size: int) -> int:
        async with guest.tab() as page:
            await page.open()
            message = BackMsg()
            state = message.rerun_script.widget_states.widgets.add()
            state.id = page.find("text_input", "Password").id
            state.string_value = "x" * size
            with contextlib.suppress(ConnectionClosed):  # while it is still sending
                await page.tab.send(message)
            with pytest.raises((ConnectionError, ConnectionClosed)):
                await page.tab.finished()
            code = page.tab.socket.close_code
            assert code is not None
            return code

    assert asyncio.run(send(64 << 20)) == 1009
    assert asyncio.run(send(100_000)) == 1009
    assert memory_mb(site) < before + 100
    started = time.perf_counter()
    assert outcome_of(guest, "nobody", "x" * 60_000) == "wrong"
    assert time.perf_counter() - started < 10


def test_many_half_open_sign_ins_leave_nothing(site: Site) -> None:
    before = memory_mb(site)

    async def ask(count: int) -> None:
        """Ask again and again for the form, each time as a new browser that never goes on."""
        host = site.server.url.removeprefix("http://")
        reader, writer = await asyncio.open_connection("localhost", int(host.partition(":")[2]))
        for number in range(count):
            path = "/" if number % 2 else f"/auth/continue?code={sessions.new_token()}"
            cookie = f"Cookie: session={sessions.new_token()}\r\n" if number % 4 > 1 else ""
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
        writer.close()

    async def attack() -> None:
        await asyncio.gather(*(ask(500) for _connection in range(20)))

    asyncio.run(attack())
    assert memory_mb(site) < before + 30
    with transaction(read_only=True) as session:
        assert len(session.scalars(select(PendingLogin)).all()) < 20


# --- Injection ------------------------------------------------------------------------------------

INJECTIONS = [
    "' OR '1'='1",
    '" OR 1=1 --',
    "ad%n",
    "a_min",
    "'; DROP TABLE users; --",
    "\\' OR 1=1 #",
]
MARKUP = "**b** :red[r] $x$ <img src=x onerror=alert(1)> [l](javascript:alert(1)) `c`"


@pytest.mark.parametrize("page", ["users", "audit"])
def test_a_search_is_no_sql(site: Site, page: str) -> None:
    visitor = site.signed_in(users.find("admin") or site.add("admin", Role.ADMIN))

    async def visit() -> None:
        async with visitor.tab() as tab:
            await tab.open(page)
            assert list(tab.elements("dataframe"))
            for text in INJECTIONS:
                await tab.fill(page, Search=text)
                assert "Traceback" not in tab.text()
                assert not list(tab.elements("exception"))
                found = list(tab.elements("dataframe"))
                assert not found, text
            await tab.fill(page, Search="admin")
            assert list(tab.elements("dataframe"))

    asyncio.run(visit())


def test_names_are_shown_as_they_were_typed(site: Site) -> None:
    # What Streamlit reads as Markdown has the marks escaped; tables show text as it is.
    user = site.add("markup", Role.ADMIN, name=MARKUP)
    visitor = site.signed_in(user)

    async def visit() -> None:
        async with visitor.tab() as tab:
            for page in ("", "account", "users", "audit", "health", "about"):
                await tab.open(page)
                shown = [element.markdown for element in tab.elements("markdown")]
                assert any("onerror" in one.body for one in shown), "nothing to look at"
                for one in shown:
                    assert not re.search(r"(?<!\\)(<img|\*\*b|`c|\]\(java|\$x)", one.body), one.body
                    assert not (one.allow_html and "onerror" in one.body)

    asyncio.run(visit())


# --- What must not be seen ------------------------------------------------------------------------


def test_secrets_are_in_no_log_page_or_metric(site: Site) -> None:
    site.add("secretive", email="secretive@example.com")
    browser = site.guest("203.0.113.66")
    wrong = "a wrong guess that is somebody's password"
    asyncio.run(browser.try_password("secretive", wrong))
    asyncio.run(browser.try_password(wrong, "typed into the wrong field"))
    page = asyncio.run(browser.try_password("secretive", PASSWORD))
    code = page.redirect().partition("code=")[2].partition("&")[0]
    before = browser.cookies["session"]
    browser.get(page.redirect())
    after, device = browser.cookies["session"], browser.cookies["device"]
    answers = [browser.get(f"/auth/continue?code={code}").text, browser.get("/nope.js").text]

    async def visit() -> None:
        async with browser.tab() as tab:
            for name in ("", "account", "health", "about"):
                await tab.open(name)
                answers.append(tab.text())

    asyncio.run(visit())
    listed, _total = audit.list_events(limit=1000)
    seen = [site.server.log(), httpx.get(site.server.metrics_url).text, str(listed), *answers]
    secrets = [wrong, PASSWORD, code, before, after, device, sessions.hash_of(after)]
    assert len(code) == len(before) == len(after) == 43
    for secret in [*secrets, "typed into the wrong field", *site.secrets]:
        assert not any(secret in text for text in seen), secret
    for text in seen[:2]:  # nor who it was
        assert "secretive" not in text
        assert "203.0.113.66" not in text
    assert 'app_logins_total{backend="password",result="success"}' in seen[1]
    events = [(event.event, event.actor, event.address) for event in listed]
    assert ("signed in", "secretive", "203.0.113.66") in events
    assert ("sign-in failed", "secretive", "203.0.113.66") in events
