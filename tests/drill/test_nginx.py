"""The generated nginx site, run by nginx, seen by programs and by a browser over TLS."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import math
import re
import shutil
import socket
import ssl
import threading
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import measured
import pytest
from baking import ROOT, Baked, run
from blocks import blocks_of
from lab import tools_path
from nginx import INSTANCES, Site, free_ports, install, site
from playwright.sync_api import expect
from serving import PRODUCTION, free_port, serving, until
from visiting import (
    GIVEN_PASSWORD,
    PASSWORD,
    SIGN_IN,
    SharedDatabase,
    choose_password,
    enter,
    visit,
    wait_for_menu,
    wait_for_run,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message
    from pathlib import Path

    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Page,
        Response,
    )

FIRST_LOAD_BYTES = 1_150_000
REPEATED_LOAD_BYTES = 50_000
COOKIE = "my_internal_tool_instance"
PROBES = ("/about/_stcore/health", "/about/_stcore/host-config")
FORWARDED = (
    "Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Prefix "
    "X-Forwarded-Proto X-Real-IP"
)
IDENTITY = (  # the names that oauth2-proxy, Authelia, authentik and others use
    "X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups X-Forwarded-Roles "
    "X-Forwarded-Preferred-Username X-Forwarded-Access-Token X-Auth-Request-User "
    "X-Auth-Request-Email X-Auth-Request-Groups X-Auth-Request-Preferred-Username "
    "X-Auth-Request-Access-Token Remote-User Remote-Email Remote-Groups Remote-Name "
    "X-Remote-User X-User X-Email"
)


# What a script in a frame finds out.
FRAMED = """
import streamlit as st
from chassis import html_frame

