"""The tests that docs/testing.md shows, as they are printed there."""

import re

from ..conftest import PROJECT

PAGE = PROJECT / "docs" / "testing.md"
TEXT = PAGE.read_text(encoding="utf-8")

for example in re.finditer(r"^```python[^\n]*\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
    lines_before = TEXT.count("\n", 0, example.start(1))
    exec(compile("\n" * lines_before + example[1], PAGE, "exec"))  # noqa: S102 - our own


def test_there_are_some() -> None:
    assert len([name for name in globals() if name.startswith("test_")]) > 5
