"""A visitor without a browser: keeps cookies, opens tabs, fills in forms, clicks buttons."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from ..commands.loadtest import Tab, open_tab
from .servers import Server


@dataclass
class Page:
    """What one tab shows: the messages of its last run."""

    tab: Tab

    def elements(self, kind: str) -> Iterator[Element]:
        """Return what the last run has drawn of one kind, as "text_input"."""
        for message in self.tab.messages:
            if message.WhichOneof("type") == "delta":
                element = message.delta.new_element
                if element.WhichOneof("type") == kind:
                    yield element

    def find(self, kind: str, label: str) -> Any:
        """Return the first element of this kind and label."""
        for element in self.elements(kind):
            found = getattr(element, kind)
            if found.label == label:
                return found
        raise AssertionError(f"no {kind} {label!r}; there is: {self.text()[:2000]}")

    def text(self) -> str:
        """Return everything that the last run has sent."""
        return "\n".join(str(message) for message in self.tab.messages)

    def alerts(self) -> list[str]:
        """Return the texts of the coloured boxes."""
        return re.findall(r'alert \{\s+body: "([^"]*)"', self.text())

    def redirect(self) -> str:
        """Return where the last run sends the browser; empty if nowhere."""
        urls = [m.auth_redirect.url for m in self.tab.messages if m.HasField("auth_redirect")]
        return urls[-1] if urls else ""

    async def open(self, page: str = "", query: str = "") -> None:
        """Open a page by its URL name."""
        await self.tab.rerun(page, query)

    async def made_later(self, label: str) -> str:
        """Click a download whose file is made at the click; return the address of the file."""
        message = BackMsg()
        request = message.backend_operation_request
        request.request_id, request.session_id = "1", self.tab.session_id
        request.deferred_file.file_id = self.find("download_button", label).deferred_file_id
        await self.tab.send(message)
        async for data in self.tab.socket:
            answer = ForwardMsg.FromString(data if isinstance(data, bytes) else b"")
            if answer.HasField("backend_operation_response"):
                response = answer.backend_operation_response
                assert not response.error_msg, response.error_msg
                return response.deferred_file.url
        raise AssertionError("no answer")

    async def places(self, count: int = 1) -> list[str]:
        """Ask where files may be uploaded to, as a widget for uploads does; return the paths."""
        message = BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.file_names.extend(f"{number}.txt" for number in range(count))
        await self.tab.send(message)
        async for data in self.tab.socket:
            answer = ForwardMsg.FromString(data if isinstance(data, bytes) else b"")
            if answer.HasField("file_urls_response"):
                return [file.upload_url for file in answer.file_urls_response.file_urls]
        raise ConnectionError("the server closed the connection")

    async def fill(self, page: str, **fields: str) -> None:
        """Type into text fields by label, and leave them."""
        await self.tab.send(self._filled(page, fields))
        await self.tab.finished()

    async def submit(self, button: str, page: str = "", **fields: str) -> None:
        """Fill in text fields by label (_ for a space), and press a button."""
        message = self._filled(page, fields)
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self.find("button", button).id
        state.trigger_value = True
        await self.tab.send(message)
        await self.tab.finished()

    def _filled(self, page: str, fields: dict[str, str]) -> BackMsg:
        message = BackMsg()
        message.rerun_script.page_name = page
        for label, value in fields.items():
            state = message.rerun_script.widget_states.widgets.add()
            state.id = self.find("text_input", label.replace("_", " ")).id
            state.string_value = value
        return message


@dataclass
class Visitor:
    """One browser: its cookies, and the address that the proxy reports for it."""

    server: Server
    address: str = "203.0.113.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def headers(self, **more: str) -> dict[str, str]:
        """Return the headers of this browser."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"X-Forwarded-For": self.address} | ({"Cookie": cookie} if cookie else {})
        return own | more

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request and keep the cookies of the answer; redirects are not followed."""
        headers = self.headers(**options.pop("headers", {}))
        url = httpx.URL(self.server.url).copy_with(raw_path=path.encode())
        response = httpx.request(method, url, headers=headers, timeout=30, **options)
        for line in response.headers.get_list("set-cookie"):
            name, _equals, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def get(self, path: str = "/", **options: Any) -> httpx.Response:
        """GET a path."""
        return self.request("GET", path, **options)

    def upload(self, path: str, data: bytes, **options: Any) -> httpx.Response:
        """PUT a file as the browser does."""
        self.get("/_stcore/health")  # brings the cookie against forged requests
        headers = {"X-Xsrftoken": self.cookies["_streamlit_xsrf"]}
        return self.request("PUT", path, files={"file": ("a", data)}, headers=headers, **options)

    @contextlib.asynccontextmanager
    async def tab(self, session_id: str = "", **headers: str) -> AsyncIterator[Page]:
        """Open a tab with the cookies of this browser."""
        options = self.headers(**headers)
        async with open_tab(self.server.url, session_id, options) as tab:
            yield Page(tab)

    async def try_password(self, username: str, password: str) -> Page:
        """Fill in the sign-in form once, in a tab of its own; return what it then showed."""
        if "session" not in self.cookies:
            self.get()
        async with self.tab() as page:
            await page.open()
            await page.submit("Sign in", User_name=username, Password=password)
            return page

    def outcome(self, username: str, password: str) -> str:
        """Try to sign in; return "ok", "wrong" or "wait"."""
        page = asyncio.run(self.try_password(username, password))
        if page.redirect():
            self.get(page.redirect())
            return "ok"
        [text] = page.alerts()
        return "wait" if "Too many" in text else "wrong"

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in with a user name and a password, as far as to the cookie."""
        page = await self.try_password(username, password)
        assert page.redirect(), page.text()[-2000:]
        assert self.get(page.redirect()).status_code == httpx.codes.SEE_OTHER

    def sign_out(self) -> None:
        """Go on with a new session cookie, but what else the browser keeps."""
        del self.cookies["session"]
        self.get()

    async def is_signed_in(self) -> bool:
        """Tell whether a new tab shows the app, not the form."""
        async with self.tab() as page:
            await page.open()
            return "Sign out" in [element.button.label for element in page.elements("button")]
