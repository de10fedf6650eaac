"""Attacks on sign-in and sessions, over HTTP and websockets against the running application."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from chassis.auth import audit, sessions, users
from chassis.auth.models import LoginSession, PendingLogin
from chassis.auth.roles import Role
from chassis.database.engine import transaction
from chassis.database.tables import utc_now
from chassis.testing.databases import fresh_database
from chassis.testing.servers import PRODUCTION, running_server
from chassis.testing.sites import PASSWORD, TESTER, UNLIMITED, Site, start_site, with_database
from chassis.testing.visitor import Visitor
from sqlalchemy import update
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

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


def test_who_has_lost_the_cookie_gets_one_with_a_page_that_the_browser_keeps(small: Site) -> None:
    # The cookie of a guest ends with the browser, whose cache does not.
    cookie = {"Cookie": f"session={sessions.new_token()}"}
    page = httpx.get(small.server.url, headers=cookie)
    kept = {"If-None-Match": page.headers["etag"]}
    again = httpx.get(small.server.url, headers=cookie | kept)
    assert again.status_code == httpx.codes.NOT_MODIFIED
    lost = httpx.get(small.server.url, headers=kept)
    assert lost.status_code == httpx.codes.OK
    assert lost.headers["set-cookie"].startswith("session=")


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


@pytest.mark.alone
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

    async def send(message: BackMsg) -> int | None:
        async with small.guest().tab() as page:
            await page.open()
            await page.tab.send(message)
            await page.tab.socket.wait_closed()
            return page.tab.socket.close_code

    refused = small.server.log().count("message refused")
    assert {asyncio.run(send(message)) for message in messages()} == {1008}
    assert small.server.log().count("message refused") == refused + 4


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
