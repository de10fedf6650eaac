"""SQL and markup in what is typed, over websockets against the running application."""

import asyncio
import re

import pytest
from chassis.auth import users
from chassis.auth.roles import Role
from chassis.testing.sites import MARKUP, Site

INJECTIONS = [
    "' OR '1'='1",
    '" OR 1=1 --',
    "ad%n",
    "a_min",
    "'; DROP TABLE chassis_users; --",
    "\\' OR 1=1 #",
]


@pytest.mark.parametrize("page", ["users", "audit"])
def test_a_search_is_no_sql(site: Site, page: str) -> None:
    visitor = site.signed_in(users.find("admin") or site.add("admin", Role.ADMIN))

    async def visit() -> None:
        async with visitor.tab() as tab:
            await tab.open(page)
            assert list(tab.elements("dataframe"))
            for text in INJECTIONS:
                await tab.fill(page, Search=text)
                assert "Traceback" not in tab.text()
                assert not list(tab.elements("exception"))
                found = list(tab.elements("dataframe"))
                assert not found, text
            await tab.fill(page, Search="admin")
            assert list(tab.elements("dataframe"))

    asyncio.run(visit())


def test_names_are_shown_as_they_were_typed(site: Site) -> None:
    # What Streamlit reads as Markdown has the marks escaped; tables show text as it is.
    user = site.add("markup", Role.ADMIN, name=MARKUP)
    visitor = site.signed_in(user)

    async def visit() -> None:
        async with visitor.tab() as tab:
            for page in ("", "account", "users", "audit", "health", "about"):
                await tab.open(page)
                shown = [element.markdown for element in tab.elements("markdown")]
                assert any("onerror" in one.body for one in shown), "nothing to look at"
                for one in shown:
                    assert not re.search(r"(?<!\\)(<img|\*\*b|`c|\]\(java|\$x)", one.body), one.body
                    assert not (one.allow_html and "onerror" in one.body)

    asyncio.run(visit())
