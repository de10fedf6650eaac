"""Refuses what must not reach Streamlit: foreign networks, hosts, origins, and unknown paths."""

import posixpath
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from ..limits.addresses import parsed
from ..settings import Settings
from .probes import PROBE_PATHS
from .refusal import brings_body, refuse
from .refusals import PATHS as REFUSALS
from .refusals import REPORT
from .request import path_of
from .static_files import STATIC, static_files

# What Streamlit serves below /_stcore, less what is not for visitors: metrics (own port), the
# script health check (runs the whole script for anybody) and the agent API (no login, no limits).
CORE_PATHS = (
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/stream",
    "/_stcore/upload_file",
    "/_stcore/bidi-components",
)
# Of a request: no less than a proxy in front lets pass.
MAX_HEADER_BYTES = 64 * 1024
# Below these Streamlit answers 404 by itself where there is nothing.
SERVED_TREES = ("/media", "/component", "/app/static")
# Nobody reads a body anywhere else, and the server would throw it away for as long as it comes.
TAKES_BODY = ("/_stcore/upload_file/", REPORT)
# Programs ask here (and below every name that starts with a dot): they must not get a page.
NOT_PAGES = ("/api",)


def _below(path: str, tree: str) -> bool:
    return path == tree or path.startswith(tree + "/")


class Gate:
    """ASGI middleware: lets a request or websocket pass, or refuses it with one line."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._base_path = settings.base_path
        self._scheme = urlsplit(settings.app_base_url).scheme
        self._allowed_ips = settings.allowed_ips
        self._allowed_hosts = frozenset(settings.allowed_hosts)
        self._files = static_files()
        self._own = REFUSALS if settings.is_development else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and (refusal := self._refusal(scope)):
            await refuse(scope, receive, send, *refusal)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and text for what must not pass."""
        if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            return 431, "The headers are too large: delete the cookies of this domain."
        path = path_of(scope, self._base_path)
        if brings_body(scope) and not path.startswith(TAKES_BODY):
            return 405, "Nothing can be sent here."
        if scope["path"] in PROBE_PATHS:  # probes come from the machine, by address
            return None
        if not self._client_allowed(scope):
            return 403, "Your network has no access to this application."
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
        if not self._host_allowed(host):
            return 400, "This host name is not served here (see APP_BASE_URL)."
        if scope["type"] == "websocket" and not self._same_origin(scope, host):
            return 403, "Connections from other sites are not accepted."
        return None if self._exists(path) else (404, "Not found.")

    def _client_allowed(self, scope: Scope) -> bool:
        if not self._allowed_ips:
            return True
        address = parsed((scope.get("client") or ("",))[0])
        return address is not None and any(address in network for network in self._allowed_ips)

    def _host_allowed(self, host: str) -> bool:
        try:
            return urlsplit(f"//{host}").hostname in self._allowed_hosts
        except ValueError:
            return False

    def _same_origin(self, scope: Scope, host: str) -> bool:
        """Compare Origin with Host here, so that Streamlit never does.

        For a foreign origin Streamlit asks two servers on the internet for its own address, on the
        event loop: everybody waits for them.
        """
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if not origins:  # not a browser, so no foreign site behind it
            return True
        origin = origins[0].decode("latin-1").lower()
        return len(origins) == 1 and origin == f"{self._scheme}://{host}"

    def _exists(self, path: str) -> bool:
        """Tell whether there is something at `path`, because Streamlit answers 200 for any path."""
        if _below(path, "/_stcore"):
            return any(_below(path, tree) for tree in CORE_PATHS)
        if path.startswith("/shell/"):
            return path in self._own
        if "/." in path or any(_below(path, tree) for tree in NOT_PAGES):
            return False
        if any(_below(path, tree) for tree in SERVED_TREES):
            return True
        if _below(path, STATIC):
            return path in self._files
        return "." not in posixpath.basename(path) or path in self._files
