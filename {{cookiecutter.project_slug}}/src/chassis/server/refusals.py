"""What browsers refuse while developing: logged, and said on the page, with the line that helps.

Only the console of a browser tells otherwise why a map stays blank. The script is part of the page
in development alone; anywhere else nothing is served here.
"""

import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from ..browser_access import FEATURES, origin
from ..limits import counted, get_limiter
from ..logs import get_logger
from ..settings import Settings
from .security_headers import EXTERNAL

log = get_logger(__name__)

SCRIPT: Final = "/shell/refusals.js"
REPORT: Final = "/shell/refusals"
PATHS: Final = frozenset({SCRIPT, REPORT})

MAX_BYTES: Final = 8 * 1024
LIMIT: Final = "60/minute"
# How many different refusals are logged; each only once, as a map asks for hundreds of tiles.
MAX_LOGGED: Final = 200

_HELPER: Final = "draw it with html_frame of chassis, whose scripts run: docs/streamlit.md"


def advice(directive: str, blocked: str, page: str, *, in_frame: bool = False) -> str:
    """Return what was refused and what allows it, in one line; empty for what cannot be.

    In a frame of html_frame scripts may come from external sources, too.
    """
    directive = directive.removesuffix("-elem").removesuffix("-attr")
    if not re.fullmatch("[a-z-]{1,40}", directive) or len(blocked) > 2000:
        return ""
    where = f" on {page}" if re.fullmatch(r"/[\w/.~-]{0,200}", page) else ""
    if directive in FEATURES:
        line = f'browser_features=["{directive}"]'
        return f"The browser refused the {directive}{where}: allow it in app.py: {line}"
    if blocked in ("inline", "eval") and directive == "script-src":
        return f"The browser refused a script within HTML{where}: {_HELPER}"
    try:
        url = urlsplit(blocked)
        source = origin(f"{url.scheme}://{url.netloc}", unencrypted=True)
    except ValueError:
        return ""
    refused = f"The browser refused {source} for {directive}{where}: "
    if directive in EXTERNAL or (in_frame and directive == "script-src"):
        return f'{refused}allow it in app.py: external_sources=["{source}"]'
    if directive == "script-src":
        return f"{refused}scripts come from the app alone; {_HELPER}"
    return ""


def routes(settings: Settings) -> list[Route]:
    """Return script and reports, in development."""
    if not settings.is_development:
        return []
    logged: set[str] = set()

    async def report(request: Request) -> Response:
        """Answer a report with the line for the page."""
        client = counted(request.client.host if request.client else "")
        if request.headers.get("sec-fetch-site") != "same-origin":
            return PlainTextResponse("Only pages of this app report.\n", 403)
        if await get_limiter().hit(LIMIT, "refusals", client):
            return PlainTextResponse("Too many reports.\n", 429)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("This report is too long.\n", 413)
        line = _line(body)
        if line and line not in logged and len(logged) < MAX_LOGGED:
            logged.add(line)
            log.warning(line)
        return PlainTextResponse(line)

    async def script(_request: Request) -> Response:
        headers = {"Cache-Control": "no-cache"}
        return FileResponse(Path(__file__).with_suffix(".js"), headers=headers)

    return [
        Route(settings.base_path + SCRIPT, script, methods=["GET"]),
        Route(settings.base_path + REPORT, report, methods=["POST"]),
    ]


async def _body(request: Request) -> bytes | None:
    """Return what was posted; None if that is too much."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            return None
    return body


def _line(body: bytes) -> str:
    """Return the line for a report; empty for one that says nothing."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return ""
    said = found if isinstance(found, dict) else {}
    texts = (str(said.get(name, "")) for name in ("directive", "blocked", "page"))
    return advice(*texts, in_frame=said.get("inFrame") is True)
