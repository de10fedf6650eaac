"""A small application as a real server, and a client that speaks Streamlit's protocol to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from chassis.testing.ports import free_port
from chassis.testing.servers import PRODUCTION
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from ..conftest import SCRATCH

START_SECONDS = 60


@dataclass(frozen=True)
class ScratchApp:
    """A running server and what it has printed, standard output and errors together."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    def text(self) -> str:
        """Return everything that was printed so far."""
        return self.output.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """Return the log; each line must be one JSON object."""
        lines = [json.loads(line) for line in self.text().split("\n")[:-1]]
        assert all(isinstance(line, dict) for line in lines)
        return lines

    def wait_for(self, predicate: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first line that fits."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            for line in self.lines():
                if predicate(line):
                    return line
            time.sleep(0.05)
        raise AssertionError(f"no such line in:\n{self.text()}")

    @contextmanager
    def tab(self) -> Iterator["Tab"]:
        """Open a browser tab."""
        with connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
        ) as connection:
            yield Tab(connection)

    def stop(self) -> None:
        """Ask the server to end, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@dataclass
class Tab:
    """One session."""

    connection: ClientConnection
    session_id: str = ""
    fragments: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)

    def run(
        self, *, page: str = "", click: str = "", fragment: str = "", query: str = ""
    ) -> list[ForwardMsg]:
        """Run the script, or the fragment that wrote this text; return what the browser gets."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        if click:
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = self.buttons[click], True
        if fragment:
            message.rerun_script.fragment_id = self.fragments[fragment]
        self.connection.send(message.SerializeToString())
        received: list[ForwardMsg] = []
        while not received or received[-1].WhichOneof("type") != "script_finished":
            data = self.connection.recv(timeout=30)
            assert isinstance(data, bytes)
            received.append(ForwardMsg.FromString(data))
            self._see(received[-1])
        return received

    def _see(self, message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "new_session":
            self.session_id = message.new_session.initialize.session_id
        element = message.delta.new_element
        if element.WhichOneof("type") == "button":
            self.buttons[element.button.label] = element.button.id
        if element.WhichOneof("type") == "markdown" and message.delta.fragment_id:
            self.fragments[element.markdown.body] = message.delta.fragment_id


def alerts(messages: list[ForwardMsg]) -> list[str]:
    """Return the texts of the coloured boxes."""
    elements = [message.delta.new_element for message in messages]
    return [item.alert.body for item in elements if item.WhichOneof("type") == "alert"]


@contextmanager
def scratch_app(directory: Path, app: str, script: str, **variables: str) -> Iterator[ScratchApp]:
    """Run `app` (the module with st.App) and `script` (the page) with these variables."""
    (directory / "scratch.py").write_text(app, encoding="utf-8")
    (directory / "script.py").write_text(script, encoding="utf-8")
    shutil.copytree(SCRATCH / ".streamlit", directory / ".streamlit")
    port = free_port()
    output = directory / "output.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "scratch.py"],
            cwd=directory,
            env={
                **os.environ,
                **PRODUCTION,
                "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
                "STREAMLIT_SERVER_PORT": str(port),
                **variables,
            },
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    running = ScratchApp(process, port, output)
    try:
        _wait_until_healthy(running)
        yield running
    finally:
        if process.poll() is None:
            running.stop()


def _wait_until_healthy(app: ScratchApp) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and app.process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{app.port}/_stcore/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{app.text()}")
