"""CSV and Excel files that a spreadsheet opens without running anything."""

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from chassis import spreadsheet
from chassis.spreadsheet import harmless, original, to_csv, write_csv, write_xlsx

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t1", "\r1", '=A("x")', "\uff1d1", "\uff0b1", "'=1"]
)
def test_formulas_become_text(text: str) -> None:
    table = pd.DataFrame({"name": [text], text: ["x"]})
    assert rows(to_csv(table)) == [["name", f"'{text}"], [f"'{text}", "x"]]


@pytest.mark.parametrize("opened_with", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "text", ["n;=1+1;z", 'n;"=1+1;z', "n,+1,z", "n|@1|z", "n\t-1\tz", "a\r=1", "a\n=1", ";\uff1d1"]
)
def test_no_separator_begins_a_formula(text: str, opened_with: str) -> None:
    # The spreadsheet chooses the separator: in much of Europe it is a semicolon.
    file = io.BytesIO()
    write_csv(file, ["a", "b"], [["first", text]])
    for written in (file.getvalue(), to_csv(pd.DataFrame({"a": ["first"], "b": [text]}))):
        lines = re.split("\r\n|\r|\n", written.decode("utf-8-sig"))
        cells = [cell for row in csv.reader(lines, delimiter=opened_with) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]
        assert original(rows(written)[1][1]) == text


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


@pytest.mark.parametrize(
    "text", ["=1", "'=1", "''=1", "'", "''x", "x", "", "=", "\uff20a", ";'=1", "a\n\t=,\"-,'\"'+"]
)
def test_the_quote_mark_can_be_taken_away_again(text: str) -> None:
    assert original(str(harmless(text))) == text


def test_rows_become_csv_one_by_one() -> None:
    file = io.BytesIO()
    write_csv(file, ["=a", "b", "c"], ([text, 1.5, date(2026, 1, 31)] for text in ("@x", "한\r=1")))
    assert file.getvalue().startswith(b"\xef\xbb\xbf")
    assert rows(file.getvalue()) == [
        ["'=a", "b", "c"],
        ["'@x", "1.5", "2026-01-31"],
        ["한\r'=1", "1.5", "2026-01-31"],
    ]


def test_what_is_missing_is_empty_in_csv() -> None:
    file = io.BytesIO()
    write_csv(file, ["a", "b", "c"], [[None, pd.NaT, pd.NA]])
    assert rows(file.getvalue())[1] == ["", "", ""]


@dataclass(frozen=True)
class Cell:
    """What Excel shows in a cell: its text or number, and what its style says."""

    shown: str
    kind: str  # "inlineStr", "b", or "" for a number
    number_format: str
    keeps_text: bool
    bold: bool


def workbook(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> dict[str, Cell]:
    """Write an Excel file; return its cells by their address."""
    file = io.BytesIO()
    write_xlsx(file, heading, rows)
    archive = zipfile.ZipFile(file)
    assert archive.testzip() is None
    parts = {
        name: ElementTree.fromstring(archive.read(name))  # noqa: S314 - our own
        for name in archive.namelist()
    }
    sheet, styles = parts["xl/worksheets/sheet1.xml"], parts["xl/styles.xml"]
    assert not list(sheet.iter(f"{SPACE}f")), "a formula"
    assert not list(sheet.iter(f"{SPACE}hyperlink")), "a link"
    formats = {one.get("numFmtId"): one.get("formatCode") for one in styles.iter(f"{SPACE}numFmt")}
    bold = [font.find(f"{SPACE}b") is not None for font in styles.iter(f"{SPACE}font")]
    [kinds] = styles.iter(f"{SPACE}cellXfs")
    cells = {}
    for cell in sheet.iter(f"{SPACE}c"):
        style = kinds[int(cell.get("s", 0))]
        text = "".join(cell.itertext())
        # So Excel writes letters that XML has no place for.
        text = re.sub("_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), text)
        cells[str(cell.get("r"))] = Cell(
            text,
            cell.get("t", ""),
            formats.get(style.get("numFmtId")) or "",
            style.get("quotePrefix") == "1",
            bold[int(style.get("fontId", 0))],
        )
    return cells


def cell(value: object) -> Cell | None:
    """Write one value to an Excel file; return its cell, None if there is none."""
    return workbook(["heading"], [[value]]).get("A2")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-3, "-3"),
        (0.1, "0.1"),
        (Decimal("1.50"), "1.50"),
        (999_999_999_999_999, "999999999999999"),
        (np.int64(7), "7"),
        (np.float32(0.5), "0.5"),
    ],
)
def test_a_number_is_a_number(value: object, shown: str) -> None:
    assert cell(value) == Cell(shown, "", "", keeps_text=False, bold=False)


