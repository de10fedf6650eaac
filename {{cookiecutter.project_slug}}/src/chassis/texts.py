"""The same text, written in two ways: what is compared is brought into one form, here.

A name, a search, a heading of a file, a number on a label: macOS writes "é" as two letters, Korean
and Japanese keyboards write wide letters, and what is copied from elsewhere holds letters that
nobody sees.
"""

import re
import unicodedata
from typing import Final

# Default_Ignorable_Code_Point of Unicode 16, which is drawn as nothing; and what no database
# stores, or no line of text holds.
# https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt
_UNSEEN: Final = re.compile(
    "["
    "\\x00-\\x08\\x0e-\\x1b\\x7f-\\x84\\x86-\\x9f\\ud800-\\udfff"
    "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
    "\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff"
    "]"
)
_JOINERS: Final = "\u200c\u200d"  # within words, Persian and Hindi are not right without them


def comparable(text: str) -> str:
    """Return what a text is compared by: "Ｃａｆé " and "café" are the same.

    This is NFKC_Casefold of Unicode, with blanks made equal:
    https://www.unicode.org/reports/tr44/#NFKC_Casefold
    """
    seen = _UNSEEN.sub("", text)
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def is_one_line(text: str, longest: int) -> bool:
    """Whether all of a text can be stored and drawn."""
    return one_line(text, longest) == unicodedata.normalize("NFC", text)


def one_line(text: str, longest: int) -> str:
    """Return what can be stored and drawn of a text that may be anything."""
    letters = (
        letter
        for letter in unicodedata.normalize("NFC", text)
        if letter.isprintable() or letter in _JOINERS
    )
    return "".join(letters).strip()[:longest].strip()
