"""CSV and Excel files that a spreadsheet opens without running anything."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pandas as pd
import pytest
from chassis.spreadsheet import harmless, original, to_csv, write_csv, write_xlsx

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=A("x")', "\uff1d1", "\uff0b1", "'=1"]
)
def test_formulas_become_text(text: str) -> None:
    table = pd.DataFrame({"name": [text], text: ["x"]})
    assert rows(to_csv(table)) == [["name", f"'{text}"], [f"'{text}", "x"]]


def test_a_line_break_does_not_begin_a_cell() -> None:
    for text in ("a\r=1", "a\n=1", "a\r\n=1"):
        assert rows(to_csv(pd.DataFrame({"name": [text]}))) == [["name"], [text]]


def test_other_values_stay_as_they_are() -> None:
    table = pd.DataFrame(
        {
            "name": ['커피, "gut"', None],
            "amount": [-1.5, 2.0],
            "date": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "kind": pd.Categorical(["tea", "-tea"]),
        }
    )
    before = table.copy()
    assert rows(to_csv(table)) == [
        ["name", "amount", "date", "kind"],
        ['커피, "gut"', "-1.5", "2026-01-01", "tea"],
        ["", "2.0", "2026-01-02", "'-tea"],
    ]
    pd.testing.assert_frame_equal(table, before)


def test_excel_sees_that_it_is_utf_8() -> None:
    assert to_csv(pd.DataFrame({"a": ["é"]})).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'", "''x", "x", "", "=", "\uff20a"])
def test_the_quote_mark_can_be_taken_away_again(text: str) -> None:
    assert original(str(harmless(text))) == text


def test_rows_become_csv_one_by_one() -> None:
    file = io.BytesIO()
    write_csv(file, ["=a", "b", "c"], ([text, 1.5, date(2026, 1, 31)] for text in ("@x", "한\r=1")))
    assert file.getvalue().startswith(b"\xef\xbb\xbf")
    assert rows(file.getvalue()) == [
        ["'=a", "b", "c"],
        ["'@x", "1.5", "2026-01-31"],
        ["한\r=1", "1.5", "2026-01-31"],
    ]


def sheet(*row: object) -> list[ElementTree.Element]:
    """Write the row as Excel file; return its cells."""
    file = io.BytesIO()
    write_xlsx(file, ["heading"] * len(row), [row])
    archive = zipfile.ZipFile(file)
    for name in archive.namelist():
        ElementTree.fromstring(archive.read(name))  # noqa: S314 - our own
    root = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    assert root.find(f".//{SPACE}f") is None
    return list(root.iter(f"{SPACE}row"))[1].findall(f"{SPACE}c")


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (None, "0", ""),
        (True, "0", "1"),
        (-3, "0", "-3"),
        (Decimal("1.50"), "0", "1.50"),
        (date(2026, 1, 31), "1", "46053"),
        (datetime(2026, 1, 31, 18, tzinfo=UTC), "2", "46053.75"),
        ("=1+1", "3", "=1+1"),
        ("a <b> & 'c' \"d\"", "0", "a <b> & 'c' \"d\""),
        ("two\r\nlines", "0", "two\r\nlines"),
        ("bell\x07", "0", "bell"),
        ("_x0041_", "0", "_x005F_x0041_"),
        (float("nan"), "0", "nan"),
        ("x" * 40_000, "0", "x" * 32_767),
    ],
)
def test_a_cell_of_excel_has_its_type(value: object, style: str, text: str) -> None:
    (cell,) = sheet(value)
    assert cell.get("s", "0") == style
    assert "".join(cell.itertext()) == text
    is_text = isinstance(value, str) or text == "nan"
    assert (cell.get("t") == "inlineStr") == is_text
