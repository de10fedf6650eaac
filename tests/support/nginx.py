"""Run the generated nginx site as it is, but in a folder, on free ports and for localhost."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from baking import run
from serving import end, free_port, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from email.message import Message
    from pathlib import Path

INSTANCES = (8501, 8502, 8601, 8602)
MAIN = """
{user}
daemon off;
worker_processes 2;
worker_rlimit_nofile 1024;
pid {root}/nginx.pid;
error_log {root}/log/error.log;
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    server_tokens off;
    client_body_temp_path {root}/tmp/body;
    proxy_temp_path {root}/tmp/proxy;
    fastcgi_temp_path {root}/tmp/fastcgi;
    uwsgi_temp_path {root}/tmp/uwsgi;
    scgi_temp_path {root}/tmp/scgi;
    include site.conf;
}}
"""


def program() -> str:
    """Return the nginx of this machine; without one the test is skipped."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    return found or pytest.skip("needs nginx: make bootstrap")


class Answer(NamedTuple):
    """What nginx answered."""

    status: int
    headers: Message
    body: str


@dataclass(frozen=True)
class Site:
    """A running nginx."""

    root: Path
    https: int
    http: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Return the address for a browser."""
        return f"https://localhost:{self.https}"

    @property
    def authority(self) -> Path:
        """Return the certificate that signs the site's."""
        return self.root / "ca.pem"

    def request(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer over TLS."""
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("localhost", self.https, context=context)
        with contextlib.closing(connection):
            connection.request(method, path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))

    def statuses(self, path: str, count: int) -> Iterator[int]:
        """Ask for the same thing on one connection, as fast as can be."""
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("localhost", self.https, context=context)
        with contextlib.closing(connection):
            for _ in range(count):
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                yield answer.status

    def choose(self, colour: str) -> None:
        """Give the new visitors to a colour, as a release does."""
        choose(self.root, colour)
        self.process.send_signal(signal.SIGHUP)

    def access_log(self) -> list[dict[str, Any]]:
        """Return the lines of the access log."""
        text = (self.root / "log/my-internal-tool.access.log").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]


def certificate(root: Path, tls: Path, host: str) -> None:
    """Make an authority `root/ca.pem`, and key and certificate of a host, as a company would."""
    (root / "host.ext").write_text(
        f"subjectAltName=DNS:{host}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
        "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n"
    )
    new = ("openssl", "req", "-newkey", "rsa:2048", "-nodes")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    subject = ("-subj", "/CN=Test authority")
    signed = (
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "90",
        "-extfile",
        "host.ext",
    )
    for command in (
        (*new, "-x509", *usage, *subject, "-keyout", "ca.key", "-out", "ca.pem"),
        (*new, "-subj", f"/CN={host}", "-keyout", tls / "privkey.pem", "-out", "host.csr"),
        ("openssl", "x509", "-req", "-in", "host.csr", *signed, "-out", tls / "fullchain.pem"),
    ):
        done = run(*command, cwd=root)
        assert done.returncode == 0, done.stderr


def choose(root: Path, colour: str) -> None:
    """Say which colour gets the new visitors; nginx has to be told to read it."""
    link = root / "my-internal-tool/serving.new"
    link.symlink_to(f"{colour}.conf")
    link.rename(link.with_name("serving.conf"))


def install(project: Path, root: Path, ports: Mapping[int, int]) -> None:
    """Copy the site into a folder; `ports` says what stands in the place of each port."""
    (root / "log").mkdir(parents=True)
    (root / "tmp").mkdir()
    source = project / "deploy/nginx"
    shutil.copytree(source / "snippets", root / "my-internal-tool")
    shutil.copytree(source / "pages", root / "www/pages")
    shutil.copy(source / "my-internal-tool.conf", root / "site.conf")
    for path in [root / "site.conf", *(root / "my-internal-tool").glob("*.conf")]:
        text = path.read_text("utf-8")
        text = "".join(line for line in text.splitlines(True) if "listen [::]" not in line)
        for old, new in {
            "/var/www/my-internal-tool": f"{root}/www",
            "/var/log/nginx": f"{root}/log",
            "/etc/nginx": str(root),
            "tool.example.com": "localhost",
            "listen 80;": f"listen 127.0.0.1:{ports[80]};",
            "listen 443 ": f"listen 127.0.0.1:{ports[443]} ",
        }.items():
            text = text.replace(old, new)
        instances = f"(?<![a-z0-9])({'|'.join(map(str, INSTANCES))})"  # iso8601 and 28501 are none
        text = re.sub(instances, lambda found: str(ports[int(found[0])]), text)
        path.write_text(text, "utf-8")
    choose(root, "blue")
    # Else the workers of a root would be somebody who cannot read the folders of tests.
    user = "user root;" if os.geteuid() == 0 else ""
    (root / "nginx.conf").write_text(MAIN.format(root=root, user=user), "utf-8")
    (root / "my-internal-tool/tls").mkdir()
    certificate(root, root / "my-internal-tool/tls", "localhost")


@contextlib.contextmanager
def site(
    project: Path, root: Path, ports: Mapping[int, int], edit: Callable[[Path], None] | None = None
) -> Iterator[Site]:
    """Install the site, let it be edited, start it, and stop it at the end."""
    install(project, root, ports)
    if edit:
        edit(root)
    command = [program(), "-p", str(root), "-c", str(root / "nginx.conf")]
    done = run(*command, "-t", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr, done.stderr
    (root / "www/acme").mkdir()
    process = subprocess.Popen(command, cwd=root)
    running = Site(root, ports[443], ports[80], process)
    try:
        until(lambda: reachable(running), 20, "nginx")
        yield running
    finally:
        end(process)


def reachable(running: Site) -> bool:
    """Tell whether nginx answers."""
    with contextlib.suppress(OSError):
        running.request("/metrics")
        return True
    return False


def free_ports() -> dict[int, int]:
    """Return free ports for those that the site names."""
    return {port: free_port() for port in (80, 443, *INSTANCES)}
