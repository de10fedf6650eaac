"""Components with inline JavaScript get it from a file of this server."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from chassis.server import inline_modules
from chassis.testing.servers import small_project
from chassis.testing.sites import Site, start_site
from chassis.testing.visitor import Visitor

CODE = "export default ({ parentElement }) => { parentElement.textContent = 'drawn' }"
PAGE = f"""
import streamlit as st

draw = st.components.v2.component("ours.inline", js={CODE!r})
draw()
"""


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = small_project(tmp_path_factory.mktemp("small"), PAGE)
    yield from start_site("sqlite", tmp_path_factory.mktemp("log"), project)


def file_of_component(visitor: Visitor) -> str:
    """Return the address that the frontend makes of what it is told."""

    async def visit() -> str:
        async with visitor.tab() as tab:
            await tab.open()
            [element] = tab.elements("bidi_component")
            component = element.bidi_component
            assert component.js_content == ""
            return f"/_stcore/bidi-components/{component.component_name}/{component.js_source_path}"

    return asyncio.run(visit())


def test_the_code_is_a_file_for_who_has_signed_in(site: Site) -> None:
    ann = site.signed_in(site.add("ann"))
    path = file_of_component(ann)
    answer = ann.get(path)
    assert answer.text == CODE
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert site.guest().get(path).status_code == httpx.codes.FORBIDDEN
    assert Visitor(site.server).get(path).status_code == httpx.codes.FORBIDDEN
    assert ann.get(path.replace(".js", "0.js")).status_code == httpx.codes.NOT_FOUND


def test_code_that_changes_with_each_run_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    modules: dict[str, str] = {}
    monkeypatch.setattr(inline_modules, "_modules", modules)
    first = inline_modules.name_of(CODE)
    for number in range(inline_modules.MAX_MODULES + 9):
        inline_modules.name_of(f"export default {number}")
        assert inline_modules.name_of(CODE) == first
    assert len(modules) == inline_modules.MAX_MODULES
    assert modules[first] == CODE
