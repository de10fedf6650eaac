"""CSV and Excel files that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

# Excel, LibreOffice and Google Sheets run a cell that begins with one of these as a formula; the
# wide ones, which a linter takes for mistakes, where Chinese, Japanese or Korean is written.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - wide
# With quote marks in front: so that `original` finds back to every text.
_FORMULA: Final = re.compile(f"'*[{re.escape(''.join(FORMULA_STARTS))}]")


def to_csv(frame: pd.DataFrame) -> bytes:
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
    writer.writerows([harmless(value) for value in row] for row in rows)
    text.detach()  # flushed, but the file stays open: it is the caller's


def harmless(value: object) -> object:
    """Put a quote mark in front of a text that a spreadsheet would run."""
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value


def original(text: str) -> str:
    """Take away the quote mark that `harmless` added."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


# What else an Excel file consists of. The styles: 0 anything, 1 day, 2 time, 3 text that looks like
# a formula and stays text when somebody edits the cell, 4 heading.
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_PARTS: Final = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="2">'
        '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
        '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
        "<fonts><font/><font><b/></font></fonts>"
        '<fills><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        "<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf/>"
        '<xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/>'
        '<xf quotePrefix="1"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>'
    ),
}
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_SHEET_START: Final = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    '</sheetView></sheetViews><sheetFormatPr defaultColWidth="18"/><sheetData>'
)
_FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - days are counted from here
# What XML cannot hold, and what Excel would read as such a letter.
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXCEL_ESCAPE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_MAX_TEXT: Final = 32_767  # Excel refuses a file with a longer text


def write_xlsx(file: IO[bytes], heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write an Excel file of one sheet, row after row: texts, numbers, days and times, no formula.

    It holds 1,048,575 rows.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _PARTS.items():
            archive.writestr(name, _XML + content)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write((_XML + _SHEET_START).encode())
            sheet.write(_row(_text(name, 4) for name in heading))
            for row in rows:
                sheet.write(_row(map(_cell, row)))
            sheet.write(b"</sheetData></worksheet>")


def _row(cells: Iterable[str]) -> bytes:
    return f"<row>{''.join(cells)}</row>".encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return "<c/>"
        case bool():
            return f'<c t="b"><v>{value:d}</v></c>'
        case int() | float() | Decimal() if Decimal(value).is_finite():
            return f"<c><v>{value}</v></c>"
        case datetime():
            days = (value.replace(tzinfo=None) - _FIRST_DAY).total_seconds() / 86_400
            return f'<c s="2"><v>{days}</v></c>'
        case date():
            return f'<c s="1"><v>{value.toordinal() - _FIRST_DAY.toordinal()}</v></c>'
        case _:
            text = str(value)
            return _text(text, 3 if _FORMULA.match(text) else 0)


def _text(text: str, style: int) -> str:
    text = _EXCEL_ESCAPE.sub("_x005F_", _NO_XML.sub("", text))[:_MAX_TEXT]
    text = html.escape(text, quote=False).replace("\r", "&#13;")
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
