"""CSV and Excel files that a spreadsheet opens without running anything."""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:  # both take long to import, and not every process needs them
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# Excel, LibreOffice and Google Sheets run a cell that begins with one of these as a formula; the
# wide ones, which a linter takes for mistakes, where Chinese, Japanese or Korean is written.
# https://owasp.org/www-community/attacks/CSV_Injection
_STARTS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20"  # the last four are the wide ones
# A text begins a cell, and so does what follows a separator in it: which one separates is chosen
# by the spreadsheet, and then the quotes around a text are none. Quote marks may stand in front, so
# that `original` finds back to every text.
_FIRST: Final = rf"'*[{_STARTS}\t\r\n]"
_LATER: Final = rf"[\"']*[{_STARTS}]"
_FORMULA: Final = re.compile(rf"\A(?={_FIRST})|(?<=[,;|\t\r\n])(?={_LATER})")
_HARMLESS: Final = re.compile(rf"\A'(?={_FIRST})|(?<=[,;|\t\r\n])'(?={_LATER})")


def to_csv(frame: "pd.DataFrame") -> bytes:
    """Write the table as CSV, with texts that look like formulas made harmless by a quote mark."""
    safe = frame.copy()
    for name in safe.select_dtypes(exclude=["number", "bool", "datetime"]).columns:
        safe[name] = safe[name].map(harmless)
    # Texts in quotes: a line break inside of one must not begin a new cell.
    text = safe.rename(columns=harmless).to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8-sig")  # its byte order mark tells Excel that this is UTF-8


def write_csv(file: IO[bytes], heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV one after the other, as harmless as those of `to_csv`."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([harmless(name) for name in heading])
    writer.writerows([harmless(_plain(value)) for value in row] for row in rows)
    text.detach()  # flushed, but the file stays open: it is the caller's


def harmless(value: object) -> object:
    """Put a quote mark in front of whatever in a text a spreadsheet would run."""
    return _FORMULA.sub("'", value) if isinstance(value, str) else value


def original(text: str) -> str:
    """Take away the quote marks that `harmless` added."""
    return _HARMLESS.sub("", text)


MAX_ROWS: Final = 1_048_575  # of an Excel sheet, without the heading
_MAX_TEXT: Final = 32_767  # of a cell, in the units of UTF-16
_MAX_NUMBER: Final = 10**15  # Excel knows fifteen digits
# Excel begins with 1900, and believes that there was a 29th of February.
_FIRST_YEAR: Final = 1900
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - as the clock shows it
_MARCH_1900: Final = 61
# What XML cannot hold.
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STYLES: Final[dict[str, dict[str, object]]] = {
    "": {},
    "day": {"num_format": "yyyy-mm-dd"},
    "time": {"num_format": "yyyy-mm-dd hh:mm"},
    # Stays a text when somebody edits the cell.
    "text": {"quote_prefix": True},
    "heading": {"bold": True},
}


def write_xlsx(file: IO[bytes], heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write an Excel file of one sheet, row after row: texts, numbers, days and times, no formula.

    Raises ValueError where there are more than MAX_ROWS rows.
    """
    from xlsxwriter import Workbook  # few processes write such a file

    # It deletes its temporary files when it is closed, also where `rows` raises something.
    with Workbook(file, {"constant_memory": True}) as book:
        styles = {name: book.add_format(properties) for name, properties in _STYLES.items()}
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, max(0, len(heading) - 1), 18)
        for column, name in enumerate(heading):
            _write_text(sheet, (0, column), _clean(name), styles["heading"], styles[""])
        for row, values in enumerate(rows, 1):
            if row > MAX_ROWS:
                raise ValueError(f"an Excel file holds at most {MAX_ROWS:,} rows")
            for column, value in enumerate(values):
                written, style = _cell(value)
                if isinstance(written, str):
                    _write_text(sheet, (row, column), written, styles[style], styles[""])
                else:
                    sheet.write(row, column, written, styles[style] if style else None)


def _cell(value: object) -> tuple[object, str]:
    """Return what Excel gets for a value, and in which style."""
    value = _plain(value)
    match value:
        case None | bool():
            return value, ""
        case int() | Decimal() if Decimal(value).is_finite():
            keeps_digits = -_MAX_NUMBER < value < _MAX_NUMBER
            return (value, "") if keeps_digits else (str(value), "text")
        case float() if math.isfinite(value):
            return value, ""
        case datetime() if value.year >= _FIRST_YEAR:
            return _days(value.replace(tzinfo=None)), "time"
        case date() if value.year >= _FIRST_YEAR:
            return _days(datetime.combine(value, time())), "day"
        case _:
            text = _clean(str(value))
            return text, "text" if _FORMULA.match(text) else ""


def _days(moment: datetime) -> float:
    """Return the days that Excel has counted; XlsxWriter is wrong about times in early 1900."""
    days = (moment - _DAY_ZERO) / timedelta(days=1)
    return days if days >= _MARCH_1900 else days - 1


def _plain(value: object) -> object:
    """Return a value of numpy or pandas as one of Python, None for one that is missing."""
    if not type(value).__module__.startswith(("numpy", "pandas")):
        return value
    import numpy as np
    import pandas as pd

    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if value is pd.NaT or value is pd.NA:
        return None
    return value.item() if isinstance(value, np.generic) else value


def _clean(text: str) -> str:
    """Return what a cell can hold of a text."""
    units = _NO_XML.sub("", text).encode("utf-16-le")[: 2 * _MAX_TEXT]
    return units.decode("utf-16-le", errors="ignore")  # it may end within a letter


def _write_text(
    sheet: "Worksheet", place: tuple[int, int], text: str, style: "Format", plain: "Format"
) -> None:
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter would take this for XML of its own, and write whatever is in it as it is.
        sheet.write_rich_string(*place, text[0], plain, text[1:], style)
    else:
        sheet.write_string(*place, text, style)
