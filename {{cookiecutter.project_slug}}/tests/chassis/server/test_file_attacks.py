"""Attacks on the files of a session, over HTTP and websockets against the running application."""

import asyncio
import functools
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from chassis.auth import sessions
from chassis.testing.servers import small_project
from chassis.testing.sites import TESTER, Site, start_site, with_database
from chassis.testing.visitor import Visitor

from .conftest import PAGE, metric


@pytest.fixture
def few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return an application where 3 MB of files may be held."""
    project = small_project(tmp_path, PAGE)
    limits = {"MAX_UPLOAD_MB": "1", "MAX_UPLOADS_MB": "3"}
    for site in start_site("sqlite", tmp_path, project, limits):
        yield with_database(site, monkeypatch)


def test_files_are_for_the_session_that_has_them(small: Site) -> None:
    ann, bob = small.add("file-ann"), small.add("file-bob")
    owner, other, guest = small.signed_in(ann), small.signed_in(bob), small.guest()
    nobody = Visitor(small.server)

    def statuses(method: str, path: str, xsrf: str = "") -> list[int]:
        found = []
        for visitor in (owner, other, guest, nobody):
            visitor.get("/_stcore/health")  # brings the cookie against forged requests
            options = {"files": {"file": ("a.txt", b"text")}} if method == "PUT" else {}
            headers = {"X-Xsrftoken": visitor.cookies.get("_streamlit_xsrf", xsrf)}
            found.append(visitor.request(method, path, headers=headers, **options).status_code)
        return found

    async def visit() -> None:
        # A guest has a session too, with files of its own.
        async with owner.tab() as page, other.tab() as others_page, guest.tab() as guests_page:
            for one in (page, others_page, guests_page):
                await one.open()
            report = page.find("download_button", "report").url
            [upload] = await page.places()
            assert "report for file-ann" in owner.get(report).text
            later = await page.made_later("later")
            assert "made later for file-ann" in owner.get(later).text
            for method, path, allowed in (
                ("GET", report, 200),
                ("GET", later, 200),
                ("GET", f"/media//{report.removeprefix('/media/')}", None),
                ("PUT", upload, 204),
                ("PUT", upload.replace("/upload", "//upload"), None),
                ("DELETE", upload, 204),
            ):
                result = await asyncio.to_thread(statuses, method, path)
                assert allowed is None or result[0] == allowed, (method, path, result)
                assert all(status >= 400 for status in result[1:]), (method, path, result)
            # A guest has what the page shows to guests.
            own = guests_page.find("download_button", "report").url
            assert guest.get(own).status_code == httpx.codes.OK
            assert nobody.get(own).status_code == httpx.codes.FORBIDDEN

    asyncio.run(visit())


def test_files_are_gone_after_the_sign_out(small: Site) -> None:
    user = small.add("file-leaver")
    owner = small.signed_in(user)

    async def visit() -> None:
        async with owner.tab() as page:
            await page.open()
            report = page.find("download_button", "report").url
            [upload] = await page.places()
        # The tab is closed, and Streamlit keeps its files in case that it comes back.
        assert owner.get(report).status_code == httpx.codes.OK
        sessions.revoke_user(user.id, TESTER)
        await asyncio.sleep(sessions.CACHE_SECONDS + 0.5)
        assert owner.get(report).status_code == httpx.codes.FORBIDDEN
        assert owner.request("PUT", upload).status_code == httpx.codes.FORBIDDEN

    asyncio.run(visit())


def test_a_download_outlives_the_runs_of_others(small: Site) -> None:
    owner = small.signed_in(small.add("file-maker"))
    other = small.signed_in(small.add("file-neighbour"))

    async def visit() -> None:
        async with owner.tab() as page, other.tab() as others_page:
            await page.open()
            later = await page.made_later("later")
            for _run in range(3):
                await others_page.open()
            assert "made later for file-maker" in owner.get(later).text

    asyncio.run(visit())


def test_files_go_only_where_the_server_asked_for_one(small: Site) -> None:
    owner = small.signed_in(small.add("file-giver"))

    async def visit() -> None:
        async with owner.tab() as page:
            await page.open()
            [given] = await page.places()
            own_id = given.rpartition("/")[0] + f"/{uuid.uuid4()}"
            upload = functools.partial(asyncio.to_thread, owner.upload)
            assert (await upload(own_id, b"text")).status_code == httpx.codes.FORBIDDEN
            assert (await upload(given, b"text")).status_code == httpx.codes.NO_CONTENT

    asyncio.run(visit())


def test_a_user_has_no_more_files_than_fit(few_files: Site) -> None:
    user = few_files.add("collector")
    owner = few_files.signed_in(user)

    async def upload(path: str) -> int:
        return (await asyncio.to_thread(owner.upload, path, bytes(900_000))).status_code

    async def visit() -> None:
        async with owner.tab() as one, owner.tab() as other:  # which share the quota
            places = []
            for page in (one, other):
                await page.open()
                places += await page.places(4)
            assert [await upload(path) for path in places] == [204] * 3 + [413] * 5
            # What is removed makes room.
            xsrf = {"X-Xsrftoken": owner.cookies["_streamlit_xsrf"]}
            assert owner.request("DELETE", places[0], headers=xsrf).status_code == 204
            assert [await upload(path) for path in places[-2:]] == [204, 413]

    asyncio.run(visit())
    assert metric(few_files.server, "app_rate_limited_total", scope="upload") == 6
