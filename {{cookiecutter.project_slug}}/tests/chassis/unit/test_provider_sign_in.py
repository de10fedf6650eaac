"""What the two addresses of st.login answer: with a session, or why there is none."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from chassis.auth import sessions, users
from chassis.auth.oidc import REDIRECT
from chassis.server.provider_sign_in import LOGIN, ProviderSignIn
from chassis.settings import Settings, get_settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit.web.server.starlette import starlette_auth_routes

PROVIDER = {
    "auth_backend": "oidc",
    "oidc_discovery_url": "https://id.example.com/.well-known/openid-configuration",
    "oidc_client_id": "tool",
    "oidc_client_secret": "what-the-provider-calls-secret",
}


def claims(**more: object) -> dict[str, object]:
    return {"iss": "https://id.example.com", "sub": "1", "iat": time.time(), "exp": 9e9} | more


def answer(
    response: Response, path: str, found: Mapping[str, object] | None = None, **values: str
) -> httpx.Response:
    """Ask for a path whose handler answers so, having got some claims as Streamlit's does."""

    async def handler(_request: Request) -> Response:
        if found is not None:
            writer: Any = starlette_auth_routes._set_auth_cookie  # in whose place the middleware is
            await writer(response, found, {"id_token": "a very long text"})
        return response

    settings = Settings.model_validate(PROVIDER | values)
    app = ProviderSignIn(Starlette(routes=[Route(path, handler)]), settings)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(ask())


def to_the_start() -> Response:
    """Return Streamlit's way to the start page, which forgets the state of the sign-in."""
    return RedirectResponse("/", 302, {"set-cookie": "_state=; Max-Age=0"})


@pytest.mark.parametrize("path", [LOGIN, REDIRECT])
def test_an_error_leads_back_to_the_sign_in_page(path: str) -> None:
    found = answer(PlainTextResponse("a stack of details", 500), path)
    assert (found.status_code, found.headers["location"]) == (303, "/?sign_in=failed")
    assert found.headers["cache-control"] == "no-store"
    assert found.content == b""


def test_who_returns_without_claims_is_sent_back() -> None:
    assert answer(to_the_start(), REDIRECT).headers["location"] == "/?sign_in=failed"
    assert answer(to_the_start(), REDIRECT, {}).headers["location"] == "/?sign_in=failed"


@pytest.mark.usefixtures("database")
def test_claims_become_a_session_and_nothing_else_reaches_the_browser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in PROVIDER.items():
        monkeypatch.setenv(name.upper(), value)
    get_settings.cache_clear()
    groups = [f"3f2504e0-4f89-11d3-9a0c-0305e82c{number:04}" for number in range(300)]
    found = answer(to_the_start(), REDIRECT, claims(name="Ann", groups=groups))
    assert (found.status_code, found.headers["location"]) == (303, "/")
    state, session = found.headers.get_list("set-cookie")
    assert state == "_state=; Max-Age=0"
    name, _equals, token = session.partition(";")[0].partition("=")
    assert name == "session"
    identity = sessions.lookup(sessions.hash_of(token))
    assert identity is not None
    assert identity.name == "Ann"
    assert sum(len(key) + len(value) for key, value in found.headers.items()) < 1000


@pytest.mark.usefixtures("database")
def test_claims_that_are_refused_lead_to_the_reason() -> None:
    found = answer(to_the_start(), REDIRECT, claims(sub=""))
    assert found.headers["location"] == "/?sign_in=nobody"
    assert found.headers.get_list("set-cookie") == ["_state=; Max-Age=0"]
    assert users.list_accounts()[1] == 0


def test_without_the_database_nobody_is_signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    get_settings.cache_clear()
    found = answer(to_the_start(), REDIRECT, claims())
    assert found.headers["location"] == "/?sign_in=failed"


def test_the_way_to_the_provider_goes_on() -> None:
    found = answer(RedirectResponse("https://id.example.com/authorize", 302), LOGIN)
    assert found.headers["location"] == "https://id.example.com/authorize"


def test_other_paths_and_other_backends_are_left_alone() -> None:
    assert answer(PlainTextResponse("no", 500), "/other").status_code == 500
    found = answer(PlainTextResponse("no", 500), LOGIN, auth_backend="none")
    assert found.status_code == 500


def test_the_sign_in_page_is_below_the_base_path() -> None:
    base = {"app_base_url": "http://localhost:8501/tool"}
    found = answer(PlainTextResponse("no", 500), "/tool" + LOGIN, **base)
    assert found.headers["location"] == "/tool/?sign_in=failed"