@pytest.mark.parametrize("value", [True, np.True_])
def test_a_truth_is_a_truth(value: object) -> None:
    assert cell(value) == Cell("1", "b", "", keeps_text=False, bold=False)


@pytest.mark.parametrize("value", [None, pd.NaT, pd.NA, np.datetime64("NaT")])
def test_what_is_missing_has_no_cell(value: object) -> None:
    assert cell(value) is None


@pytest.mark.parametrize("value", [10**15, -(10**15), 12345678901234567890, Decimal(10**15)])
def test_a_number_keeps_its_digits(value: object) -> None:
    # Excel knows fifteen of them.
    assert cell(value) == Cell(str(value), "inlineStr", "", keeps_text=True, bold=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (date(2026, 1, 31), "46053"),
        # Excel believes that there was a 29th of February in 1900.
        (date(1900, 3, 1), "61"),
        (date(1900, 2, 28), "59"),
        (date(1900, 1, 1), "1"),
    ],
)
def test_a_day_is_a_day(value: date, shown: str) -> None:
    assert cell(value) == Cell(shown, "", "yyyy-mm-dd", keeps_text=False, bold=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 1, 31, 18, tzinfo=UTC), "46053.75"),
        (datetime(2026, 1, 31, 18, tzinfo=ZoneInfo("Asia/Seoul")), "46053.75"),
        (datetime(1900, 2, 28, 12, tzinfo=UTC), "59.5"),
        (datetime(1900, 1, 1, 12, tzinfo=UTC), "1.5"),
        (pd.Timestamp("2026-01-31 18:00"), "46053.75"),
        (np.datetime64("2026-01-31T18:00", "ns"), "46053.75"),
    ],
)
def test_a_time_is_a_time(value: object, shown: str) -> None:
    assert cell(value) == Cell(shown, "", "yyyy-mm-dd hh:mm", keeps_text=False, bold=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (date(1899, 12, 31), "1899-12-31"),
        (datetime(1899, 12, 31, 18, tzinfo=UTC), "1899-12-31 18:00:00+00:00"),
        ("a <b> & 'c' \"d\"", "a <b> & 'c' \"d\""),
        (" two\r\nlines ", " two\r\nlines "),
        ("bell\x07", "bell"),
        ("_x0041_", "_x0041_"),
        ("1.50", "1.50"),
        ("https://example.com", "https://example.com"),
        ("{=1+1}", "{=1+1}"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (Decimal("NaN"), "NaN"),
        ("x" * 40_000, "x" * 32_767),
        ("\U0001f600" * 20_000, "\U0001f600" * 16_383),
    ],
)
def test_everything_else_is_a_text(value: object, shown: str) -> None:
    assert cell(value) == Cell(shown, "inlineStr", "", keeps_text=False, bold=False)


def test_a_text_that_looks_like_a_formula_stays_one_when_it_is_edited() -> None:
    for text in ("=1+1", "\x07=1+1"):
        assert cell(text) == Cell("=1+1", "inlineStr", "", keeps_text=True, bold=False)


BREAKS_OUT = '<r></t></is></c><c r="B2"><f>1+1</f></c><c r="C2" t="inlineStr"><is><t></r>'


@pytest.mark.parametrize(
    "text", ["<r>a</r>", BREAKS_OUT, "<r>" + "x" * 32_760 + "</r>" + "y", "<r>\U0001f600</r>"]
)
def test_a_text_is_never_markup_of_the_library(text: str) -> None:
    # XlsxWriter writes what looks like its own rich text as it is.
    cells = workbook([text], [[text]])
    assert set(cells) == {"A1", "A2"}
    assert {one.shown for one in cells.values()} == {text[:32_767]}


def test_the_heading_is_bold_text() -> None:
    assert workbook(["=name", "b"], []) == {
        "A1": Cell("=name", "inlineStr", "", keeps_text=False, bold=True),
        "B1": Cell("b", "inlineStr", "", keeps_text=False, bold=True),
    }


def test_each_row_has_its_place() -> None:
    cells = workbook(["a", "b"], [[1, 2], [None, None], [None, 3]])
    assert {address: one.shown for address, one in cells.items()} == {
        "A1": "a",
        "B1": "b",
        "A2": "1",
        "B2": "2",
        "B4": "3",
    }


def test_more_rows_than_excel_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", 2)
    assert len(workbook(["a"], [[1], [2]])) == 3
    with pytest.raises(ValueError, match="at most 2 rows"):
        workbook(["a"], [[1], [2], [3]])


def test_rows_that_end_early_leave_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[Path] = []

    def rows() -> Iterator[list[object]]:
        yield [1]
        seen.extend(tmp_path.iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_xlsx(io.BytesIO(), ["a"], rows())
    assert seen, "no row was on its way"
    assert not list(tmp_path.iterdir())
