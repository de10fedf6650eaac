"""Texts of users that a browser must not make anything of."""

import re
from collections.abc import Callable

import pytest
from chassis.auth.roles import Role
from chassis.testing.browser import Tab, add_user, database_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

LINKS = "https://a.example/x www.b.example HTTP://www.c.example kim.lee@d.example"


def test_an_address_in_a_name_is_no_link(database_url: str, new_tab: Callable[..., Tab]) -> None:
    with database_of(database_url):
        add_user(Role.VIEWER, "www.evil.example", name=LINKS)
    tab = new_tab(user="www.evil.example")
    tab.open("/account")
    text = tab.page.locator("body")
    assert re.search(r"\bwww\.evil\.example\b", text.inner_text())
    assert LINKS in text.inner_text()
    hrefs = [str(link.get_attribute("href")) for link in tab.page.locator("a[href]").all()]
    assert hrefs
    assert not [href for href in hrefs if "example" in href]
