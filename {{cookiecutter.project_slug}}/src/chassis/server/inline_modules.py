"""The JavaScript of `st.components.v2.component(js="...")`, as files of this server.

The browser gets such code within a message and would have to make a module of it, which needs
blob: among the sources of scripts. Streamlit can also name a file of the component: so it does for
inline code, and the file is answered here. `private_files` gives it to who has signed in.
"""

import hashlib
import posixpath
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import streamlit_private
from ..settings import Settings
from .request import path_of

TREE: Final = "/_stcore/bidi-components/"
# The name changes with the content.
HEADERS: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
# Of which a page has a few: more are made by code that changes with its data.
MAX_MODULES: Final = 500

_modules: dict[str, str] = {}


def name_of(text: str) -> str:
    """Keep the code of a component, and return the name of its file."""
    name = f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.js"
    _modules.pop(name, None)
    _modules[name] = text
    if len(_modules) > MAX_MODULES:
        _modules.pop(next(iter(_modules)), None)
    return name


class InlineModules:
    """ASGI middleware: answers with the code of components that have no file."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._base_path = settings.base_path
        streamlit_private.name_inline_modules(name_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = self._find(scope) if _modules and scope["type"] == "http" else None
        if text is None:
            await self._app(scope, receive, send)
            return
        await Response(text, 200, HEADERS, "text/javascript")(scope, receive, send)

    def _find(self, scope: Scope) -> str | None:
        path = path_of(scope, self._base_path)
        return _modules.get(posixpath.basename(path)) if path.startswith(TREE) else None
