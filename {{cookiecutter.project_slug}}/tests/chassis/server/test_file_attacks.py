"""Attacks on the files of a session, over HTTP and websockets against the running application."""

import asyncio

import httpx
from chassis.auth import sessions
from chassis.testing.sites import TESTER, Site
from chassis.testing.visitor import Visitor


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
            upload = f"/_stcore/upload_file/{page.tab.session_id}/file1"
            assert "report for file-ann" in owner.get(report).text
            later = await page.made_later("later")
            assert "made later for file-ann" in owner.get(later).text
            for method, path, allowed in (
                ("GET", report, 200),
                ("GET", later, 200),
                ("GET", f"/media//{report.removeprefix('/media/')}", None),
                ("PUT", upload, 204),
                ("PUT", f"/_stcore//upload_file/{page.tab.session_id}/file2", None),
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
            upload = f"/_stcore/upload_file/{page.tab.session_id}/file1"
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
