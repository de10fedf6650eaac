"""AUTH_BACKEND=proxy: the proxy in front of the app says who the visitor is."""

from starlette.types import ASGIApp, Receive, Scope, Send

from ..auth.backends import email_allowed, text_of
from ..auth.labels import log_unknown, names_of
from ..auth.models import MAX_NAME
from ..settings import Settings
from ..texts import is_one_line
from . import open_tabs, private_files
from .open_tabs import USER, Tab
from .peer import is_trusted
from .refusal import refuse
from .request import path_of, values, without


class ProxyIdentity:
    """ASGI middleware: believes the headers of a trusted proxy, and no others."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._names = [
            settings.auth_proxy_user_header.encode(),
            settings.auth_proxy_email_header.encode(),
            settings.auth_proxy_roles_header.encode(),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = [values(scope, name) for name in self._names]
        scope["headers"] = without(scope, self._names)
        user, email, roles = (found[0] if found else b"" for found in sent)
        if any(len(found) > 1 for found in sent):
            await refuse(scope, receive, send, 400, "An identity header was sent twice.")
        elif not is_trusted(scope, self._settings) or not user:
            await refuse(scope, receive, send, 403, "Sign in through the proxy of this app.")
        elif not is_one_line(text_of(user.strip()), MAX_NAME):
            # Not tidied: that could be the name of somebody else.
            await refuse(scope, receive, send, 400, "The proxy names a user that cannot be.")
        elif not email_allowed(text_of(email)):
            await refuse(scope, receive, send, 403, "Your e-mail address may not sign in here.")
        else:
            scope["headers"] += [
                (b"x-app-user", user),
                (b"x-app-email", email),
                (b"x-app-roles", roles),
            ]
            if scope["type"] == "websocket":  # once for each tab
                log_unknown(names_of(text_of(roles)))
            await self._serve(scope, receive, send, user.decode("latin-1"))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, user: str) -> None:
        path = path_of(scope, self._settings.base_path)
        if scope["type"] == "websocket":
            await open_tabs.serve(self._app, scope, receive, send, Tab(user, USER, send))
        elif private_files.is_private(path) and not private_files.belongs_to(
            path, "app_user", user, USER
        ):
            await refuse(scope, receive, send, 403, "This belongs to another session.")
        else:
            await self._app(scope, receive, send)
