"""Where a browser goes after a sign-in."""

import pytest
from chassis.server.auth_routes import landing


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ({}, "/"),
        ({"page": "users"}, "/users"),
        ({"page": "users", "lang": "ko"}, "/users?lang=ko"),
        ({"page": "account", "lang": "en", "done": "1"}, "/account?lang=en&done=1"),
        ({"page": "//elsewhere.example"}, "/"),
        ({"page": "https://elsewhere.example"}, "/"),
        ({"page": "\\\\elsewhere.example"}, "/"),
        ({"page": "a/../b"}, "/"),
        ({"page": "users\n"}, "/"),
        ({"page": "users?x=1"}, "/"),
        ({"lang": "xx"}, "/"),
        ({"done": "<b>"}, "/"),
        ({"next": "https://elsewhere.example"}, "/"),
    ],
)
def test_nothing_but_a_page_of_the_app(query: dict[str, str], address: str) -> None:
    assert landing(query) == address
