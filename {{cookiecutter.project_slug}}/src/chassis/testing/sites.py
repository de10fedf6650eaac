"""The application with AUTH_BACKEND=password, on a database of its own, for tests of sign-in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from ..auth import sessions, users
from ..auth.audit import Actor
from ..auth.roles import Role
from ..settings import get_settings
from .databases import fresh_database
from .servers import PRODUCTION, Server, running_server
from .visitor import Visitor

TESTER = Actor(None, "test")
# What Markdown and HTML would make something of.
MARKUP = "**b** :red[r] $x$ <img src=x onerror=alert(1)> [l](javascript:alert(1)) `c`"

PASSWORD = "a long enough pass phrase"
UNLIMITED = {
    "AUTH_BACKEND": "password",
    "AUTH_ALLOW_ANONYMOUS": "false",
    "RATE_LIMIT_LOGIN_IP": "100000/minute",
    "RATE_LIMIT_LOGIN_ACCOUNT": "100000/minute",
}


@dataclass
class Site:
    """A running application with its database, and what must not leak out of it."""

    server: Server
    database: str
    directory: Path
    secrets: list[str] = field(default_factory=list)

    def add(self, username: str, role: Role = Role.VIEWER, **options: str) -> users.Account:
        """Add an account with PASSWORD."""
        return users.create(
            username,
            roles=[role],
            actor=TESTER,
            password=PASSWORD,
            must_change_password=False,
            **options,
        )

    def signed_in(self, user: users.Account) -> Visitor:
        """Return a browser that has a session of this user, without the way through the form."""
        token = sessions.start(user.id)
        self.secrets.append(token)
        return Visitor(self.server, cookies={"session": token})

    def guest(self, address: str = "203.0.113.1") -> Visitor:
        """Return a browser that has opened the page."""
        visitor = Visitor(self.server, address)
        visitor.get()
        return visitor

    def leaks(self) -> list[str]:
        """Return the secrets of the tests that are in the log or the metrics."""
        seen = self.server.log() + httpx.get(self.server.metrics_url).text
        return [secret for secret in (PASSWORD, *self.secrets) if secret in seen]


def start_site(
    kind: str,
    directory: Path,
    project: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Yield an application on a fresh database."""
    with fresh_database(kind, directory) as database:
        environment = PRODUCTION | UNLIMITED | {"DATABASE_URL": database} | dict(variables or {})
        with running_server(directory, environment, project) as server:
            site = Site(server, database, directory)
            yield site
            assert not site.leaks()


def with_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Let this process work on the database of a site, as the command line does."""
    monkeypatch.setenv("DATABASE_URL", site.database)
    monkeypatch.setenv("AUTH_BACKEND", "password")
    get_settings.cache_clear()
    return site
