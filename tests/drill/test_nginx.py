"""The generated nginx site, run by nginx, seen by programs and by a browser over TLS."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import re
import socket
import ssl
import threading
import uuid
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from baking import ROOT, Baked, run
from lab import tools_path
from nginx import Site, free_ports, install, site
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from serving import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_LOAD_BYTES = 1_150_000
REPEATED_LOAD_BYTES = 50_000
COOKIE = "my_internal_tool_instance"
FORWARDED = (
    "Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Prefix "
    "X-Forwarded-Proto X-Forwarded-User X-Forwarded-Email X-Forwarded-Roles X-Forwarded-Groups "
    "X-Real-IP"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a real Chromium."""
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """Return a browser that has never been here."""
    context = browser.new_context(ignore_https_errors=True)  # the authority is the test's own
    yield context
    context.close()


def visit(page: Page, url: str) -> None:
    """Open a page and wait until its script has run and nothing is loading."""
    page.goto(url)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    title = page.get_by_test_id("stMain").get_by_role("heading", level=1)
    expect(title).to_be_visible(timeout=30_000)
    page.wait_for_load_state("networkidle")


@contextlib.contextmanager
def shown_headers() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """Serve on a port, and note the headers of each request."""
    seen: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, seen
        server.shutdown()


def test_a_page_load_is_small_and_a_second_one_is_nothing(
    running_site: Site, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    session = visitor.new_cdp_session(page)
    session.send("Network.enable")
    received: list[int] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    totals = []
    for _ in range(2):
        received.clear()
        visit(page, f"{running_site.url}/about")
        totals.append(sum(received))
        assert len(received) > 50
    print(f"first load {totals[0]} bytes, second {totals[1]} bytes")  # noqa: T201
    assert totals[0] <= FIRST_LOAD_BYTES
    assert totals[1] <= REPEATED_LOAD_BYTES


def test_the_browser_gets_secure_cookies_and_reports_nothing(
    running_site: Site, visitor: BrowserContext
) -> None:
    problems: list[str] = []
    page = visitor.new_page()
    page.on("console", lambda message: problems.append(f"{message.type} {message.text}"))
    page.on("requestfailed", lambda request: problems.append(request.url))
    visit(page, running_site.url)
    assert problems == []
    cookies = {cookie["name"]: cookie for cookie in visitor.cookies()}
    assert all(cookie["secure"] for cookie in cookies.values())
    assert all(cookie["sameSite"] == "Lax" for cookie in cookies.values())
    assert cookies[COOKIE]["httpOnly"]


def test_a_visitor_stays_with_one_instance_and_visitors_are_spread(
    running_site: Site, browser: Browser
) -> None:
    instances = []
    before = len(running_site.access_log())
    for _ in range(4):
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        visit(page, running_site.url)
        first = next(c["value"] for c in context.cookies() if c["name"] == COOKIE)
        page.reload()
        visit(page, f"{running_site.url}/about")
        assert next(c["value"] for c in context.cookies() if c["name"] == COOKIE) == first
        instances.append(first)
        context.close()
    assert len(set(instances)) == 2
    lines = running_site.access_log()[before:]
    assert {line["status"] for line in lines if line["path"] == "/_stcore/stream"} == {101}


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/readyz",
        "/_stcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/agent/interact",
        "/_stcore//metrics",
        "/%5Fstcore/metrics",
        "/static/../_stcore/metrics",
        "/static/../../../etc/passwd",
        "/static../pages/error.html",
        "/.env",
        "/api/x",
    ],
)
def test_what_is_inside_stays_inside(running_site: Site, path: str) -> None:
    assert running_site.request(path).status in {400, 404}


def test_plain_http_leads_to_https_and_serves_challenges(running_site: Site) -> None:
    challenges = running_site.root / "www/acme/.well-known/acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / "token").write_text("proof")
    seen = []
    for path in ("/page?a=b", "/.well-known/acme-challenge/token"):
        connection = http.client.HTTPConnection("127.0.0.1", running_site.http, timeout=10)
        connection.request("GET", path, headers={"Host": "evil.example.com"})
        answer = connection.getresponse()
        seen.append((answer.status, answer.getheader("Location"), answer.read()))
        connection.close()
    assert seen[0][:2] == (301, "https://localhost/page?a=b")
    assert seen[1] == (200, None, b"proof")


