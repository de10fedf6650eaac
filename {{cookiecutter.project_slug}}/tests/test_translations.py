"""Your texts can be translated; `make ci` says which are not yet: docs/languages.md."""

from pathlib import Path

import pytest
from chassis.testing.translations import untranslated

from {{cookiecutter.package_name}}.app import project


@pytest.mark.parametrize(
    "page", sorted(project.folder.glob("pages/*.py")), ids=lambda page: page.stem
)
def test_no_text_of_a_page_passes_them_by(page: Path) -> None:
    assert untranslated(page.read_text(encoding="utf-8")) == []
