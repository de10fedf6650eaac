"""Visitors of a generated app: people who stay and go on clicking, and new ones all the time.

A program for the Python of a generated project, in the network of the machine that serves it. Each
line on standard input is a command; each answer is a line of JSON, what happened since the last:

report  at once
round   as soon as all who stay have clicked once more, and somebody new has come
leave   as soon as all who stay have left
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
NEWCOMER = "newcomer"

loadtest: Any = importlib.import_module("chassis.commands.loadtest")
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
        self.staying: set[str] = set()
        self.round = 0
        self.awaited: set[str] = set()  # of this round
        self.reset()

    def reset(self) -> None:
        """Begin a new report."""
        self.failed: list[str] = []
        self.lost: list[float] = []
        self.stayed: dict[str, int] = {}
        self.came: dict[str, int] = {}

    async def stay(self, name: str) -> None:
        """Come, and click until everybody leaves."""
        self.staying.add(name)
        await self.visit(name)
        self.staying.discard(name)
        self.awaited.discard(name)

    async def come(self) -> None:
        """Come as somebody new."""
        round_ = self.round
        await self.visit(NEWCOMER)
        if round_ == self.round:
            self.awaited.discard(NEWCOMER)

    async def visit(self, name: str) -> None:
        """Come and click; a newcomer clicks twice."""
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
                await self.click(open_tab, name, came)
        except Exception as error:  # noqa: BLE001 - whatever it is, a visitor saw it
            self.failed.append(repr(error))

    async def click(self, tab: Any, name: str, came: dict[str, int]) -> None:
        """Rerun, and compare what the session remembers with what it did."""
        count = 0
        stays = name != NEWCOMER
        while not self.leaving.is_set() and (stays or count < 2):
            round_ = self.round
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
                seen = self.stayed if stays else came
                seen[found[2]] = seen.get(found[2], 0) + 1
            if stays:
                if round_ == self.round:
                    self.awaited.discard(name)
                await asyncio.sleep(THINK_SECONDS)

    async def keep_coming(self) -> None:
        """Send a new visitor twice a second."""
        while True:
            task = asyncio.create_task(self.come())
            await asyncio.sleep(0.5)
            await asyncio.wait([task], timeout=60)

    async def all_click(self) -> None:
        """Wait for a click of each, and for somebody new; who is lost or fails is not awaited."""
        self.round += 1
        self.awaited = {*self.staying, NEWCOMER}
        while self.awaited:
            await asyncio.sleep(0.05)

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
    for number in range(people):
        tasks.append(asyncio.create_task(crowd.stay(f"person {number}")))
        await asyncio.sleep(THINK_SECONDS / people)
    newcomers = asyncio.create_task(crowd.keep_coming())
    print("here", flush=True)
    while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if command == "leave":
            crowd.leaving.set()
            await asyncio.gather(*tasks)
        if command == "round":
            await crowd.all_click()
        print(crowd.report(), flush=True)
    newcomers.cancel()


asyncio.run(main(int(sys.argv[1])))
