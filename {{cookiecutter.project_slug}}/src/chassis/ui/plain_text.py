"""Texts that were not written for Markdown, for Streamlit functions that read all text as such."""

import re


def plain(text: str) -> str:
    """Escape what Markdown would take for marks, as in the name "R*D $1 :red[tool]"."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
