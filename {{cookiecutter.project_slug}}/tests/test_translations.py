"""Your texts are translated: `make messages` collects them, you translate, it compiles them."""

from pathlib import Path

import pytest
from chassis.testing.translations import problems, untranslated

from {{cookiecutter.package_name}}.app import project


def test_the_translations_are_complete() -> None:
    assert problems(project.folder) == []


@pytest.mark.parametrize(
    "page", sorted(project.folder.glob("pages/*.py")), ids=lambda page: page.stem
)
def test_no_text_of_a_page_passes_them_by(page: Path) -> None:
    assert untranslated(page.read_text(encoding="utf-8")) == []
