"""What the sign-in through a provider answers when nobody was signed in."""

import asyncio

import httpx
import pytest
from chassis.auth.oidc import REDIRECT
from chassis.server.oidc_failures import LOGIN, OidcFailures
from chassis.settings import Settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

PROVIDER = {
    "auth_backend": "oidc",
    "oidc_discovery_url": "https://id.example.com/.well-known/openid-configuration",
    "oidc_client_id": "tool",
    "oidc_client_secret": "what-the-provider-calls-secret",
}
SIGNED_IN = "_streamlit_user=eyJ; Path=/"
SIGNED_OUT = '_streamlit_user=""; Path=/; Max-Age=0'


def answer(response: Response, path: str, **values: str) -> httpx.Response:
    """Ask for a path whose handler answers so."""

    def handler(_request: Request) -> Response:
        return response

    settings = Settings.model_validate(PROVIDER | values)
    app = OidcFailures(Starlette(routes=[Route(path, handler)]), settings)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(ask())


def with_cookie(cookie: str) -> Response:
    """Return Streamlit's way to the start page."""
    return RedirectResponse("/", 302, {"set-cookie": cookie})


@pytest.mark.parametrize("path", [LOGIN, REDIRECT])
def test_an_error_leads_back_to_the_sign_in_page(path: str) -> None:
    found = answer(PlainTextResponse("a stack of details", 500), path)
    assert (found.status_code, found.headers["location"]) == (303, "/?sign_in=failed")
    assert found.headers["cache-control"] == "no-store"
    assert found.content == b""


@pytest.mark.parametrize("cookie", [SIGNED_OUT, "another=1"])
def test_an_answer_that_signs_nobody_in_is_a_failure(cookie: str) -> None:
    found = answer(with_cookie(cookie), REDIRECT)
    assert found.headers["location"] == "/?sign_in=failed"


def test_a_sign_in_goes_on() -> None:
    found = answer(with_cookie(SIGNED_IN), REDIRECT)
    assert (found.status_code, found.headers["location"]) == (302, "/")


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
