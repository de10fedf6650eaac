"""CSV files for people who open them in Excel."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

# Excel, LibreOffice and Google Sheets run a cell that begins with one of these as a formula.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(frame: pd.DataFrame) -> bytes:
    """Write the table as CSV, with texts that look like formulas made harmless by a quote mark."""
    safe = frame.copy()
    for name in safe.select_dtypes(exclude=["number", "bool", "datetime"]).columns:
        safe[name] = safe[name].map(harmless)
    # Texts in quotes: a line break inside of one must not begin a new cell.
    text = safe.rename(columns=harmless).to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8-sig")  # its byte order mark tells Excel that this is UTF-8


def harmless(value: object) -> object:
    """Put a quote mark in front of a text that a spreadsheet would run."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
