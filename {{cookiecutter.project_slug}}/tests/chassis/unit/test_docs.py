"""What the documents claim exists."""

import re

from ..conftest import PROJECT


def test_each_trap_of_the_architecture_page_names_a_test_that_exists() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in PROJECT.glob("tests/**/*.py"))
    named = re.findall(r"`(test_\w+)`", page)
    assert named
    assert [name for name in named if f"def {name}(" not in sources] == []
