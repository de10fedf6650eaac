"""While developing: what is saved is in the next run, without a restart and without an error."""

import asyncio
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import chassis
import httpx
import pytest
from chassis.testing.servers import Server, running_server
from chassis.testing.sites import Site, with_database
from chassis.testing.visitor import Page, Visitor

from ..conftest import SCRATCH
from .conftest import metric

PACKAGE = Path("src/scratch_tool")
# It uses what must not exist twice: a table, the engine of the database, a metric.
PAGE = """
import streamlit as st
from chassis import count, transaction
from scratch_tool import feature, models
from sqlalchemy import text

count("reloads")
with transaction(read_only=True) as session:
    users = session.scalar(text("SELECT count(*) FROM chassis_users"))
st.text(f"page=0 feature={feature.VALUE} table={models.Note.__tablename__} users={users}")
"""
FEATURE = "VALUE = 0\n"
# A check that reads a setting of the project, whose class is another one after each save.
SETTINGS = """
from chassis import Settings


class DeskSettings(Settings):
    closes: int = 17
"""
IMPORT = "from scratch_tool.desk import DeskSettings\n"
# The console script of an installed project: its code is not in PYTHONPATH.
SCRIPT = "import sys; sys.path.insert(0, {!r}); from scratch_tool.app import main; main()"
# What is saved at the same time, as what it is changed, and what a visitor sees of that.
CHANGES = [
    ({"pages/start.py": ("page=0", "page=1")}, "page=1 feature=0"),
    ({"feature.py": ("VALUE = 0", "VALUE = 2")}, "page=1 feature=2"),
    ({"app.py": ('_("Notes")', '_("Remarks")')}, 'page_name: "Remarks"'),
    ({"models.py": ('"scratch_notes"', '"remarks"')}, "table=remarks"),
    (
        {"../chassis/i18n.py": ("return text %", "return text + '!' if not values else text %")},
        "Remarks!",
    ),
    ({"app.py": ('Check("desk"', 'Check("front desk"')}, "page=1 feature=2"),
    (
        {"pages/start.py": ("page=1", "page=3"), "feature.py": ("VALUE = 2", "VALUE = 3")},
        "page=3 feature=3 table=remarks users=2",
    ),
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return the package of a copy of the scratch project, beside one of the chassis."""
    folder = tmp_path / "project"
    shutil.copytree(SCRATCH, folder)
    shutil.copytree(Path(chassis.__file__).parent, folder / "src" / "chassis")
    (folder / PACKAGE / "pages/start.py").write_text(PAGE, encoding="utf-8")
    (folder / PACKAGE / "feature.py").write_text(FEATURE, encoding="utf-8")
    (folder / PACKAGE / "desk.py").write_text(SETTINGS, encoding="utf-8")
    app, beside = folder / PACKAGE / "app.py", folder / PACKAGE / "beside.py"
    save(app, "\ndef menu", f"{IMPORT}\ndef menu")
    save(app, "    menu=menu,", "    menu=menu,\n    settings=DeskSettings,")
    save(beside, "\nlog =", f"{IMPORT}\nlog =")
    save(beside, '"open"', 'f"open until {DeskSettings.current().closes}"')
    return folder / PACKAGE


@pytest.fixture
def developer(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """Return a browser that has signed in at a development server of that copy."""
    command = (sys.executable, "-c", SCRIPT.format(str(package.parent)))
    variables = {"APP_ENV": "development", "AUTH_BACKEND": "password", "PYTHONPATH": ""}
    with running_server(tmp_path, variables, package.parents[1], command) as running:
        site = with_database(Site(running, running.database, tmp_path), monkeypatch)
        yield site.signed_in(site.add("developer"))


def save(file: Path, old: str, new: str) -> None:
    """Change a file as editors do: a reader gets all of it, old or new."""
    source = file.read_bytes()
    assert old.encode() in source
    written = file.with_suffix(".new")
    written.write_bytes(source.replace(old.encode(), new.encode()))
    written.replace(file)


async def shows(page: Page, text: str) -> bool:
    """Tell whether a run soon shows a text; no run may fail."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        await page.open()
        assert not [*page.elements("exception")], page.text()
        if text in page.text():
            return True
        await asyncio.sleep(0.25)
    return False


@pytest.mark.timeout(300)
def test_whatever_is_saved_is_in_the_next_run_of_each_tab(
    developer: Visitor, package: Path
) -> None:
    async def visit() -> None:
        async with developer.tab() as one, developer.tab() as other:
            for page in (one, other):
                assert await shows(page, "page=0 feature=0 table=scratch_notes users=2")
            for files, seen in CHANGES:
                for name, (old, new) in files.items():
                    save(package / name, old, new)
                found = await asyncio.gather(shows(one, seen), shows(other, seen))
                assert all(found), f"{files}: {one.text()} {other.text()}"

    asyncio.run(visit())
    # The server goes on with the code of before, which asks the project of now.
    readiness = httpx.get(f"{developer.server.url}/readyz").json()["checks"]
    assert readiness["front desk"]["status"] == "pass"
    assert readiness["front desk"]["detail"] == "open until 17"
    assert developer.get("/auth/continue").status_code == httpx.codes.SEE_OTHER
    assert "Traceback" not in developer.server.log(), developer.server.log()


async def nobody_is_there(server: Server) -> None:
    """Wait until the server has seen the last tab go."""
    deadline = time.monotonic() + 30
    while metric(server, "app_sessions_open"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@pytest.mark.timeout(300)
def test_what_is_saved_while_no_tab_is_open_is_in_the_first_run_of_the_next_one(
    developer: Visitor, package: Path
) -> None:
    """Streamlit watches files only as long as a tab is open."""

    async def opened(query: str = "") -> str:
        async with developer.tab() as page:
            await page.open(query=query)
        await nobody_is_there(developer.server)
        menu = [one.page_name for sent in page.tab.messages for one in sent.navigation.app_pages]
        return f"{page.text()} {menu}"

    async def visit() -> None:
        assert "page=0 feature=0 table=scratch_notes users=2" in await opened()
        for files, seen in CHANGES:
            for name, (old, new) in files.items():
                save(package / name, old, new)
            assert seen in await opened(), files
        assert "'시작" in await opened("lang=ko")
        catalogue = package / "locale/ko/LC_MESSAGES/messages.mo"
        save(catalogue, "시작", "처음")
        assert "'처음" in await opened("lang=ko")

    asyncio.run(visit())
    assert "Traceback" not in developer.server.log(), developer.server.log()
