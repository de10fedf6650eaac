"""What the README shows is true: its example page runs, its files and verbs exist."""

import re
from pathlib import Path

import pytest
from chassis.metrics import count
from streamlit.testing.v1 import AppTest

from ..conftest import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PACKAGE = PROJECT / "src" / "{{cookiecutter.package_name}}"


def example(title: str) -> str:
    """Return the Python code under a step of "Add a page", without its indentation."""
    [block] = re.findall(rf"^{title}.*?```(?:python)?\n(.*?)```", README, re.MULTILINE | re.DOTALL)
    return re.sub("^   ", "", block, flags=re.MULTILINE)


def test_the_example_page_runs(tmp_path: Path) -> None:
    page = tmp_path / "orders.py"
    page.write_text(example("1"), encoding="utf-8")
    app = AppTest.from_file(str(page), default_timeout=30).run()
    assert not app.exception
    for customer in "abcdef":
        app.text_input[0].set_value(customer)
        app.button[0].click().run()
        assert not app.exception
    assert app.session_state["orders"] == list("abcde")
    assert len(app.warning) == 1, "the sixth click is over the limit"
    count("orders", source="other")  # the same labels as in the example, so no error


def test_the_example_is_named_like_the_pages_of_the_menu() -> None:
    line = example("2").strip()
    menu = (PACKAGE / "main.py").read_text(encoding="utf-8")
    assert re.sub("orders|Orders|receipt_long", "X", line) in re.sub("about|About|info", "X", menu)


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"`?make ([a-z-]+)", README))))
def test_a_verb_exists(verb: str) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{verb}:", makefile, re.MULTILINE)


def test_the_files_of_the_map_exist() -> None:
    [block] = re.findall(r"^## Where things are\n+```\n(.*?)```", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        folder = PACKAGE if line.startswith("  ") else PROJECT
        names = re.match(r"\s*((?:[\w./]+ {1,2})+)", line + " ")
        assert names
        for name in names[1].split():
            if "." in name or name.endswith("/"):
                assert (folder / name).exists() or (PROJECT / name).exists(), name
