"""Visitors of a generated app: people who stay and go on clicking, and new ones all the time.

A program for the Python of a generated project, in the network of the machine that serves it. Each
line on standard input is a command; each answer is a line of JSON.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import re
import socket
import ssl
import sys
import time
from typing import Any

HOST = "tool.example.com"
THINK_SECONDS = 3.0

loadtest: Any = importlib.import_module("my_internal_tool.ops.loadtest")
context = ssl._create_unverified_context()  # noqa: S323 - the certificate signs itself


def load_page() -> str:
    """Load the page as a new browser does; return the cookies that came with it."""
    connection = http.client.HTTPSConnection(HOST, timeout=30, context=context)
    connection.sock = context.wrap_socket(
        socket.create_connection(("127.0.0.1", 443), timeout=30), server_hostname=HOST
    )
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise ConnectionError(f"the page answers {answer.status}")
    return "; ".join(line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie") or [])


class Crowd:
    """All visitors, and what happened to them since the last report."""

    def __init__(self) -> None:
        self.leaving = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Begin a new report."""
        self.failed: list[str] = []
        self.lost: list[float] = []
        self.stayed: dict[str, int] = {}
        self.came: dict[str, int] = {}

    async def visit(self, stay: bool) -> None:
        """Come, and click until everybody leaves; a newcomer clicks twice."""
        came = self.came  # who came before a report is none of the newcomers of the next one
        try:
            cookie = await asyncio.to_thread(load_page)
            tab = loadtest.open_tab(
                f"https://{HOST}",
                headers={"Cookie": cookie},
                host="127.0.0.1",
                port=443,
                ssl=context,
                proxy=None,
                ping_interval=None,
                open_timeout=60,
            )
            async with tab as open_tab:
                await self.click(open_tab, stay, came)
        except Exception as error:  # noqa: BLE001 - whatever it is, a visitor saw it
            self.failed.append(repr(error))

    async def click(self, tab: Any, stay: bool, came: dict[str, int]) -> None:
        """Rerun, and compare what the session remembers with what it did."""
        count = 0
        while not self.leaving.is_set() and (stay or count < 2):
            try:
                await tab.rerun()
            except Exception:
                if count == 0:
                    raise
                self.lost.append(time.time())
                return
            count += 1
            found = re.search(r"run (\d+) of version ([\d.]+)", str(tab.messages))
            if found is None or int(found[1]) != count:
                self.failed.append(f"run {count} shows {found and found[0]}")
            else:
                seen = self.stayed if stay else came
                seen[found[2]] = seen.get(found[2], 0) + 1
            if stay:
                await asyncio.sleep(THINK_SECONDS)

    async def keep_coming(self) -> None:
        """Send a new visitor twice a second."""
        while True:
            task = asyncio.create_task(self.visit(stay=False))
            await asyncio.sleep(0.5)
            await asyncio.wait([task], timeout=60)

    def report(self) -> str:
        """Return what happened since the last report."""
        names = ("failed", "lost", "stayed", "came")
        text = json.dumps({name: getattr(self, name) for name in names})
        self.reset()
        return text


async def main(people: int) -> None:
    """Do what the commands say."""
    crowd = Crowd()
    tasks = []
    for _ in range(people):
        tasks.append(asyncio.create_task(crowd.visit(stay=True)))
        await asyncio.sleep(THINK_SECONDS / people)
    newcomers = asyncio.create_task(crowd.keep_coming())
    print("here", flush=True)
    while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if command == "leave":
            crowd.leaving.set()
            await asyncio.gather(*tasks)
        print(crowd.report(), flush=True)
    newcomers.cancel()


asyncio.run(main(int(sys.argv[1])))
