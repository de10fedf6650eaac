"""The files of Streamlit's own page: which paths are one of them."""

from functools import cache
from typing import Final

from .. import streamlit_private

STATIC: Final = "/static"


@cache
def static_files() -> frozenset[str]:
    """Return the paths of all files of the frontend, below the base path."""
    root = streamlit_private.STATIC
    files = (file for file in root.rglob("*") if file.is_file())
    return frozenset(f"/{file.relative_to(root).as_posix()}" for file in files)
