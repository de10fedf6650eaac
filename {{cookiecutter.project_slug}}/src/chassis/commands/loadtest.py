"""Load test: browser tabs without browsers, each a websocket that asks for reruns."""

import asyncio
import contextlib
import statistics
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import click
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import HeadersLike
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from ..checks.exposure import LOCAL
from ..errors import ExplainedError
from ..settings import get_settings

RUN_TIMEOUT = 60.0


@click.command()
@click.option("--url", help="The app; without it, the server on APP_PORT of this machine.")
@click.option("--sessions", default=10, show_default=True, help="Visitors at the same time.")
@click.option("--reruns", default=5, show_default=True, help="Interactions of each visitor.")
@click.option("--think", default=1.0, show_default=True, help="Seconds between interactions.")
def loadtest(url: str | None, sessions: int, reruns: int, think: float) -> None:
    """Open many sessions and measure how long their reruns take.

    Exit code 1 if a session fails.
    """
    figures = asyncio.run(measure(url or _local_url(), sessions, reruns, think))
    click.echo(figures.table())
    if figures.errors:
        raise ExplainedError(f"first error: {figures.errors[0]!r}")


def _local_url() -> str:
    settings = get_settings()
    return f"http://localhost:{settings.app_port}{settings.base_path}"


@dataclass
class Tab:
    """One open page: sends what a browser sends and waits for the end of each run."""

    socket: ClientConnection
    session_id: str = ""
    messages: list[ForwardMsg] = field(default_factory=list)

    async def rerun(self, page: str = "", query: str = "") -> float:
        """Ask for a run of `page` (its URL name) and return its duration in seconds."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        started = time.perf_counter()
        await self.send(message)
        await self.finished()
        return time.perf_counter() - started

    async def send(self, message: BackMsg) -> None:
        """Send one message."""
        await self.socket.send(message.SerializeToString())

    async def finished(self) -> None:
        """Collect messages until a run ends; raises TimeoutError after RUN_TIMEOUT seconds."""
        self.messages.clear()
        async with asyncio.timeout(RUN_TIMEOUT):
            async for data in self.socket:
                message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
                self.messages.append(message)
                kind = message.WhichOneof("type")
                if kind == "new_session":
                    self.session_id = message.new_session.initialize.session_id
                elif kind == "script_finished":
                    return
        raise ConnectionError("the server closed the connection")


@contextlib.asynccontextmanager
async def open_tab(
    url: str, session_id: str = "", headers: HeadersLike | None = None, **options: Any
) -> AsyncIterator[Tab]:
    """Open the websocket of the app at `url` as a browser would; `session_id` resumes a session.

    `headers` are sent beside those that a browser sends anyway, such as a Cookie; `options` go to
    the library, as `proxy`, and `origin` where that is not the one of the URL.
    """
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    # Streamlit takes the XSRF token (none here) and the session to resume as further protocols.
    protocols = ["streamlit", "none", session_id] if session_id else ["streamlit"]
    defaults: dict[str, Any] = {"origin": Origin(f"{parts.scheme}://{parts.netloc}")}
    if parts.hostname in LOCAL:
        defaults["proxy"] = None
    async with connect(
        f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/_stcore/stream",
        subprotocols=[Subprotocol(name) for name in protocols],
        additional_headers=headers,
        max_size=None,
        **(defaults | options),
    ) as socket:
        yield Tab(socket)


def page_cookies(url: str) -> dict[str, str]:
    """Load the page as a new browser does; return the header with the cookies that came with it."""
    request = urllib.request.Request(url + "/")  # noqa: S310 - the URL of the command line
    # What HTTP_PROXY names is for other machines.
    proxies = urllib.request.ProxyHandler({} if urlsplit(url).hostname in LOCAL else None)
    with urllib.request.build_opener(proxies).open(request, timeout=RUN_TIMEOUT) as response:
        lines = response.headers.get_all("Set-Cookie") or []
    return {"Cookie": "; ".join(line.partition(";")[0] for line in lines)} if lines else {}


@dataclass
class Figures:
    """What a load test measured; durations in seconds."""

    seconds: float
    first_runs: list[float]
    reruns: list[float]
    errors: list[BaseException]

    def table(self) -> str:
        """Return the figures as text, one line each."""
        runs = len(self.first_runs) + len(self.reruns)
        lines = [
            f"sessions with errors  {len(self.errors)}",
            f"runs per second       {runs / self.seconds:.1f}",
            f"first run             {_quantiles(self.first_runs)}",
            f"rerun                 {_quantiles(self.reruns)}",
        ]
        return "\n".join(lines)


def _quantiles(values: list[float]) -> str:
    if len(values) < 2:
        return f"{values[0] * 1000:.0f} ms" if values else "none"
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms"


async def measure(url: str, sessions: int, reruns: int, think: float) -> Figures:
    """Open `sessions` tabs at once, each doing `reruns` with `think` seconds between them."""
    figures = Figures(0.0, [], [], [])

    async def visit() -> None:
        try:
            headers = await asyncio.to_thread(page_cookies, url)
            async with open_tab(url, headers=headers) as tab:
                figures.first_runs.append(await tab.rerun())
                for _ in range(reruns):
                    await asyncio.sleep(think)
                    figures.reruns.append(await tab.rerun())
        except (OSError, TimeoutError, WebSocketException) as error:
            figures.errors.append(error)

    started = time.perf_counter()
    await asyncio.gather(*(visit() for _ in range(sessions)))
    figures.seconds = time.perf_counter() - started
    return figures
