"""The example page in the README of a project works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from baking import Baker, run
from blocks import blocks_of

if TYPE_CHECKING:
    from pathlib import Path

TEST = """
from chassis import count
from chassis.testing.pages import at
from streamlit.testing.v1 import AppTest


def test_six_orders(app: AppTest) -> None:
    assert at(app, "orders").title[0].value == "Orders"
    for customer in "abcdef":
        app.main.text_input[0].set_value(customer)
        app.main.button[0].click()
        app.run()
        assert not app.exception
    assert app.session_state["orders"] == list("abcde")
    assert len(app.main.warning) == 1, "the sixth click is over the limit"
    count("orders", source="other")  # the same labels as in the example, so no error
"""


@pytest.mark.parametrize("starter", ["tour", "blank"])
def test_the_example_page_works_when_the_steps_are_followed(
    bake: Baker, project: Path, tmp_path: Path, starter: str, mypy_cache: dict[str, str]
) -> None:
    baked = bake.fresh(tmp_path, starter=starter)
    package = baked.path / "src/my_internal_tool"
    page, composition = package / "pages/orders.py", package / "app.py"
    for block in blocks_of("README.md", baked.read("README.md")):
        if block.options:
            block.write(baked.path)
    assert "orders.py" in composition.read_text()
    (baked.path / "tests/test_orders.py").write_text(TEST.lstrip())
    programs = project / ".venv/bin"
    env = {"PYTHONPATH": str(baked.path / "src"), **mypy_cache}
    pytest_ = (programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    for command in (
        (*pytest_, "tests/test_orders.py"),
        (programs / "ruff", "check", "--no-cache", page, composition, "tests/test_orders.py"),
        (programs / "ruff", "format", "--check", "--no-cache", page, composition),
        (programs / "mypy", page, composition),
    ):
        done = run(*command, cwd=baked.path, **env)
        assert done.returncode == 0, done.stdout + done.stderr
