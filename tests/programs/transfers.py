"""Visitors of a generated app who upload files and fetch what the app made for them.

transfers.py URL VISITORS FILES: a program for the Python of a generated project. It prints the
instances that served them, how many requests were made, and each that failed, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import sys
import urllib.error
import urllib.request
from typing import Any

FILE = b"""--limit\r
Content-Disposition: form-data; name="file"; filename="new.csv"\r
Content-Type: text/csv\r
\r
Name\r
new\r
--limit--\r
"""
PAUSE_SECONDS = 1.0  # all visitors have one address here, and the limits of one

loadtest: Any = importlib.import_module("chassis.commands.loadtest")
url, visitors, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
instances: set[str] = set()
failed: list[str] = []
requests = 0


def browser_headers() -> dict[str, str]:
    """Load the page and ask for what it asks for; return what each later request says."""
    cookies = loadtest.page_cookies(url)
    request = urllib.request.Request(f"{url}/_stcore/health", headers=cookies)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - ours
        found = re.search(r"_streamlit_xsrf=([^;]+)", str(answer.headers))
    assert found, "no token against forged requests"
    return {
        "Content-Type": "multipart/form-data; boundary=limit",
        "Cookie": f"{cookies['Cookie']}; {found[0]}",
        "X-Xsrftoken": found[1],
    }


async def ask(path: str, headers: dict[str, str], content: bytes | None = None) -> None:
    """Fetch a file, or upload one."""
    global requests
    method = "PUT" if content else "GET"
    request = urllib.request.Request(url + path, content, headers, method=method)  # noqa: S310 - ours
    requests += 1
    try:
        with await asyncio.to_thread(urllib.request.urlopen, request, timeout=30) as answer:
            answer.read()
    except urllib.error.URLError as error:
        failed.append(f"{method} {error}")


async def upload_path(tab: Any) -> str:
    """Ask where a file may be put, as the uploader of a page does."""
    message = loadtest.BackMsg()
    message.file_urls_request.request_id = "1"
    message.file_urls_request.file_names.append("new.csv")
    await tab.send(message)
    async for data in tab.socket:
        answer = loadtest.ForwardMsg.FromString(data)
        if answer.WhichOneof("type") == "file_urls_response":
            return str(answer.file_urls_response.file_urls[0].upload_url)
    raise ConnectionError("the server closed the connection")


async def visit() -> None:
    """Come, and upload and fetch in turns."""
    headers = await asyncio.to_thread(browser_headers)
    found = re.search(r"_instance=(\d+)", headers["Cookie"])
    instances.add(found[1] if found else "")
    async with loadtest.open_tab(url, headers={"Cookie": headers["Cookie"]}) as tab:
        await tab.rerun()
        made = re.search(r"/media/[\w.-]+", str(tab.messages))
        assert made, "the page offers nothing to fetch"
        for _ in range(files):
            await ask(await upload_path(tab), headers, FILE)
            await ask(made[0], headers)
            await asyncio.sleep(PAUSE_SECONDS)


async def main() -> None:
    """Let all come at once."""
    await asyncio.gather(*(visit() for _ in range(visitors)))
    found = {"instances": sorted(instances), "requests": requests, "failed": failed}
    print(json.dumps(found))


asyncio.run(main())
