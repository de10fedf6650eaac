"""The cookies of a sign-in, as browsers and attackers send them."""

import pytest
from chassis.auth import sessions
from chassis.server.cookies import CookieJar
from chassis.settings import Settings
from starlette.types import Scope

TOKEN = sessions.new_token()
JAR = CookieJar(Settings(app_base_url="https://tool.example.com"))


def scope(*lines: bytes) -> Scope:
    return {"type": "http", "headers": [(b"cookie", line) for line in lines]}


def test_the_token_is_found_among_the_cookies_of_others() -> None:
    sent = scope(b"other=1; __Host-session=" + TOKEN.encode() + b"\t;third=3")
    assert JAR.read(sent).token == TOKEN
    assert dict(JAR.without_ours(sent)) == {b"cookie": b"other=1; third=3"}


# What str.strip() takes for a space; Chromium stores cookies with such names, for sub-domains too,
# and without the rules of __Host-.
@pytest.mark.parametrize("space", ["\xa0", "\x85", "\x1c", "\x1d", "\x1e", "\x1f", "\x0b", "\x0c"])
def test_a_name_that_only_looks_like_ours_is_that_of_another(space: str) -> None:
    forged = f"{space}__Host-session={sessions.new_token()}".encode("latin-1")
    assert JAR.read(scope(forged)).token is None
    assert JAR.read(scope(forged, b"__Host-session=" + TOKEN.encode())).token == TOKEN


def test_a_name_that_comes_twice_is_nobodys() -> None:
    twice = f"__Host-session={TOKEN}; __Host-session={sessions.new_token()}"
    assert JAR.read(scope(twice.encode())).token is None
