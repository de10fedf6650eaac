"""GET /auth/continue: where a sign-in becomes a cookie, which only an HTTP response can set."""

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from .. import project
from ..auth import sessions, sign_in
from ..database.engine import DatabaseUnavailable
from ..logs import get_logger
from ..settings import Settings
from .cookies import CookieJar

log = get_logger(__name__)

_PAGE = re.compile("[A-Za-z0-9_-]{1,100}")


def landing(query: Mapping[str, str]) -> str:
    """Return where a sign-in ends: the page and the language that it began with.

    Only the name of a page is taken from the request: an address would be an open redirect.
    """
    page, language = query.get("page", ""), query.get("lang", "")
    kept = {"lang": language} if language in project.current().languages else {}
    kept |= {"done": "1"} if query.get("done") == "1" else {}
    path = f"/{page}" if _PAGE.fullmatch(page) else "/"
    return f"{path}?{urlencode(kept)}" if kept else path


def routes(settings: Settings) -> list[Route]:
    """Return the route, for the backend whose sign-ins begin in a script."""
    if settings.auth_backend != "password":
        return []
    jar = CookieJar(settings)

    async def take_up(request: Request) -> RedirectResponse:
        """Answer with the cookie of a new session; a wrong code leads to the sign-in page."""
        address = settings.base_path + landing(request.query_params)
        response = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
        code = request.query_params.get("code", "")
        # What the gate has made of the cookie.
        browser = request.headers.get("x-app-session", "")
        if not browser or not sessions.is_token(code):
            return response
        try:
            signed_in = await asyncio.to_thread(
                sign_in.take_up,
                code,
                browser,
                address=request.client.host if request.client else "",
                user_agent=request.headers.get("user-agent", ""),
            )
        except DatabaseUnavailable:
            log.warning("a sign-in failed because the database is away")
            return response
        if signed_in is not None:
            seconds = settings.auth_session_max_seconds
            cookies = [jar.session(signed_in.token, seconds)]
            cookies += [jar.device(signed_in.device)] if signed_in.device else []
            response.raw_headers.extend((b"set-cookie", cookie) for cookie in cookies)
        return response

    return [Route(settings.base_path + sign_in.CONTINUE, take_up, methods=["GET"])]
