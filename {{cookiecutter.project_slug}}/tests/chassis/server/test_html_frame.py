"""Documents in frames: who gets them, under which policy, and for how long."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from chassis import html_frame
from chassis.settings import get_settings
from chassis.testing.servers import small_project
from chassis.testing.sites import Site, start_site
from chassis.testing.visitor import Page, Visitor
from chassis.ui.html_frame import MAX_CHARACTERS
from streamlit.testing.v1 import AppTest

PAGE = """
import streamlit as st
from chassis import html_frame

# Of the two only the middle differs, at which Streamlit does not look in a large file.
filler = "x" * 1024 * 1024
if st.text_input("hidden"):
    st.stop()
html_frame(f"<p>{filler} first {filler}</p>")
html_frame(f"<p>{filler} other {filler}</p>", title="Report")
st.download_button("report", "<script>alert(1)</script>", "report.html", "text/html")
"""


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    variables = {"EXTERNAL_SOURCES": "https://a.example.com"}
    project = small_project(tmp_path_factory.mktemp("small"), PAGE)
    yield from start_site("sqlite", tmp_path_factory.mktemp("log"), project, variables)


async def frames(tab: Page) -> list[str]:
    await tab.open()
    return [element.iframe.src for element in tab.elements("iframe")]


def test_a_document_is_for_its_session_and_under_a_policy_of_its_own(site: Site) -> None:
    ann, bob = (site.signed_in(site.add(name)) for name in ("ann", "bob"))

    async def visit(visitor: Visitor) -> list[str]:
        async with visitor.tab() as tab:
            paths = await frames(tab)
            assert await frames(tab) == paths  # a rerun does not load them again
            for path, word in zip(paths, ("first", "other"), strict=True):
                answer = await asyncio.to_thread(ann.get, path)
                assert f" {word} " in answer.text
                policy = answer.headers["content-security-policy"]
                assert policy.startswith("sandbox allow-scripts allow-popups")
                assert "'self'" not in policy.replace("frame-ancestors 'self'", "")
                assert "https://a.example.com" in policy
                for stranger in (bob, site.guest(), Visitor(site.server)):
                    refused = await asyncio.to_thread(stranger.get, path)
                    assert refused.status_code == httpx.codes.FORBIDDEN
            return paths

    async def of_bob() -> list[str]:
        async with bob.tab() as tab:
            return await frames(tab)

    paths = asyncio.run(visit(ann))
    assert len(set(paths)) == 2
    assert not set(paths) & set(asyncio.run(of_bob()))  # a name cannot be told from the content


def test_a_document_goes_when_the_page_no_longer_shows_it(site: Site) -> None:
    eve = site.signed_in(site.add("eve"))

    async def visit() -> list[int]:
        async with eve.tab() as tab:
            path = (await frames(tab))[0]
            before = await asyncio.to_thread(eve.get, path)
            await tab.fill("", hidden="yes")
            after = await asyncio.to_thread(eve.get, path)
            return [before.status_code, after.status_code]

    assert asyncio.run(visit()) == [httpx.codes.OK, httpx.codes.NOT_FOUND]


def test_html_that_is_downloaded_stays_a_download(site: Site) -> None:
    dan = site.signed_in(site.add("dan"))

    async def visit() -> str:
        async with dan.tab() as tab:
            await tab.open()
            return str(tab.find("download_button", "report").url)

    answer = dan.get(asyncio.run(visit()))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"].startswith("sandbox ")


def draw_frame() -> None:
    from chassis import html_frame

    html_frame("<p>below a path</p>", height=77, title="Report")


def test_the_address_is_below_the_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_BASE_URL", "http://localhost:8501/tool")
    get_settings.cache_clear()
    app = AppTest.from_function(draw_frame, default_timeout=30).run()
    assert not app.exception
    [frame] = app.get("iframe")
    assert frame.proto.src.startswith("/tool/")
    assert frame.proto.alt == "Report"


def test_a_document_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="leave data out of the document"):
        html_frame("x" * (MAX_CHARACTERS + 1))
