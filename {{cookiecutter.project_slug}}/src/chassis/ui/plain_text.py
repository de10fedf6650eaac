"""Texts that were not written for Markdown, for Streamlit functions that read all text as such."""

import re
from typing import Final

_MARK: Final = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit makes links of these, however they are escaped; something within them stops it.
_ADDRESS: Final = re.compile(r"https?(?=\\:\\/\\/)|www(?=\\\.)|(?<=[-.+\w])(?=\\@)", re.IGNORECASE)
_NOTHING: Final = ":small[]"


def plain(text: str) -> str:
    """Escape what Markdown would take for marks or links, as in "R*D $1 :red[tool] www.a.example".

    What is copied from the page is the text as it was.
    """
    return _ADDRESS.sub(rf"\g<0>{_NOTHING}", _MARK.sub(r"\\\1", text))
