"""What a project may rely on: the face of the chassis, the fixtures, and the pages about both."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import chassis
import pytest
from chassis import testing
from chassis.testing import browser

from ..conftest import PROJECT, SCRATCH

FACE = (PROJECT / "docs" / "chassis.md").read_text(encoding="utf-8")
TESTING = (PROJECT / "docs" / "testing.md").read_text(encoding="utf-8")
HEAVY = {"pandas", "pydantic", "sqlalchemy", "streamlit"}


def examples(page: str) -> list[str]:
    """Return the Python code of a page."""
    return re.findall(r"^```python[^\n]*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def python(*arguments: str, folder: Path, **variables: str) -> str:
    """Run Python in a folder, and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def loaded_by(statement: str, folder: Path) -> set[str]:
    """Return the heavy libraries that a statement loads."""
    code = f"import sys; {statement}; print(*sys.modules)"
    return HEAVY & set(python("-c", code, folder=folder).split())


@pytest.mark.parametrize("name", chassis.__all__)
def test_a_name_of_the_face_is_there_and_explained(name: str) -> None:
    assert getattr(chassis, name) is not None
    assert f"`{name}`" in FACE


def test_a_name_that_is_not_of_the_face_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'users'"):
        getattr(chassis, "users")  # noqa: B009 - mypy knows as well


def test_the_face_loads_nothing_before_it_is_used(tmp_path: Path) -> None:
    assert loaded_by("import chassis", tmp_path) == set()


def test_a_project_loads_no_library_of_pages(tmp_path: Path) -> None:
    assert loaded_by("import scratch_tool.app", tmp_path) & {"pandas", "streamlit"} == set()


def fixtures(module: object) -> list[str]:
    return [name for name, value in vars(module).items() if "FixtureFunction" in repr(type(value))]


def test_each_fixture_is_explained() -> None:
    names = fixtures(testing) + fixtures(browser)
    assert {"app", "database", "new_tab"} <= set(names)
    assert [name for name in names if f"`{name}`" not in TESTING] == []


def test_each_function_for_tests_of_pages_is_explained() -> None:
    pages = importlib.import_module("chassis.testing.pages")  # `testing.pages` is the fixture
    own = [
        name
        for name, value in vars(pages).items()
        if getattr(value, "__module__", "") == pages.__name__
    ]
    assert "app_of" in own
    assert [name for name in own if f"`{name}`" not in TESTING] == []


OPEN_THE_PAGE = """
import asyncio

from chassis import Role, project
from chassis.commands.main import main
from click.testing import CliRunner
from chassis.database.engine import get_engine
from chassis.database.tables import load_models
from chassis.testing.pages import app_of
from {package}.beside import import_orders
from {package}.settings import ToolSettings

assert ToolSettings.current().erp_token.get_secret_value() == "hush"
load_models().create_all(get_engine())
app = app_of(Role.EDITOR).run()
assert not app.exception, app.exception
app.text_input[0].set_value("Ann")
app.main.button[0].click().run()
assert not app.exception, app.exception
assert app.main.markdown[0].value.startswith("Ann"), app.main.markdown

ours = project.current()
ours.check()
[answers] = ours.checks
try:
    answers.run()
except OSError:  # there is no such host
    print("no ERP")
printed = CliRunner().invoke(main, ["import-orders", "2026-01-31"]).stdout
assert printed == "fetched the orders of 2026-01-31\\n"
returned = import_orders.main(["2026-01-31"], standalone_mode=False)
assert returned == "fetched the orders of 2026-01-31"
refused = CliRunner().invoke(main, ["import-orders", "today"])
assert (refused.exit_code, refused.stdout) == (1, "")
assert refused.stderr == "Error: today is no day; for example 2026-01-31\\n"


async def live():
    async with ours.load(ours.lifespan)():
        await asyncio.sleep(0)


asyncio.run(live())
"""
SEAMS = """
    checks=[chassis.Check("erp", "beside:answers", {"health", "doctor"})],
    commands={"import-orders": "beside:import_orders"},
    lifespan="beside:lifespan",
"""


def test_the_project_of_the_examples_runs(tmp_path: Path) -> None:
    composition, beside, settings, models, page = examples(FACE)
    [package] = re.findall(r"from (\w+)\.orders\.models import", page)
    composition = "import chassis\n" + composition.replace(
        "    menu=menu,\n", f"    menu=menu,\n    settings=ToolSettings,\n{SEAMS}"
    )
    files = {
        "__init__.py": '__version__ = "1"',
        "app.py": f"from {package}.settings import ToolSettings\n{composition}",
        "settings.py": settings,
        "beside.py": beside,
        "orders/__init__.py": "",
        "orders/models.py": models,
        "pages/orders.py": page,
        "icon.svg": (SCRATCH / "src/scratch_tool/icon.svg").read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        path = tmp_path / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    python(
        "-c",
        OPEN_THE_PAGE.format(package=package),
        folder=tmp_path,
        PYTHONPATH=str(tmp_path),
        CHASSIS_PROJECT=f"{package}.app",
        DATABASE_URL=f"sqlite:///{tmp_path}/app.db",
        AUTH_BACKEND="password",
        ERP_TOKEN="hush",
    )
