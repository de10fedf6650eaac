"""A client of the debugger, as an editor is one: https://microsoft.github.io/debug-adapter-protocol."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

Message = dict[str, Any]


class Debugger:
    """Speaks with the adapter that an editor starts for the type `debugpy`."""

    def __init__(self, adapter: "subprocess.Popen[bytes]") -> None:
        self._adapter = adapter
        self._numbers = itertools.count(1)
        self._received: Queue[Message] = Queue()
        self.seen: list[Message] = []
        self._reader = Thread(target=self._receive, daemon=True)
        self._reader.start()

    def send(self, command: str, **arguments: Any) -> None:
        """Send a request."""
        message = {"seq": next(self._numbers), "type": "request"}
        body = json.dumps({**message, "command": command, "arguments": arguments}).encode()
        assert self._adapter.stdin
        self._adapter.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._adapter.stdin.flush()

    def wait_for(self, is_it: Callable[[Message], bool]) -> Message:
        """Return the next message that is looked for."""
        while True:
            message = self._received.get(timeout=60)
            self.seen.append(message)
            if is_it(message):
                return message

    def event(self, name: str) -> Message:
        """Return the next event of a name."""
        return self.wait_for(lambda message: message.get("event") == name)

    def answer(self, command: str, **arguments: Any) -> Message:
        """Send a request, and return the body of its answer."""
        self.send(command, **arguments)
        found = self.wait_for(lambda message: message.get("command") == command)
        assert found["success"], found
        body: Message = found.get("body", {})
        return body

    def stop_in(self, path: Path, *lines: int) -> None:
        """Set the breakpoints of a file, and no others."""
        points = [{"line": line} for line in lines]
        self.answer("setBreakpoints", source={"path": str(path)}, breakpoints=points)

    def end(self) -> None:
        """End the program, and the adapter with it."""
        with contextlib.suppress(BrokenPipeError):  # it may have ended
            self.answer("disconnect", terminateDebuggee=True)
        self._adapter.terminate()
        self._reader.join()

    def output(self) -> str:
        """Return what the program has printed until now."""
        return "".join(
            each["body"]["output"] for each in self.seen if each.get("event") == "output"
        )

    def _receive(self) -> None:
        stream = self._adapter.stdout
        assert stream
        while header := stream.readline():
            stream.readline()  # the empty line
            self._received.put(json.loads(stream.read(int(header.split(b":")[1]))))


@contextlib.contextmanager
def debugging(
    configuration: Message, breakpoints: dict[Path, list[int]], **env: str
) -> Iterator[Debugger]:
    """Start what a configuration of launch.json says, with breakpoints in the lines of files."""
    with subprocess.Popen(
        [sys.executable, "-m", "debugpy.adapter"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **env},
    ) as adapter:
        debugger = Debugger(adapter)
        try:
            debugger.answer("initialize", adapterID="debugpy", clientID="tests", pathFormat="path")
            # Without a terminal of the editor.
            debugger.send("launch", **configuration, console="internalConsole")
            debugger.event("initialized")
            for path, lines in breakpoints.items():
                debugger.stop_in(path, *lines)
            debugger.answer("configurationDone")
            yield debugger
        finally:
            debugger.end()
