"""The page that the README of a project adds works when it is added as the README says."""

import re
import shutil
from pathlib import Path

from baking import Baked, run

TEST = """
from chassis import count
from chassis.testing.pages import at
from streamlit.testing.v1 import AppTest


def test_orders(app: AppTest) -> None:
    assert at(app, "orders").title[0].value == "Orders"
    for customer in "abcdef":
        app.text_input[0].set_value(customer)
        next(button for button in app.button if button.label == "Save").click().run()
        assert not app.exception
    assert app.session_state["orders"] == list("abcde")
    assert len(app.warning) == 1, "the sixth click is over the limit"
    count("orders", source="other")  # the same labels as in the example, so no error
"""


def example(readme: str, step: int) -> str:
    """Return the code below a step of "Add a page", without its indentation."""
    pattern = rf"^{step}\. .*?```(?:python)?\n(.*?) *```"
    [block] = re.findall(pattern, readme, re.MULTILINE | re.DOTALL)
    return re.sub("^   ", "", block, flags=re.MULTILINE)


def test_the_page_of_the_readme_works(default: Baked, project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(default.path, copy)
    readme = default.read("README.md")
    package = copy / "src/my_internal_tool"
    (package / "pages/orders.py").write_text(example(readme, 1), "utf-8")
    app = (package / "app.py").read_text("utf-8")
    app = app.replace("    return [\n", f"    return [\n        {example(readme, 2)}")
    app = app.replace("from chassis import ", "from chassis import Role, ")  # as an editor does
    (package / "app.py").write_text(app, "utf-8")
    (copy / "tests/test_orders.py").write_text(TEST, "utf-8")
    pytest = (project / ".venv/bin/python", "-m", "pytest", "tests/test_orders.py")
    done = run(*pytest, cwd=copy, PYTHONPATH=str(copy / "src"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
