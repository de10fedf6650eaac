"""Health endpoints for the machine: /livez and /readyz."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .. import health

NO_STORE = {"Cache-Control": "no-store"}


async def livez(_request: Request) -> JSONResponse:
    """Answer while the event loop turns. Knows nothing of dependencies: a restart repairs none."""
    return JSONResponse({"status": "alive"}, headers=NO_STORE)


async def readyz(_request: Request) -> JSONResponse:
    """Answer 200 if new visitors are welcome, else 503, with the result of each check."""
    report = await health.report_async()
    return JSONResponse(report.as_dict(), 200 if report.ready else 503, headers=NO_STORE)


ROUTES = [Route("/livez", livez), Route("/readyz", readyz)]
PROBE_PATHS = frozenset(route.path for route in ROUTES)
