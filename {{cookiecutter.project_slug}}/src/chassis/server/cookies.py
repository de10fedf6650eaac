"""The cookies of a sign-in: written with every protection, read without trust."""

import re
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from ..auth import sessions
from ..settings import Settings

DEVICE_SECONDS: Final = 365 * 24 * 3600
_DEVICE: Final = re.compile(r"[\w.-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Cookies:
    """The two cookies that a browser sent: its token and its device, where they look like ours."""

    token: str | None
    device: str | None


class CookieJar:
    """Names and attributes of our cookies; on https the names bind them to this host."""

    def __init__(self, settings: Settings) -> None:
        self._secure = settings.app_base_url.startswith("https:")
        # https://developer.mozilla.org/en-US/docs/Web/HTTP/Headers/Set-Cookie#cookie_prefixes
        prefix = "__Host-" if self._secure else ""
        self.session_name: Final = f"{prefix}session"
        self.device_name: Final = f"{prefix}device"

    def read(self, scope: Scope) -> Cookies:
        """Return our cookies of a request; a name that comes twice counts as absent."""
        found: dict[str, list[str]] = {self.session_name: [], self.device_name: []}
        for name, value in self._pairs(scope):
            if name in found:
                found[name].append(value)
        tokens, devices = found[self.session_name], found[self.device_name]
        token = tokens[0] if len(tokens) == 1 and sessions.is_token(tokens[0]) else None
        device = devices[0] if len(devices) == 1 and _DEVICE.fullmatch(devices[0]) else None
        return Cookies(token, device)

    def without_ours(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the headers without our cookies: scripts can read the rest in `st.context`."""
        ours = {self.session_name, self.device_name}
        others = [pair for pair in self._pairs(scope) if pair[0] not in ours]
        rest = "; ".join(f"{name}={value}" for name, value in others)
        headers = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        return [*headers, (b"cookie", rest.encode("latin-1"))] if rest else headers

    def session(self, token: str, seconds: int | None = None) -> bytes:
        """Return the Set-Cookie value of a token; without `seconds` until the browser is closed."""
        return self._set(self.session_name, token, seconds)

    def device(self, value: str) -> bytes:
        """Return the Set-Cookie value that marks a browser as one of its user's own."""
        return self._set(self.device_name, value, DEVICE_SECONDS)

    def _set(self, name: str, value: str, seconds: int | None) -> bytes:
        parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
        parts += ["Secure"] if self._secure else []
        parts += [f"Max-Age={seconds}"] if seconds is not None else []
        return "; ".join(parts).encode("ascii")

    @staticmethod
    def _pairs(scope: Scope) -> list[tuple[str, str]]:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
        pairs = (part.partition("=") for line in lines for part in line.split(";"))
        # Not more than browsers strip: a name behind another space is that of another cookie.
        return [(name.strip(" \t"), value.strip(" \t")) for name, equals, value in pairs if equals]