st.title("Framed")
html_frame('''<!doctype html><p id=ran></p><p id=parent></p><p id=cookie></p><script>
const tried = (attempt) => { try { return String(attempt()) } catch (error) { return error.name } }
ran.textContent = "ran"
document.getElementById("parent").textContent = tried(() => window.parent.document.title)
cookie.textContent = tried(() => document.cookie)
</script>''')
"""


@pytest.fixture
def visitor(browser: Browser, session_cookie: Any) -> Iterator[BrowserContext]:
    """Return a browser that has never been here, but is signed in."""
    context = browser.new_context(ignore_https_errors=True)
    context.add_cookies([session_cookie])
    yield context
    context.close()


def noted_problems(page: Page) -> list[str]:
    """Return the list to which a page's messages and failed requests will be added."""
    problems: list[str] = []

    def note_message(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "Failed to load" not in message.text:
            problems.append(message.text)

    def note_answer(answer: Response) -> None:
        # Streamlit looks for the folder that it is served from, and starts with that of the page.
        if answer.status >= 400 and not answer.url.endswith(PROBES):
            problems.append(answer.url)

    page.on("console", note_message)
    page.on("response", note_answer)
    page.on("requestfailed", lambda one: problems.append(f"{one.url} {one.failure}"))
    return problems


def instance_of(context: BrowserContext) -> str:
    """Return the port that a browser stays with."""
    return next(one["value"] for one in context.cookies() if one["name"] == COOKIE)


@contextlib.contextmanager
def answering(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve with a handler, as an instance of the app; yield the port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextlib.contextmanager
def shown_headers(
    answer: Callable[[str, Message], tuple[int, dict[str, str]]] = lambda _path, _headers: (
        200,
        {},
    ),
) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """Serve on a port, and note the headers of each request; the body of an answer is the port."""
    seen: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            status, headers = answer(self.path, self.headers)
            body = str(self.connection.getsockname()[1]).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with answering(Handler) as port:
        yield port, seen


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
    measured.note("first page load", f"{totals[0]:,} bytes", f"at most {FIRST_LOAD_BYTES:,}")
    measured.note("second page load", f"{totals[1]:,} bytes", f"at most {REPEATED_LOAD_BYTES:,}")
    assert totals[0] <= FIRST_LOAD_BYTES
    assert totals[1] <= REPEATED_LOAD_BYTES


def test_the_browser_gets_secure_cookies_and_reports_nothing(
    running_site: Site, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    problems = noted_problems(page)
    visit(page, running_site.url)
    assert problems == []
    cookies = {cookie["name"]: cookie for cookie in visitor.cookies()}
    assert all(cookie["secure"] for cookie in cookies.values())
    assert all(cookie["sameSite"] == "Lax" for cookie in cookies.values())
    assert cookies[COOKIE]["httpOnly"]


def test_visitors_are_spread_and_each_stays_where_it_is(
    running_site: Site, browser: Browser, session_cookie: Any
) -> None:
    """And whoever signed in at one instance is known to the other."""
    instances = []
    before = len(running_site.access_log())
    for _ in range(4):
        context = browser.new_context(ignore_https_errors=True)
        context.add_cookies([session_cookie])
        page = context.new_page()
        visit(page, running_site.url)
        wait_for_menu(page)
        first = instance_of(context)
        page.reload()
        wait_for_menu(page)
        visit(page, f"{running_site.url}/about")
        assert instance_of(context) == first
        instances.append(first)
        context.close()
    assert len(set(instances)) == 2
    lines = running_site.access_log()[before:]
    assert {line["status"] for line in lines if line["path"] == "/_stcore/stream"} == {101}


def test_uploads_and_media_find_their_instance(project: Path, tmp_path: Path) -> None:
    """Both live in the instance that has the session; any other one answers 404."""
    shutil.copytree(project / "src", tmp_path / "src")
    home = tmp_path / "src/my_internal_tool/pages/home.py"
    home.write_text('import streamlit as st\n\nst.download_button("Own", b"made for you")\n')
    ports = free_ports()
    variables = {
        **PRODUCTION,
        "APP_BASE_URL": f"https://localhost:{ports[443]}",
        "PYTHONPATH": str(tmp_path / "src"),
    }
    with contextlib.ExitStack() as stack:
        for port in (8501, 8502):
            app = stack.enter_context(serving(project, tmp_path / f"app-{port}", **variables))
            ports[port] = app.port
        running = stack.enter_context(site(project, tmp_path / "nginx", ports))
        command = (
            project / ".venv/bin/python",
            ROOT / "tests/programs/transfers.py",
            running.url,
            "10",
            "10",
        )
        done = run(*command, cwd=tmp_path, SSL_CERT_FILE=str(running.authority))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["instances"]) == 2
    assert (report["requests"], report["failed"]) == (200, [])
    measured.note("uploads and media over two instances", "0 of 200 failed")


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
            names = [*FORWARDED.split(), *IDENTITY.split()]
            names += [name.replace("-", "_") for name in names]
            forged = dict.fromkeys(names, "forged")
            echo.request("/", headers={**forged, "Upgrade": "h2c", "Connection": "Upgrade"})
    values = {name.lower(): value for name, value in (seen + also_seen)[-1].items()}
    assert "forged" not in values.values()
    assert values["x-forwarded-for"] == "127.0.0.1"
    assert values["x-forwarded-proto"] == "https"
    assert values["host"] == f"localhost:{ports[443]}"
    assert "upgrade" not in values


class ClosesOnRequest(http.server.BaseHTTPRequestHandler):
    """Closes a connection that was idle for 4 seconds on a request, whose time has just run out."""

    protocol_version = "HTTP/1.1"
    used = math.inf

    def do_GET(self) -> None:
        self.close_connection = time.monotonic() - self.used > 4
        if self.close_connection:
            return
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.used = time.monotonic()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_the_cookies_of_other_sites_fit(running_site: Site) -> None:
    """The table of docs/architecture.md: what nginx takes the app takes, for tabs too."""
    tab = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    tab["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    fits, too_long = ({"Cookie": f"other={'x' * size}"} for size in (16_000, 17_000))
    assert running_site.request("/", headers=fits).status == 200
    refused = running_site.request("/_stcore/stream", headers=tab | fits)
    assert (refused.status, refused.body) == (403, "Open the page first.\n")
    many = {f"X-Other-{number}": "x" * 16_000 for number in range(3)}
    assert running_site.request("/", headers=many).status == 200
    assert running_site.request("/", headers=too_long).status == 400


def test_an_answer_with_large_headers_is_no_error_of_the_instance(
    project: Path, tmp_path: Path
) -> None:
    with shown_headers(lambda _path, _headers: (200, {"X-Large": "x" * 15_000})) as (port, seen):
        ports = free_ports() | {8501: port}
        with site(project, tmp_path, ports) as running:
            assert [running.request("/").status for _ in range(3)] == [200] * 3
    assert len(seen) == 3


def test_a_connection_is_not_used_when_the_app_may_close_it(project: Path, tmp_path: Path) -> None:
    limit = "inspect.signature(uvicorn.Config).parameters['timeout_keep_alive'].default"
    command = ("-c", f"import inspect, uvicorn; print({limit})")
    seconds = int(run(project / ".venv/bin/python", *command, cwd=project).stdout)
    with (
        answering(ClosesOnRequest) as port,
        site(project, tmp_path / "nginx", free_ports() | {8501: port}) as nginx,
    ):
        named = {"Cookie": f"{COOKIE}={port}"}
        for wait in (0, seconds - 0.5):
            time.sleep(wait)
            # Several, so that each process of nginx has a connection, and uses it again.
            assert [nginx.request("/", headers=named).status for _ in range(9)] == [200] * 9


def test_every_group_of_instances_lets_connections_go_alike(default: Baked) -> None:
    for name in ("nginx/snippets/blue.conf", "nginx/snippets/green.conf", "docker/serving.conf"):
        text = default.read(f"deploy/{name}")
        assert text.count("keepalive 16;\n") > 2
        assert text.count("keepalive 16;\n    keepalive_timeout 4s;\n") == text.count(" keepalive ")


def test_too_many_requests_are_429_and_files_do_not_count(project: Path, tmp_path: Path) -> None:
    with shown_headers() as (first, _seen), shown_headers() as (second, _also):
        ports = {**free_ports(), 8501: first, 8502: second}
        with site(project, tmp_path / "busy", ports) as busy:
            (tmp_path / "busy/www/static").mkdir()
            (tmp_path / "busy/www/static/a.js").write_text("1")
            files = Counter(busy.statuses("/static/a.js", 300))
            pages = Counter(busy.statuses("/", 600))
    assert files == {200: 300}
    assert pages[200] >= 100
    assert set(pages) == {200, 429}


def test_a_network_of_ipv6_counts_as_one_client(project: Path, tmp_path: Path) -> None:
    """However nginx writes its addresses: it leaves out the longest row of zeros."""
    port = free_port()
    tell = f"""
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Address;
        server {{ listen 127.0.0.1:{port}; return 200 $my_internal_tool_client; }}
    }}"""

    def edit(root: Path) -> None:
        main = root / "nginx.conf"
        main.write_text(main.read_text("utf-8").rstrip().removesuffix("}") + tell, "utf-8")

    def client(address: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/", headers={"X-Address": address})
            return connection.getresponse().read()

    short = ["2001:db8:0:0", "2001:db8:0:5", "2001:db8:1:0", "2001:db8:1:5"]
    groups = [*short, "2001:0:0:5", "2001:0:0:0", "2001:0:7:0"]
    hosts = ["0:0:0:1", "0:0:2:1", "0:3:2:1", "4:3:2:1", "4:0:0:0", "0:0:0:0", "4:0:0:1", "0:3:0:0"]
    with site(project, tmp_path / "networks", free_ports(), edit):
        for group in groups:
            assert {client(f"{group}:{host}") for host in hosts} == {group.encode()}
        assert client("203.0.113.7") == bytes([203, 0, 113, 7])
        assert client("::1") == bytes(15) + b"\x01"


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


def test_new_visitors_get_the_chosen_colour_and_the_others_stay(
    project: Path, tmp_path: Path
) -> None:
    """Until their instance is gone: then they go to the chosen colour, and are told so."""
    with contextlib.ExitStack() as stack:
        stop_old = contextlib.ExitStack()
        blue = [str(stop_old.enter_context(shown_headers())[0])]
        others = [str(stack.enter_context(shown_headers())[0]) for _ in range(3)]
        blue, green = [*blue, others[0]], others[1:]
        ports = {**free_ports(), **dict(zip(INSTANCES, map(int, blue + green), strict=True))}
        with stop_old, site(project, tmp_path / "colours", ports) as colours:
            new = {colours.request("/").body for _ in range(8)}
            assert new == set(blue)
            colours.choose("green")
            until(lambda: colours.request("/").body in green, 10)
            new = {colours.request("/").body for _ in range(8)}
            assert new == set(green)
            for port in blue + green:
                answer = colours.request("/", headers={"Cookie": f"{COOKIE}={port}"})
                assert (answer.body, answer.headers["Set-Cookie"]) == (port, None)
            stop_old.close()
            answer = colours.request("/", headers={"Cookie": f"{COOKIE}={blue[0]}"})
            assert answer.body in green
            assert answer.headers["Set-Cookie"].startswith(f"{COOKIE}={answer.body};")


def test_the_app_works_below_a_path(
    project: Path, tmp_path: Path, browser: Browser, running_site: Site
) -> None:
    ports = free_ports()
    database = SharedDatabase(project, tmp_path / "app.db")
    variables = {
        **PRODUCTION,
        **SIGN_IN,
        "APP_BASE_URL": f"https://localhost:{ports[443]}/my-internal-tool",
        "DATABASE_URL": database.url,
    }

    def edit(root: Path) -> None:
        file = root / "site.conf"
        text = file.read_text("utf-8").replace("/app.conf;", "/app-below-path.conf;")
        file.write_text(text, "utf-8")
        (root / "www/static").symlink_to(running_site.root / "www/static")

    with (
        serving(project, tmp_path / "app", **variables) as app,
        site(project, tmp_path / "below", {**ports, 8501: app.port}, edit) as below,
    ):
        database.add_user("ann")
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        problems = noted_problems(page)
        visit(page, f"{below.url}/my-internal-tool")
        enter(page, "ann", GIVEN_PASSWORD)
        choose_password(page, GIVEN_PASSWORD, PASSWORD)
        page.wait_for_load_state("networkidle")  # to leave earlier ends what it still fetches
        visit(page, f"{below.url}/my-internal-tool/about")
        wait_for_menu(page)
        page.get_by_test_id("stSidebarNavLink").first.click()
        wait_for_run(page)
        assert problems == []
        context.close()
        for inside in ("metrics", "readyz", "_stcore/metrics"):
            assert below.request(f"/my-internal-tool/{inside}").status == 404
        assert below.request("/my-internal-tool/livez").status == 200
        assert below.request("/").status == 404


@pytest.mark.parametrize("path", ["", "/my-internal-tool"])
def test_html_in_a_frame_runs_and_reaches_nothing(
    project: Path, tmp_path: Path, browser: Browser, path: str
) -> None:
    """The instance that drew the page has it; whoever is not signed in does not get it."""
    shutil.copytree(project / "src", tmp_path / "src")
    (tmp_path / "src/my_internal_tool/pages/home.py").write_text(FRAMED, "utf-8")
    ports = free_ports()
    database = SharedDatabase(project, tmp_path / "app.db")
    variables = {
        **PRODUCTION,
        **SIGN_IN,
        "APP_BASE_URL": f"https://localhost:{ports[443]}{path}",
        "DATABASE_URL": database.url,
        "PYTHONPATH": str(tmp_path / "src"),
    }

    def edit(root: Path) -> None:
        file = root / "site.conf"
        snippet = "app-below-path" if path else "app"
        file.write_text(file.read_text("utf-8").replace("/app.conf;", f"/{snippet}.conf;"))

    with contextlib.ExitStack() as stack:
        for port in (8501, 8502):
            app = stack.enter_context(serving(project, tmp_path / f"app-{port}", **variables))
            ports[port] = app.port
        running = stack.enter_context(site(project, tmp_path / "nginx", ports, edit))
        database.add_user("ann")
        context = stack.enter_context(browser.new_context(ignore_https_errors=True))
        page = context.new_page()
        page.goto(f"{running.url}{path}/")
        enter(page, "ann", GIVEN_PASSWORD)
        choose_password(page, GIVEN_PASSWORD, PASSWORD)
        page.wait_for_load_state("networkidle")
        problems = noted_problems(page)
        for _ in range(2):
            with page.expect_response(f"{running.url}{path}/media/*") as document:
                visit(page, f"{running.url}{path}/")
            frame = page.frame_locator("[data-testid=stMain] iframe")
            expect(frame.locator("#ran")).to_have_text("ran")
            expect(frame.locator("#parent")).to_have_text("SecurityError")
            expect(frame.locator("#cookie")).to_have_text("SecurityError")
        # Streamlit's frames ask for features that no browser knows any more.
        assert [one for one in problems if not one.startswith("Unrecognized feature: ")] == []
        assert running.request(urlsplit(document.value.url).path).status == 403


def test_a_sign_in_proxy_says_who_is_there(project: Path, tmp_path: Path, browser: Browser) -> None:
    """A small stand-in for oauth2-proxy knows one cookie; what browsers say about them is lost."""

    def oauth2_proxy(path: str, headers: Message) -> tuple[int, dict[str, str]]:
        if path != "/oauth2/auth":
            return 200, {"X-Page": path}
        if "pass=bob" not in headers.get("Cookie", ""):
            return 401, {}
        return 202, {"X-Auth-Request-User": "bob", "X-Auth-Request-Groups": "viewer"}

    ports = free_ports()
    variables = {
        **PRODUCTION,
        "AUTH_BACKEND": "proxy",
        "APP_BASE_URL": f"https://localhost:{ports[443]}",
    }
    with (
        shown_headers(oauth2_proxy) as (proxy, _seen),
        serving(project, tmp_path / "app", **variables) as app,
    ):

        def edit(root: Path) -> None:
            folder = root / "my-internal-tool"
            for name in ("identity-proxy.conf", "sign-in.conf"):
                text = (folder / name).read_text("utf-8").replace(":4180", f":{proxy}")
                (folder / name).write_text(text, "utf-8")
            (folder / "identity-proxy.conf").rename(folder / "identity.conf")
            text = (root / "site.conf").read_text("utf-8")
            both = "include my-internal-tool/sign-in.conf;\ninclude my-internal-tool/app.conf;"
            text = text.replace("include my-internal-tool/app.conf;", both)
            (root / "site.conf").write_text(text, "utf-8")

        with site(project, tmp_path / "proxied", {**ports, 8501: app.port}, edit) as proxied:
            forged = dict.fromkeys(IDENTITY.split(), "admin")
            context = browser.new_context(ignore_https_errors=True, extra_http_headers=forged)
            page = context.new_page()
            page.goto(f"{proxied.url}/about?a=b")
            assert urlsplit(page.url).path == "/oauth2/start"
            assert urlsplit(page.url).query == "rd=/about?a=b"
            for path in ("/_stcore/stream", "/_stcore/health", "/_stcore/host-config"):
                assert proxied.request(path, headers=forged).status == 401
            context.add_cookies([{"name": "pass", "value": "bob", "url": proxied.url}])
            visit(page, f"{proxied.url}/about")
            wait_for_menu(page)
            expect(page.get_by_test_id("stSidebar")).to_contain_text("bob")
            expect(page.get_by_test_id("stSidebar")).not_to_contain_text("admin")
            context.close()


def test_the_site_below_a_path_is_the_same(default: Baked) -> None:
    root = default.read("deploy/nginx/snippets/app.conf").splitlines()[1:]
    below = default.read("deploy/nginx/snippets/app-below-path.conf").splitlines()[1:]
    prefix = "/my-internal-tool/"
    same = [re.sub(r"^(location (?:=|\^~)? ?)/my-internal-tool/", r"\1/", line) for line in below]
    assert same[: len(root)] == root
    assert any(prefix in line for line in below)


@pytest.mark.parametrize("snippet", ["app", "app-below-path"])
def test_what_operators_add_is_part_of_the_site(
    project: Path, tmp_path: Path, snippet: str
) -> None:
    """The examples of docs/server.md, at the root of a host and below a path of another site."""
    examples = blocks_of("server.md", (project / "docs/server.md").read_text("utf-8"))
    examples = [block for block in examples if block.language == "nginx"]
    assert len(examples) == 2

    def edit(root: Path) -> None:
        for block in examples:
            block.write(tmp_path)
        local = (tmp_path / "deploy/nginx/local").rename(root / "my-internal-tool/local")
        office = local / "office.conf"
        office.write_text(office.read_text().replace("127.0.0.1", "127.0.0.2"))
        (local / "notes.txt").write_text("nonsense;\n")
        text = (root / "site.conf").read_text("utf-8").replace("/app.conf;", f"/{snippet}.conf;")
        (root / "site.conf").write_text(text, "utf-8")

    with site(project, tmp_path / "nginx", free_ports(), edit) as extended:
        assert extended.request("/robots.txt")[::2] == (200, "User-agent: *\nDisallow: /\n")
        for path in ("/my-internal-tool/", "/"):
            assert extended.request(path).status == 403


def test_gixy_finds_nothing(default: Baked, tmp_path: Path) -> None:
    path = tools_path("gixy")
    install(default.path, tmp_path / "site", free_ports())
    # It does not see that a variable can only be one of the upstreams of a map.
    command = ("gixy", "--skips", "stale_dns_cache", tmp_path / "site/nginx.conf")
    done = run(*command, cwd=tmp_path, PATH=path)
    assert measured.findings("gixy", done) == []
    assert "No issues found" in done.stdout


def test_tls_is_that_of_mozilla(running_site: Site) -> None:
    path = tools_path("sslyze")
    target = f"localhost:{running_site.https}"
    command = ("sslyze", "--mozilla_config", "intermediate", "--certinfo_ca_file")
    done = run(*command, running_site.authority, target, cwd=ROOT, PATH=path)
    assert "OK - Compliant" in done.stdout, done.stdout[-1000:] + done.stderr
    measured.note("sslyze, Mozilla intermediate", "compliant")
