"""The pages of a project: which are refused, when, and in which words."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chassis import Chassis, Check, Page, project
from chassis.project import RESERVED, ProjectError
from chassis.settings import get_settings
from chassis.testing.databases import new_sqlite
from chassis.testing.ports import free_port
from chassis.testing.servers import small_project
from chassis.ui import menu

NOTES = Page("pages/notes.py", "Notes")
APP = """
from chassis import Chassis, Page

project = Chassis(__name__, name="Broken", command="broken", menu=lambda: [Page("gone.py", "Gone")])
"""


def draw() -> None:
    """Draw nothing: a page may be a function."""


def project_of(*pages: Page) -> Chassis:
    return Chassis("scratch_tool.app", name="Scratch", command="scratch", menu=lambda: pages)


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        ([Page("pages/orders.py", "Orders")], r"\S+/pages/orders.py does not exist"),
        ([Page("pages", "Folder")], r"\S+/pages does not exist"),
        (
            [NOTES, Page("pages/start.py", "X", url_path="notes")],
            "'X' has the address /notes of another page: ",
        ),
        (
            [NOTES, Page(draw, "X", url_path="notes")],
            "'X' has the address /notes of another page: ",
        ),
        (
            [Page("pages/notes.py", "X", group="finance")],
            "'X' is for the group 'finance': name it in Chassis",
        ),
        (
            [Page("pages/notes.py", "X", url_path="users")],
            "'X' has the address /users of a page of the chassis: ",
        ),
        (
            [Page(draw, "X", url_path="health")],
            "'X' has the address /health of a page of the chassis: ",
        ),
        # Streamlit knows it by this address, though the start page is opened by none.
        (
            [Page(draw, "X", url_path="about", default=True)],
            "'X' has the address /about of a page of the chassis: ",
        ),
    ],
)
def test_a_page_that_cannot_be_opened_is_refused(pages: list[Page], problem: str) -> None:
    with pytest.raises(ProjectError, match=rf"^scratch_tool.app: .*{problem}") as raised:
        project_of(*pages).check()
    assert "\n" not in str(raised.value)


def test_a_page_is_called_as_its_file_or_function_unless_it_has_an_address() -> None:
    pages = [NOTES, Page(draw, "Draw"), Page("pages/notes.py", "Again", url_path="again")]
    project_of(*pages).check()
    assert project_of(*pages).pages() == pages
    assert [page.address for page in pages] == ["notes", "draw", "again"]


def with_options(**options: Any) -> Chassis:
    return Chassis("scratch_tool.app", name="S", command="s", menu=lambda: [NOTES], **options)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"groups": ["a,b"]}, "'a,b' cannot be the name of a group: "),
        ({"groups": [" a"]}, "' a' cannot be the name of a group: "),
        ({"groups": [""]}, "'' cannot be the name of a group: "),
        ({"groups": ["a" * 51]}, "'a+' cannot be the name of a group: "),
        ({"groups": "finance"}, r"groups is a text; write a list: \[...\]"),
        ({"secret_keys": "iban"}, r"secret_keys is a text; write a list: \[...\]"),
        ({"icon": "gone.svg"}, r"\S+/gone.svg does not exist"),
        ({"logo": "gone.svg"}, r"\S+/gone.svg does not exist"),
        ({"checks": [Check("disk", "beside:desk")]}, "there is a check 'disk' already"),
        (
            {"checks": [Check("a", "beside:desk")] * 2},
            "there is a check 'a' already",
        ),
        ({"commands": {"serve": "beside:desk"}}, "there is a command 'serve' already"),
        ({"lifespan": "gone:here"}, "names 'gone:here', which cannot be"),
        ({"lifespan": "beside:gone"}, "names 'beside:gone', which can"),
    ],
)
def test_a_part_that_cannot_work_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ProjectError, match=problem) as raised:
        with_options(**options).check()
    assert "\n" not in str(raised.value)


def test_pages_may_stand_under_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Page("pages/start.py", "Start", default=True)
    sections = {"": [start], "Desk": [NOTES]}
    ours = Chassis("scratch_tool.app", name="S", command="s", menu=lambda: sections)
    ours.check()
    monkeypatch.setattr(project, "current", lambda: ours)
    assert list(menu.sections()) == ["", "Desk", "System"]
    assert [page.address for page in menu.all_pages()][:3] == ["start", "notes", "health"]


def test_a_heading_of_the_project_may_be_that_of_the_chassis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sections = {"System": [NOTES]}
    ours = Chassis("scratch_tool.app", name="S", command="s", menu=lambda: sections)
    monkeypatch.setattr(project, "current", lambda: ours)
    assert [page.address for page in menu.sections()["System"]][:2] == ["notes", "health"]


def test_a_menu_without_headings_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "current", lambda: project_of(NOTES))
    assert list(menu.sections()) == [""]


@pytest.mark.parametrize(
    ("backend", "absent"),
    [("password", set()), ("proxy", {"users"}), ("none", {"account", "users", "audit"})],
)
def test_no_page_of_the_chassis_has_an_address_that_a_project_may_take(
    monkeypatch: pytest.MonkeyPatch, backend: str, absent: set[str]
) -> None:
    monkeypatch.setenv("AUTH_BACKEND", backend)
    get_settings.cache_clear()
    addresses = [page.address for page in menu.chassis_pages()]
    assert set(addresses) == RESERVED - absent
    assert len(addresses) == len(set(addresses))


@pytest.mark.parametrize(
    "command", [["chassis", "serve"], ["streamlit", "run", "streamlit_app.py"]], ids=" ".join
)
def test_no_server_starts_with_a_page_that_cannot_be_opened(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text(APP, encoding="utf-8")
    database, port = new_sqlite(tmp_path / "app.db"), str(free_port())
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=small_project(tmp_path, ""),
        env={
            **os.environ,
            "CHASSIS_PROJECT": "broken",
            "PYTHONPATH": str(tmp_path),
            "APP_PORT": port,
            "STREAMLIT_SERVER_PORT": port,
            "METRICS_PORT": str(free_port()),
            "DATABASE_URL": database,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    assert line == f"broken: {tmp_path}/gone.py does not exist"
