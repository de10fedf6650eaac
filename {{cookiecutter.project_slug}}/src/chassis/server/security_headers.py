"""Response headers that tell the browser what a page may do."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import project, streamlit_private
from ..browser_access import FEATURES
from ..logs import get_logger
from ..project import Chassis, ProjectError
from ..settings import Settings

log = get_logger(__name__)

# Two years, the value of Mozilla's TLS guidelines and of the HSTS preload list.
HSTS = "max-age=63072000; includeSubDomains"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # For browsers that do not know frame-ancestors. DENY would break custom components,
    # which Streamlit shows in frames of the same origin.
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# What external sources may be loaded as. Never as scripts: those could do all that the user may.
EXTERNAL: Final = ("style-src", "img-src", "font-src", "connect-src", "media-src", "frame-src")


class _InlineScripts(HTMLParser):
    """Collects the text of the <script> elements that have no src."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and "src" not in dict(attrs)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts.append(data)


def inline_script_hashes() -> list[str]:
    """Return the CSP source of each inline script in the index.html of the installed Streamlit.

    The scripts change with Streamlit's version, so their hashes are computed, never written down.
    """
    parser = _InlineScripts()
    parser.feed(streamlit_private.PAGE.read_text(encoding="utf-8"))
    digests = (hashlib.sha256(script.encode()).digest() for script in parser.scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def content_security_policy(script_src: str, sources: Sequence[str] = ()) -> str:
    """Return the policy of a page whose scripts may come from `script_src`."""
    directives = {
        "default-src": "'none'",
        "script-src": script_src,
        # Streamlit's styling writes <style> elements at run time.
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        # What the page itself has made: a photo of the camera, what the microphone has recorded.
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "media-src": "'self' data: blob:",
        "frame-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return _policy_of(directives, EXTERNAL, sources)


def frame_policy(sources: Sequence[str] = ()) -> str:
    """Return the policy of HTML that a page shows in a frame, with scripts of its own.

    "sandbox" takes its origin away: to its scripts the app is a foreign server. So they may come
    from external sources, too. Nothing is loaded from the app: there is no 'self'. What a link
    opens in another tab is outside of the sandbox again.
    """
    directives = {
        "sandbox": "allow-scripts allow-popups allow-popups-to-escape-sandbox",
        "default-src": "'none'",
        "script-src": "'unsafe-inline' 'unsafe-eval' blob:",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "font-src": "data:",
        "connect-src": "data: blob:",
        "worker-src": "blob:",
        "media-src": "data: blob:",
        "frame-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    return _policy_of(directives, ("script-src", *EXTERNAL), sources)


def _policy_of(directives: dict[str, str], open_to: Sequence[str], sources: Sequence[str]) -> str:
    """Return the text of a policy, in which some directives are open to external sources."""
    opened = {name: " ".join([directives[name], *sources]) for name in open_to}
    return "; ".join(f"{name} {value}" for name, value in {**directives, **opened}.items())


@dataclass(frozen=True)
class Policies:
    """The values of the headers that depend on what app.py and the settings allow."""

    page: str
    component: str
    frame: str
    permissions: str

    @classmethod
    def of(cls, ours: Chassis, settings: Settings) -> "Policies":
        """Return those of a project; raises ProjectError where app.py allows what cannot be."""
        declared_sources, declared_features = ours.allowed()
        sources = [*dict.fromkeys((*declared_sources, *settings.external_sources))]
        allowed = {*declared_features, *settings.browser_features}
        # The frontend decodes messages with WebAssembly; that needs no 'unsafe-eval'.
        scripts = " ".join(["'self'", "'wasm-unsafe-eval'", *inline_script_hashes()])
        features = [f"{name}=({'self' if name in allowed else ''})" for name in FEATURES]
        return cls(
            page=content_security_policy(scripts, sources),
            # Custom components are pages of their own that come with inline scripts.
            component=content_security_policy("'self' 'unsafe-inline'", sources),
            frame=frame_policy(sources),
            permissions=", ".join([*features, "payment=()", "usb=()"]),
        )


class SecurityHeaders:
    """ASGI middleware: adds the headers to every response, and Secure to every cookie on https."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._https = settings.app_base_url.startswith("https:")
        self._project = project.current()
        self._policies = Policies.of(self._project, settings)
        self._component_prefix = f"{settings.base_path}/component/"
        self._media_prefix = f"{settings.base_path}/media/"
        self._headers = HEADERS | ({"Strict-Transport-Security": HSTS} if self._https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if self._settings.is_development:
            self._follow_app_py()
        policies = self._policies

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(raw=list(message["headers"]))
                policy = self._policy(policies, scope["path"], headers)
                headers.setdefault("Content-Security-Policy", policy)
                headers.setdefault("Permissions-Policy", policies.permissions)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                message = {**message, "headers": self._secure_cookies(headers)}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _policy(self, policies: Policies, path: str, headers: MutableHeaders) -> str:
        if path.startswith(self._component_prefix):
            return policies.component
        # HTML among the files of sessions is what `html_frame` shows.
        is_html = headers.get("content-type", "").startswith("text/html")
        if is_html and path.startswith(self._media_prefix):
            return policies.frame
        return policies.page

    def _follow_app_py(self) -> None:
        """Take over what a saved app.py allows; one that is wrong changes nothing."""
        ours = project.loaded()
        if ours is None or ours is self._project:
            return
        self._project = ours
        try:
            self._policies = Policies.of(ours, self._settings)
        except ProjectError as error:
            log.warning(str(error))

    def _secure_cookies(self, headers: MutableHeaders) -> list[tuple[bytes, bytes]]:
        """Streamlit never marks its cookies Secure behind a proxy that ends TLS; we know better."""
        if not self._https:
            return headers.raw
        return [
            (name, value + b"; Secure")
            if name == b"set-cookie" and b"; secure" not in value.lower()
            else (name, value)
            for name, value in headers.raw
        ]
