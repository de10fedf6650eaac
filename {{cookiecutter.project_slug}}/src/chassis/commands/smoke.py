"""The `smoke` command: one visit to a server that nobody is sent to yet."""

import asyncio
import http.client
import re
from urllib.parse import urlsplit

import click
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException

from ..errors import ExplainedError
from ..server.running import host_of
from ..settings import Settings, get_settings
from .loadtest import open_tab

TIMEOUT = 30.0


class SmokeError(ExplainedError):
    """The visit failed; the text is one line that says how."""


@click.command()
def smoke() -> str:
    """Visit the server on this machine as a browser would.

    It listens on APP_PORT. The visitor comes from a network that may enter, but does not sign in:
    loads the page, opens a session and runs the script. Exit code 1 if that fails.
    """
    settings = get_settings()
    url = urlsplit(settings.app_base_url)
    headers = {"X-Forwarded-Proto": url.scheme}
    if settings.allowed_ips:
        headers["X-Forwarded-For"] = str(settings.allowed_ips[0].network_address)
    errors = _script_errors(settings)
    try:
        cookie = _load_page(settings, {**headers, "Host": url.netloc})
        seconds, messages = asyncio.run(_visit(settings, {**headers, "Cookie": cookie}))
    except (OSError, TimeoutError, WebSocketException, http.client.HTTPException) as error:
        raise SmokeError(f"port {settings.app_port}: {error!r}") from None
    if messages[-1].script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
        status = ForwardMsg.ScriptFinishedStatus.Name(messages[-1].script_finished)
        raise SmokeError(f"port {settings.app_port}: the run ended with {status}")
    if _script_errors(settings) > errors or any(_is_exception(one) for one in messages):
        raise SmokeError(f"port {settings.app_port}: the page failed; the log has the traceback")
    return f"port {settings.app_port}: a visitor got the page in {seconds:.1f} s"


def _load_page(settings: Settings, headers: dict[str, str]) -> str:
    """Load the page; return the cookies that came with it."""
    host = host_of(settings.app_host)
    connection = http.client.HTTPConnection(host, settings.app_port, timeout=TIMEOUT)
    try:
        connection.request("GET", settings.base_path.rstrip("/") + "/", headers=headers)
        answer = connection.getresponse()
        text = answer.read(500).decode(errors="replace")
    finally:
        connection.close()
    if answer.status != http.client.OK:
        line = " ".join(text.split())[:200]
        raise SmokeError(f"port {settings.app_port}: the page answers {answer.status}: {line}")
    lines = answer.headers.get_all("Set-Cookie") or []
    return "; ".join(line.partition(";")[0] for line in lines)


async def _visit(settings: Settings, headers: dict[str, str]) -> tuple[float, list[ForwardMsg]]:
    host = host_of(settings.app_host)
    async with asyncio.timeout(TIMEOUT):
        # To the port itself, without TLS, but with the names of the site.
        url = urlsplit(settings.app_base_url)
        plain = url._replace(scheme="http").geturl()
        origin = f"{url.scheme}://{url.netloc}"
        async with open_tab(
            plain, headers=headers, origin=origin, host=host, port=settings.app_port, proxy=None
        ) as tab:
            return await tab.rerun(), tab.messages


def _is_exception(message: ForwardMsg) -> bool:
    return message.delta.new_element.WhichOneof("type") == "exception"


def _script_errors(settings: Settings) -> float:
    """Return how many runs have failed: the user sees only a friendly text."""
    if not settings.metrics_enabled:
        return 0
    host = host_of(settings.metrics_host)
    connection = http.client.HTTPConnection(host, settings.metrics_port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException) as error:
        port = settings.metrics_port
        raise SmokeError(f"port {port}: no metrics ({error}); is the server running?") from None
    finally:
        connection.close()
    return sum(map(float, re.findall(r"^app_script_errors_total\{.*\} (\S+)$", text, re.MULTILINE)))
