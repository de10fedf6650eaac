"""What the tests of the pages share."""

import pytest


@pytest.fixture(autouse=True)
def _pages(pages: None) -> None:
    """Let every test open pages."""
