"""The app as its users meet it: it starts, somebody signs in, every page answers."""

import asyncio

import pytest
from chassis.testing.sites import PASSWORD, Site
from chassis.testing.visitor import Visitor

from {{cookiecutter.package_name}}.app import menu


async def failed_pages(visitor: Visitor) -> list[str]:
    """Open every page of the menu in one tab; return those that end in an error."""
    failed = []
    async with visitor.tab() as page:
        for address in [one.address for one in menu()]:
            await page.open(address)
            if any("error id" in text for text in page.alerts()):
                failed.append(address)
    return failed


@pytest.mark.parametrize("shared_site", ["sqlite"], indirect=True)
def test_somebody_signs_in_and_every_page_answers(site: Site) -> None:
    site.add("ann")
    visitor = site.guest()
    assert visitor.get("/readyz").json()["ready"]
    asyncio.run(visitor.sign_in("ann", PASSWORD))
    assert asyncio.run(visitor.is_signed_in())
    assert asyncio.run(failed_pages(visitor)) == []