def test_http2_and_compressed_immutable_files(running_site: Site) -> None:
    context = ssl.create_default_context(cafile=str(running_site.authority))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", running_site.https)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
    page = running_site.request("/").body
    script = re.search(r'src="\.?(/static/js/[^"]+)"', page)
    assert script
    answer = running_site.request(script[1], headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_the_log_has_neither_session_nor_query(running_site: Site) -> None:
    session = str(uuid.uuid4())
    headers = {"Referer": f"https://localhost/?token={session}"}
    running_site.request(f"/_stcore/upload_file/{session}/{session}?x={session}", "PUT", headers)
    running_site.request(f"/_stcore/upload%5Ffile/{session}/{session}", "DELETE", headers)
    running_site.request(f"/?token={session}", headers=headers)
    running_site.request(f"/static/none.js?token={session}", headers=headers)
    paths = [line["path"] for line in running_site.access_log()]
    assert "/_stcore/upload_file/..." in paths
    for file in (running_site.root / "log").iterdir():
        assert session not in file.read_text("utf-8"), file.name


@pytest.mark.parametrize(("megabytes", "status"), [(50, 403), (52, 413)])
def test_the_size_of_an_upload(running_site: Site, megabytes: int, status: int) -> None:
    """What is small enough reaches the app, which refuses it for want of a session."""
    context = ssl.create_default_context(cafile=str(running_site.authority))
    connection = http.client.HTTPSConnection("localhost", running_site.https, context=context)
    connection.putrequest("PUT", f"/_stcore/upload_file/{uuid.uuid4()}/{uuid.uuid4()}")
    connection.putheader("Content-Length", str(megabytes * 1024 * 1024))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status
    connection.close()


def test_what_a_client_forwards_does_not_arrive(project: Path, tmp_path: Path) -> None:
    """A server that shows its headers stands in the place of the app."""
    with shown_headers() as (first, seen), shown_headers() as (second, also_seen):
        ports = {**free_ports(), 8501: first, 8502: second}
        with site(project, tmp_path / "echo", ports) as echo:
            forged = dict.fromkeys(FORWARDED.split(), "forged")
            echo.request("/", headers={**forged, "Upgrade": "h2c", "Connection": "Upgrade"})
    values = {name.lower(): value for name, value in (seen + also_seen)[-1].items()}
    assert "forged" not in values.values()
    assert values["x-forwarded-for"] == "127.0.0.1"
    assert values["x-forwarded-proto"] == "https"
    assert values["host"] == f"localhost:{ports[443]}"
    assert "upgrade" not in values


def test_too_many_requests_are_429_and_files_do_not_count(project: Path, tmp_path: Path) -> None:
    with shown_headers() as (first, _seen), shown_headers() as (second, _also):
        ports = {**free_ports(), 8501: first, 8502: second}
        with site(project, tmp_path / "busy", ports) as busy:
            (tmp_path / "busy/www/static").mkdir()
            (tmp_path / "busy/www/static/a.js").write_text("1")
            files = Counter(busy.request("/static/a.js").status for _ in range(300))
            pages = Counter(busy.request("/").status for _ in range(300))
    assert files == {200: 300}
    assert pages[200] >= 100
    assert set(pages) == {200, 429}


def test_the_maintenance_page_has_a_switch(running_site: Site) -> None:
    switch = running_site.root / "my-internal-tool/maintenance"
    switch.touch()
    try:
        answer = running_site.request("/")
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "30"
        assert "점검" in answer.body
    finally:
        switch.unlink()
    assert running_site.request("/").status == 200


def test_the_site_below_a_path_is_the_same(default: Baked) -> None:
    root = default.read("deploy/nginx/snippets/app.conf").splitlines()[1:]
    below = default.read("deploy/nginx/snippets/app-below-path.conf").splitlines()[1:]
    prefix = "/my-internal-tool/"
    same = [re.sub(r"^(location (?:=|\^~)? ?)/my-internal-tool/", r"\1/", line) for line in below]
    assert same[: len(root)] == root
    assert any(prefix in line for line in below)


def test_gixy_finds_nothing(default: Baked, tmp_path: Path) -> None:
    path = tools_path("gixy")
    install(default.path, tmp_path / "site", free_ports())
    # It does not see that a variable can only be one of the upstreams of a map.
    command = ("gixy", "--skips", "stale_dns_cache", tmp_path / "site/nginx.conf")
    done = run(*command, cwd=tmp_path, PATH=path)
    assert "No issues found" in done.stdout, done.stdout + done.stderr


def test_tls_is_that_of_mozilla(running_site: Site) -> None:
    path = tools_path("sslyze")
    target = f"localhost:{running_site.https}"
    command = ("sslyze", "--mozilla_config", "intermediate", "--certinfo_ca_file")
    done = run(*command, running_site.authority, target, cwd=ROOT, PATH=path)
    assert "OK - Compliant" in done.stdout, done.stdout[-1000:] + done.stderr
