"""CSV files that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from {{cookiecutter.package_name}}.spreadsheet import to_csv


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=A("x")'])
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
