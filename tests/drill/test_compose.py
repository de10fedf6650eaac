"""The stack of compose.yaml: brought up, used by a browser, killed piece by piece, updated."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import measured
import pytest
import yaml
from baking import ROOT, Baked, Baker, commit_all, edit, run
from blocks import Block, blocks_of, commands
from containers import ADD_USER, USER, Engine, checker, find_engine, sign_in, timed
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    FilePayload,
    expect,
    sync_playwright,
)
from serving import chromium, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "https://tool.example.com"
INSTANCE = "my_internal_tool_instance"
INSTANCES = ("app-8501", "app-8502")
SERVICES = ("nginx", *INSTANCES, "postgres", "redis", "backup")
OFFICE = "deploy/nginx/local/office.conf"
ROBOTS = "curl --silent --insecure --header 'Host: tool.example.com' https://localhost/robots.txt"
# A line for each new visitor who did not get a page and a session, until the input ends.
VISIT = """
import http.client, select, ssl, sys, time
context = ssl._create_unverified_context()
upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "https://tool.example.com",
    "Sec-WebSocket-Protocol": "streamlit"}
def ask(path, headers):
    connection = http.client.HTTPSConnection("127.0.0.1", 443, timeout=20, context=context)
    connection.request("GET", path, headers={"Host": "tool.example.com", **headers})
    answer = connection.getresponse()
    if answer.status not in (200, 101):
        print(time.strftime("%X"), path, dict(answer.headers), answer.read()[:20], flush=True)
    cookies = [line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie") or []]
    if answer.status != 101:
        answer.read()
    connection.close()
    return answer.status, "; ".join(cookies)
visits = 0
while not select.select([sys.stdin], [], [], 0.6)[0]:
    try:
        status, cookies = ask("/", {})
        statuses = status, ask("/_stcore/stream", {**upgrade, "Cookie": cookies})[0]
    except Exception as error:
        statuses = repr(error)
    visits += 1
    if statuses != (200, 101):
        print(time.strftime("%X"), statuses, flush=True)
print(visits, "visits")
"""


@dataclass(frozen=True)
class Stack:
    """The services of a project in an engine."""

    engine: Engine
    project: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder of the project."""
        return self.engine.run(*command, cwd=self.project)

    def compose(self, *arguments: str) -> str:
        """Run docker compose, which must succeed."""
        done = self.run("docker", "compose", *arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}{self.logs()}"
        return done.stdout.strip()

    def logs(self) -> str:
        """Return the last lines of each service."""
        return self.run("docker", "compose", "logs", "--tail", "15").stdout

    def up(self) -> None:
        """Bring everything up, with the command of the documentation."""
        started = time.monotonic()
        self.compose("up", "--detach", "--wait")
        timed("docker compose up", started)

    def execute(self, service: str, script: str) -> str:
        """Run a shell script in a service."""
        return self.compose("exec", "--no-TTY", service, "sh", "-c", script)

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows about the container of a service."""
        name = self.compose("ps", "--all", "--quiet", service)
        return dict(json.loads(self.engine.docker("inspect", name))[0])

    def health(self, service: str) -> str:
        """Return whether a service is starting, healthy or unhealthy."""
        return str(self.inspect(service)["State"].get("Health", {}).get("Status"))

    def is_healthy(self, service: str) -> bool:
        """Tell whether a service runs and is healthy."""
        return self.health(service) == "healthy"

    def backups(self) -> list[str]:
        """Return the names of the backups, the newest first."""
        lines = self.execute("backup", "my-internal-tool backup list").splitlines()
        return [line.split()[0] for line in lines[1:]]

    def kill(self, service: str) -> None:
        """End every process of a service by SIGKILL, as the kernel does when memory runs out."""
        before = self.inspect(service)["RestartCount"]
        self.run("docker", "compose", "exec", "--no-TTY", service, "sh", "-c", "kill -9 -1")
        until(lambda: self.inspect(service)["RestartCount"] > before, 30, f"a restart of {service}")

    @contextlib.contextmanager
    def visitors(self) -> Iterator[list[str]]:
        """Let new visitors come; the list has one line for each who was not served."""
        command = [*self.engine.inside, sys.executable, "-c", VISIT]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        lines: list[str] = []
        try:
            yield lines
        finally:
            output, _ = process.communicate("\n", timeout=60)
            lines.extend(output.splitlines())


def blocks(project: Path, document: str, language: str) -> list[Block]:
    """Return the blocks of a document in one language."""
    text = (project / "docs" / document).read_text("utf-8")
    return [block for block in blocks_of(document, text) if block.language == language]


def whole_stack(project: Path) -> list[str]:
    """Return the commands of docs/container.md that bring the stack up, and restore a backup."""
    return commands(project, "container.md", "The whole stack on one machine")


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return a Docker engine."""
    return find_engine()


@pytest.fixture(scope="module")
def stack(engine: Engine, bake: Baker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Bring the stack of the default bake up; only its limit of new sessions is not as baked."""
    project = bake.fresh(tmp_path_factory.mktemp("compose")).path
    for block in (*blocks(project, "container.md", "yaml"), *blocks(project, "server.md", "nginx")):
        block.write(project)
    (project / OFFICE).unlink()  # which we are not in
    commit_all(project)
    texts = [(project / name).read_text() for name in ("Dockerfile", "compose.yaml")]
    engine.prepare("\n".join(texts))
    with (project / "deploy/docker/app.env").open("a") as settings:
        settings.write("RATE_LIMIT_CONNECT=100000/minute\n")
    name = f"test-{uuid.uuid4().hex[:12]}"
    variables = {
        **engine.variables,
        "COMPOSE_PROJECT_NAME": name,
        "COMPOSE_PROGRESS": "quiet",
        "IMAGE": name,
        "SUBNET": f"172.16.{os.getpid() % 250}",
    }
    stack = Stack(Engine(variables, engine.inside), project)
    try:
        started = time.monotonic()
        for command in whole_stack(project)[0].splitlines()[:2]:  # the third asks for a password
            done = stack.run("bash", "-c", command)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}{stack.logs()}"
        timed("docker compose up", started)
        stack.execute("app-8501", ADD_USER)
        yield stack
    finally:
        sys.stdout.write(stack.logs())
        stack.run("docker", "compose", "down", "--volumes", "--timeout", "1")
        stack.run("sh", "-c", f"docker rmi --force $(docker images --quiet {name})")


@pytest.fixture(scope="module")
def browser(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a Chromium for which the host of the project is this machine."""
    path = stack.engine.program(chromium(), tmp_path_factory.mktemp("browser"))
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP tool.example.com 127.0.0.1"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser) -> Iterator[BrowserContext]:
    """Sign in, with the form, over TLS."""
    context = browser.new_context(ignore_https_errors=True)  # the certificate signs itself
    page = context.new_page()
    page.goto(URL)
    sign_in(page)
    yield context
    context.close()


def opens(context: BrowserContext, path: str = "/") -> bool:
    """Tell whether a page shows the app, not the sign-in, at the second attempt at the latest."""
    page = context.new_page()
    for _attempt in range(2):
        with contextlib.suppress(Error):
            page.goto(f"{URL}{path}")
            page.get_by_test_id("stSidebarNavLink").first.wait_for(state="attached")
            page.locator("[data-test-script-state=notRunning]").wait_for()
            page.close()
            return True
    return False


def seen(context: BrowserContext) -> tuple[int, str]:
    """Return the status and the title that a new tab gets; an older one may just load itself."""
    page = context.new_page()
    answer = page.goto(URL)
    assert answer
    return answer.status, page.title()


def cookies(context: BrowserContext) -> dict[str, Any]:
    """Return the cookies of a browser by name."""
    return {str(cookie["name"]): cookie for cookie in context.cookies()}


def test_a_browser_signs_in_over_tls(signed_in: BrowserContext) -> None:
    found = cookies(signed_in)
    assert found["__Host-session"]["secure"]
    assert found["__Host-session"]["httpOnly"]
    assert found[INSTANCE]["secure"]
    assert "app-" + found[INSTANCE]["value"] in INSTANCES


def test_uploads_arrive_whichever_instance_serves(
    browser: Browser, signed_in: BrowserContext
) -> None:
    session = cookies(signed_in)["__Host-session"]
    used = set()
    for number in range(6):
        context = browser.new_context(ignore_https_errors=True)
        context.add_cookies([session])
        page = context.new_page()
        page.goto(f"{URL}/records?lang=en")
        page.get_by_role("button", name="Import CSV").click(timeout=60_000)
        content = f"Asset no.,Name\nUP-{number},Uploaded {number}\n".encode()
        file: FilePayload = {"name": "new.csv", "mimeType": "text/csv", "buffer": content}
        page.locator("input[type=file]").set_input_files(file)
        expect(page.get_by_role("dialog")).to_contain_text("new.csv", timeout=30_000)
        # What the app says about the content of the file.
        expect(page.get_by_role("dialog")).to_contain_text("columns are missing", timeout=60_000)
        used.add(cookies(context)[INSTANCE]["value"])
        context.close()
    assert len(used) == 2


def test_no_secret_is_in_the_environment_or_the_command_of_a_container(stack: Stack) -> None:
    files = [path for path in (stack.project / "secrets").iterdir() if path.is_file()]
    secrets = {path.read_text().split()[-1] for path in files if path.stat().st_size}
    assert len(secrets) == 6
    for service in SERVICES:
        text = json.dumps(stack.inspect(service))
        assert not [secret for secret in secrets if secret in text], service


@pytest.mark.parametrize("service", SERVICES)
def test_each_is_without_rights_on_a_read_only_disk(stack: Stack, service: str) -> None:
    script = "id -u; cat /proc/self/status /proc/net/route; touch /etc/x 2>&1 || true"
    told = stack.execute(service, script)
    assert not told.startswith("0\n")
    assert re.search(r"^CapBnd:\s0+$", told, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s1$", told, re.MULTILINE)
    assert "Read-only file system" in told
    # Only nginx has a way out, and only nginx is published.
    assert bool(re.search(r"\s00000000\s\w{8}\s0003\s", told)) == (service == "nginx")
    assert bool(stack.inspect(service)["HostConfig"]["PortBindings"]) == (service == "nginx")


@pytest.mark.parametrize("service", ["app-8501", "app-8502"])
def test_an_instance_that_is_killed_is_replaced_and_comes_back(
    stack: Stack, signed_in: BrowserContext, service: str
) -> None:
    with stack.visitors() as unserved:
        time.sleep(2)
        stack.kill(service)
        assert opens(signed_in)
        until(lambda: stack.is_healthy(service), 60, "health")
    # Who is just being served when it happens is cut off, and nobody else.
    assert len(unserved) <= 2, unserved


def test_a_visitor_is_told_when_nobody_can_serve(stack: Stack, browser: Browser) -> None:
    context = browser.new_context(ignore_https_errors=True)
    switch = "/etc/nginx/my-internal-tool/maintenance"
    stack.execute("nginx", f"touch {switch}")
    try:
        assert seen(context) == (503, "Maintenance")
    finally:  # for the tests that follow
        stack.execute("nginx", f"rm {switch}")
    stack.compose("stop", *INSTANCES)
    try:
        status, title = seen(context)
        assert status in (502, 504)
        assert title == "Back in a moment"
        # nginx is well: were it not, `up --wait` would give up at once.
        check = stack.inspect("nginx")["Config"]["Healthcheck"]["Test"]
        stack.compose("exec", "--no-TTY", "nginx", *check[1:])
    finally:
        stack.up()
    context.close()


@pytest.mark.parametrize("service", ["redis", "postgres"])
def test_recovery_when_a_service_is_killed(
    stack: Stack, signed_in: BrowserContext, service: str
) -> None:
    stack.kill(service)
    until(lambda: all(map(stack.is_healthy, SERVICES)), 90, "health")
    assert opens(signed_in, "/health")
    assert f"{USER} " in stack.execute("app-8501", "my-internal-tool users list")


def test_a_backup_is_made_at_its_hour_and_restored(stack: Stack, signed_in: BrowserContext) -> None:
    soon = time.strftime("%H:%M:%S", time.gmtime(time.time() + 20))
    done = stack.run("env", f"NIGHTLY_AT={soon}", "docker", "compose", "up", "--detach", "backup")
    assert done.returncode == 0, done.stderr
    until(lambda: len(stack.backups()) == 1, 120, "a backup")
    stack.execute("app-8501", "my-internal-tool users add bob --role viewer --generate")
    assert "is good: " in stack.execute("backup", "my-internal-tool backup verify")
    [restore] = [text for text in whole_stack(stack.project) if " backup restore " in text]
    restore = restore.replace("NAME", f"--yes {stack.backups()[0]}").replace("exec", "exec -T")
    done = stack.run("bash", "-euc", restore)
    assert done.returncode == 0, done.stdout + done.stderr
    users = stack.execute("app-8501", "my-internal-tool users list")
    assert f"{USER} " in users
    assert "bob" not in users
    assert opens(signed_in)


def test_a_backup_that_fails_is_seen(stack: Stack) -> None:
    stack.compose("stop", "postgres")
    soon = time.strftime("%H:%M:%S", time.gmtime(time.time() + 15))
    up = ("docker", "compose", "up", "--detach", "--no-deps", "backup")
    assert stack.run("env", f"NIGHTLY_AT={soon}", *up).returncode == 0
    until(lambda: stack.health("backup") == "unhealthy", 180, "notice")
    assert "database is unavailable" in stack.compose("logs", "--tail", "5", "backup")
    stack.up()


def test_what_operators_add_is_used(stack: Stack) -> None:
    """The examples of docs/container.md and docs/server.md; a mistake in one changes nothing."""
    assert stack.inspect("redis")["HostConfig"]["Memory"] == 256 * 1024 * 1024
    assert stack.execute("nginx", ROBOTS).startswith("User-agent")
    before = stack.backups()
    broken = stack.project / "deploy/nginx/local/broken.conf"
    broken.write_text("nonsense;\n")
    done = stack.run("deploy/docker/update")
    assert done.returncode != 0
    assert 'unknown directive "nonsense" in ' in done.stderr
    assert "/local/broken.conf:1" in done.stderr
    assert stack.backups() == before
    broken.unlink()
    (stack.project / "deploy/nginx/local/robots.conf").unlink()
    assert stack.execute("nginx", ROBOTS).startswith("User-agent")
    [reload] = commands(stack.project, "container.md", "Add to the site")
    done = stack.run("bash", "-c", reload.replace("exec", "exec -T"))
    assert done.returncode == 0, done.stderr
    until(lambda: not stack.execute("nginx", ROBOTS).startswith("User-agent"), 10, "a reload")


def test_an_update_turns_nobody_away(stack: Stack, signed_in: BrowserContext) -> None:
    image = stack.engine.variables["IMAGE"]
    page = stack.project / "src/my_internal_tool/pages/home.py"
    page.write_text(page.read_text() + "\n# newer\n")
    done = stack.run("make", "image", f"IMAGE={image}", "VERSION=0.2.0")
    assert done.returncode == 0, done.stderr
    started = time.monotonic()
    with stack.visitors() as unserved:
        done = stack.run("env", "VERSION=0.2.0", "deploy/docker/update")
    timed("rolling update of compose", started)
    assert done.returncode == 0, done.stdout + done.stderr
    assert unserved[:-1] == [], stack.compose("logs", "--tail", "60", "nginx")
    assert int(unserved[-1].split()[0]) > 5
    for service in INSTANCES:
        assert stack.inspect(service)["Config"]["Image"] == f"{image}:0.2.0"
    stack.execute("nginx", "cmp /docker/serving.conf /etc/nginx/my-internal-tool/serving.conf")
    assert opens(signed_in)


def test_down_and_up_keep_the_data(stack: Stack, signed_in: BrowserContext) -> None:
    stack.compose("down", "--timeout", "5")
    stack.up()
    assert f"{USER} " in stack.execute("app-8501", "my-internal-tool users list")
    assert opens(signed_in)


def test_the_stack_works_below_a_path(stack: Stack, browser: Browser) -> None:
    """Almost last: it stays there."""
    settings = stack.project / "deploy/docker/app.env"
    edit(settings, f"APP_BASE_URL={URL}\n", f"APP_BASE_URL={URL}/my-internal-tool\n")
    stack.up()
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{URL}/my-internal-tool")
    sign_in(page)
    page.goto(f"{URL}/my-internal-tool/records?lang=en")
    page.get_by_role("button", name="Import CSV").click(timeout=60_000)
    rows = (
        b"Asset no.,Name\n" + b"UP-1,Uploaded\n" * 150_000
    )  # nginx takes 1 MB where nobody says more
    file: FilePayload = {"name": "new.csv", "mimeType": "text/csv", "buffer": rows}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("dialog")).to_contain_text("columns are missing", timeout=60_000)
    for inside in ("metrics", "_stcore/metrics"):
        answer = page.goto(f"{URL}/my-internal-tool/{inside}")
        assert answer
        assert answer.status == 404
    context.close()


def test_a_migration_that_fails_starts_nothing(stack: Stack) -> None:
    """Last: the stack is down afterwards."""
    stack.compose("down", "--timeout", "1")
    path = stack.project / "secrets/database_url"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("5432/app", "5432/missing"))
    done = stack.run("docker", "compose", "up", "--detach", "--wait")
    assert done.returncode != 0
    assert 'database "missing" does not exist' in stack.logs(), done.stderr
    running = stack.compose("ps", "--services", "--status", "running").split()
    assert sorted(running) == ["postgres", "redis"], done.stderr


def test_no_other_network_gets_an_address_of_the_stack(engine: Engine, default: Baked) -> None:
    """With each `down` and `up`, the engine goes on to the next of its networks, 31 in all."""
    (ours,) = set(re.findall(r"SUBNET:-([\d.]+)}", default.read("compose.yaml")))
    name = f"test-{uuid.uuid4().hex[:12]}"
    for _ in range(40):
        engine.docker("network", "create", name)
        config = json.loads(engine.docker("network", "inspect", name))[0]["IPAM"]["Config"]
        engine.docker("network", "rm", name)
        assert not ip_network(config[0]["Subnet"]).overlaps(ip_network(f"{ours}.0/24"))


def test_the_shape_of_production(default: Baked) -> None:
    data = yaml.safe_load(default.read("compose.yaml"))
    for name, service in data["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"]["max-size"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        ends = name in {"migrate", "static"}
        assert service["restart"] == ("no" if ends else "unless-stopped"), name
        assert ends or service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert ("ports" in service) == (name == "nginx")
        assert "privileged" not in service
        assert "environment" not in service or "SECRET" not in str(service["environment"])


@pytest.mark.parametrize("backend", ["password", "oidc", "proxy", "none"])
@pytest.mark.parametrize("systemd", [True, False])
def test_checkers_find_nothing(bake: Baker, backend: str, systemd: bool) -> None:
    baked = bake(auth_backend=backend, use_systemd=systemd)
    schema = ("--builtin-schema", "vendor.compose-spec")
    files = ("compose.yaml", "compose.dev.yaml")
    done = run(checker("check-jsonschema"), *schema, *files, cwd=baked.path)
    assert measured.findings("check-jsonschema", done) == []
    scripts = [f"deploy/docker/{name}" for name in ("nginx", "nightly", "secrets", "update")]
    done = run(checker("shellcheck"), *scripts, cwd=baked.path)
    assert measured.findings("shellcheck", done) == []


def test_compose_is_where_containers_are(bake: Baker) -> None:
    assert not list(bake(use_docker=False).path.glob("compose*"))
    assert (ROOT / "{{cookiecutter.project_slug}}/compose.yaml").exists()
