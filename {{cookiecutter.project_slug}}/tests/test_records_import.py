"""CSV files into the register and out again; delete this file together with the example."""

import csv
import io
import threading
import unicodedata
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from chassis import transaction

from {{cookiecutter.package_name}}.records import csv_import, service
from {{cookiecutter.package_name}}.records.csv_import import (
    Existing,
    OutdatedError,
    Plan,
    RefusedError,
    Report,
    Table,
)
from {{cookiecutter.package_name}}.records.export import export
from {{cookiecutter.package_name}}.records.fields import (
    CATEGORIES,
    FIELDS,
    Issue,
    Values,
)
from {{cookiecutter.package_name}}.records.service import Query

HEADINGS = {"자산 번호": "asset_no", "이름": "name", "가격": "price"}
NAMES = {"컴퓨터": "computer", "도구": "tool"}
LAPTOP = Values("EQ-1", "Laptop", "computer", "Kim", Decimal("1234.50"), date(2026, 1, 31), "")
HEADING = "asset_no,name,category,owner,price,bought_on,note\n"
ROW = "EQ-1,Laptop,computer,Kim,1234.50,2026-01-31,\n"


def read(text: str | bytes, encoding: str | None = None) -> Table:
    data = text if isinstance(text, bytes) else text.encode()
    return csv_import.read(data, HEADINGS, NAMES, encoding)


def refusal(text: str | bytes, encoding: str | None = None) -> Issue:
    with pytest.raises(RefusedError) as error:
        read(text, encoding)
    return error.value.problem.issue


def problems(table: Table | Plan) -> list[tuple[int, str | None, Issue]]:
    return [(line, problem.field, problem.issue) for line, problem in table.problems]


def plan(text: str, existing: Existing = "refuse") -> Plan:
    return csv_import.plan(read(text), existing)


def stored() -> dict[str, Values]:
    items = service.find(Query(), 1, 1000).items
    return {item.values.asset_no: item.values for item in items}


def many(count: int, start: int = 0) -> str:
    rows = (f"M-{n:05},thing,tool,,1,2026-01-31,\n" for n in range(start, start + count))
    return HEADING + "".join(rows)


# --- Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_file_of_any_spreadsheet_is_read(encoding: str, delimiter: str, ending: str) -> None:
    lines = ["자산 번호,이름,category,가격,bought_on", "EQ-1,노트북,컴퓨터,10.50,2026-01-31", ""]
    data = ending.join(lines).replace(",", delimiter).encode(encoding)
    table = read(data)
    assert table.delimiter == delimiter
    assert table.encoding == encoding.removesuffix("-sig")
    (row,) = table.rows
    assert (row.values.name, row.values.price) == ("노트북", Decimal("10.50"))
    assert table.columns == {"asset_no", "name", "category", "price", "bought_on"}
    assert not table.problems


@pytest.mark.parametrize("hidden", ["\u200b", "\ufeff", "\ufeff\ufeff", "\u2060", "\u200e"])
def test_headings_are_found_however_they_are_written(hidden: str) -> None:
    heading = "자산 번호,이름,ＣＡＴＥＧＯＲＹ,가격,bought\u200b_on"  # noqa: RUF001 - wide letters are tested
    rows = f"{hidden}{unicodedata.normalize('NFD', heading)}\nEQ-1,노트북,컴퓨터,10,2026-01-31\n"
    table = read(rows.replace("자산 번호", "자산\u00a0번호"))
    assert not table.ignored_columns
    assert [row.values.asset_no for row in table.rows] == ["EQ-1"]


def test_numbers_that_read_the_same_are_one_in_a_file() -> None:
    rows = "EQ-1,Lamp,tool,,1,2026-01-31,\n" + "\uff25\uff31\u200b-1,Lamp,tool,,1,2026-01-31,\n"
    assert problems(read(HEADING + rows)) == [(3, "asset_no", Issue.TWICE_IN_FILE)]


def test_a_chosen_encoding_wins() -> None:
    data = (HEADING + "EQ-1,Zürich,tool,,1,2026-01-31,\n").encode("cp1252")
    assert refusal(data) == Issue.UNKNOWN_ENCODING
    assert read(data, "cp1252").rows[0].values.name == "Zürich"
    assert refusal(data, "utf-8") == Issue.UNKNOWN_ENCODING


@pytest.mark.parametrize("hint", ["sep=;\r\n", "SEP=;\n", "Sep=;\r"])
def test_the_hint_of_excel_is_understood(hint: str) -> None:
    table = read(hint + (HEADING + ROW + "EQ-2,,tool,,1,2026-01-31,").replace(",", ";"))
    assert [row.values for row in table.rows] == [LAPTOP]
    assert problems(table) == [(4, "name", Issue.REQUIRED)]


def test_quotes_hold_separators_and_lines_together() -> None:
    first = '"EQ-1","a, ""b""",tool,,1,2026-01-31,"two\nlines"\n'
    table = read(HEADING + first + "\n,,,,,,\nEQ-2,,tool,,1,2026-01-31,\n")
    (row,) = table.rows
    assert (row.line, row.values.name, row.values.note) == (2, 'a, "b"', "two\nlines")
    assert problems(table) == [(6, "name", Issue.REQUIRED)]


def test_each_problem_has_its_line_and_column() -> None:
    rows = [
        "EQ-1,Laptop,computer,Kim,ten,31.1.2026,",
        "EQ-2,,chairs,,1,2026-01-31,",
        "EQ-3,Lamp,tool,,1,2026-01-31,",
        "eq-3,Lamp again,tool,,1,2026-01-31,",
        "EQ-4,Lamp,tool,,1,2026-01-31,,too many",
        "EQ-5,Lamp,tool",
    ]
    table = read(HEADING + "\n".join(rows))
    assert sorted(problems(table), key=str) == sorted(
        [
            (2, "price", Issue.NOT_A_PRICE),
            (2, "bought_on", Issue.NOT_A_DATE),
            (3, "name", Issue.REQUIRED),
            (3, "category", Issue.UNKNOWN_CATEGORY),
            (5, "asset_no", Issue.TWICE_IN_FILE),
            (6, None, Issue.CELL_COUNT),
            (7, "price", Issue.REQUIRED),
            (7, "bought_on", Issue.REQUIRED),
        ],
        key=str,
    )
    assert [row.values.asset_no for row in table.rows] == ["EQ-3"]
    twice = next(p for _, p in table.problems if p.issue == Issue.TWICE_IN_FILE)
    assert twice.details == {"line": 4}


def test_empty_cells_at_the_end_may_be_missing() -> None:
    table = read(HEADING + ROW.rstrip(",\n"))
    assert [row.values for row in table.rows] == [LAPTOP]


def test_columns_may_have_any_order_and_unknown_ones_are_named() -> None:
    table = read("Colour,NOTE,price,bought_on,Category,name,asset_no,\nred,,1,2026-1-1,tool,a,b,\n")
    assert table.ignored_columns == ["Colour"]
    assert table.rows[0].values.name == "a"


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("", Issue.EMPTY_FILE),
        ("\ufeff \n\n", Issue.EMPTY_FILE),
        (HEADING, Issue.EMPTY_FILE),
        (ROW, Issue.MISSING_COLUMNS),
        ("name,price\na,1\n", Issue.MISSING_COLUMNS),
        ("name," + HEADING + "x," + ROW, Issue.REPEATED_COLUMN),
        (HEADING + 'EQ-1,"Lamp,tool,,1,2026-01-31,\n', Issue.BROKEN_QUOTES),
        (HEADING + f"EQ-1,{'x' * 200_000},tool,,1,2026-01-31,\n", Issue.BROKEN_QUOTES),
        (b"PK\x03\x04\xff\xff\xff\xfe" + bytes(range(128, 256)), Issue.UNKNOWN_ENCODING),
        (b"\xff\xfea", Issue.UNKNOWN_ENCODING),
        (b"x" * (csv_import.MAX_BYTES + 1), Issue.FILE_TOO_LARGE),
    ],
)
def test_what_is_no_table_is_refused(text: str | bytes, issue: Issue) -> None:
    assert refusal(text) == issue


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_import, "MAX_ROWS", 3)
    assert len(read(many(3)).rows) == 3
    assert refusal(many(4)) == Issue.TOO_MANY_ROWS


def test_a_file_of_errors_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_import, "MAX_PROBLEMS", 5)
    table = read(HEADING + ",x\n" * 100)
    assert len(table.problems) == 5
    assert table.problem_count > 100


# --- Storing --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
class TestImport:
    def test_a_file_is_stored_with_its_history(self) -> None:
        seen: list[float] = []
        done = csv_import.carry_out(plan(many(1200)), "kim", seen.append)
        assert done == Report(1200, 0)
        assert seen == sorted(seen)
        assert seen[-1] == 1.0
        assert len(seen) == 3
        page = service.find(Query("thing"), 1, 10)
        assert page.total == 1200
        item = page.items[5]
        (entry,) = service.history(item.id)
        assert (entry.action, entry.actor) == (service.IMPORTED, "kim")
        assert entry.asset_no == item.values.asset_no
        assert service.change(item, item.values, "lee").version == 1

    def test_numbers_that_exist(self) -> None:
        service.create(LAPTOP, "kim")
        same = ROW.replace("EQ-1", "EQ-9") + ROW
        text = HEADING + same
        assert problems(plan(text.replace("1234.50", "5"))) == [(3, "asset_no", Issue.EXISTS)]
        unchanged = plan(text)
        assert (len(unchanged.new), unchanged.unchanged, unchanged.problem_count) == (1, 1, 0)

        skip = plan(text.replace("1234.50", "5"), "skip")
        assert (len(skip.new), skip.skipped) == (1, 1)
        update = plan(text.replace("1234.50", "5"), "update")
        assert csv_import.carry_out(update, "lee") == Report(1, 1)
        assert stored()["EQ-1"].price == Decimal("5.00")
        (item,) = service.find(Query("eq-1")).items
        assert (item.version, item.updated_by) == (2, "lee")
        assert service.history(item.id)[0].changes == {"price": ["1234.50", "5.00"]}

    def test_fields_without_a_column_are_kept(self) -> None:
        service.create(LAPTOP, "kim")
        text = "asset_no,name,category,price,bought_on\nEQ-1,New,computer,1,2026-01-31\n"
        csv_import.carry_out(plan(text, "update"), "lee")
        assert stored()["EQ-1"].owner == "Kim"
        assert stored()["EQ-1"].name == "New"

    def test_a_plan_with_problems_is_not_carried_out(self) -> None:
        wrong = plan(HEADING + ROW + "EQ-2,,tool,,1,2026-01-31,\n")
        assert wrong.problem_count == 1
        with pytest.raises(ValueError, match="problems"):
            csv_import.carry_out(wrong, "kim")
        assert stored() == {}

    def test_who_was_quicker_is_not_overwritten(self) -> None:
        text = many(700) + ROW
        planned = plan(text)
        service.create(LAPTOP, "kim")
        with pytest.raises(OutdatedError):
            csv_import.carry_out(planned, "lee")
        assert stored() == {"EQ-1": LAPTOP}

        changed = plan(text.replace("Laptop", "Bigger"), "update")
        (item,) = service.find(Query()).items
        service.change(item, item.values.__class__(**{**vars(LAPTOP), "owner": "Park"}), "park")
        with pytest.raises(OutdatedError):
            csv_import.carry_out(changed, "lee")
        assert [values.owner for values in stored().values()] == ["Park"]

        again = plan(text.replace("Laptop", "Bigger"), "update")
        (item,) = service.find(Query()).items
        service.delete(item, "park")
        with pytest.raises(OutdatedError):
            csv_import.carry_out(again, "lee")
        assert stored() == {}

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_an_import_that_is_broken_off_leaves_nothing(self, error: type[BaseException]) -> None:
        # Streamlit ends a script, whose tab was closed, by an exception at its next call.
        def break_off(share: float) -> None:
            if share > 0.5:
                raise error

        with pytest.raises(error):
            csv_import.carry_out(plan(many(1500)), "kim", break_off)
        assert stored() == {}
        assert service.history() == []

    def test_nobody_sees_half_of_an_import(self) -> None:
        totals: list[int] = []

        def look(_share: float) -> None:
            reader = threading.Thread(target=lambda: totals.append(service.find(Query()).total))
            reader.start()
            reader.join()

        csv_import.carry_out(plan(many(1500)), "kim", look)
        assert totals == [0, 0, 0]
        assert service.find(Query()).total == 1500


# --- Out again ------------------------------------------------------------------------------------

PLAIN = {name: name for name in FIELDS}
KINDS = {name: name for name in CATEGORIES}
NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\uff1d1+1",
    "'=1+1",
    "''x",
    'a"b',
    "a;b,c",
    "=cmd|' /C calc'!A0",
    "<b>&amp;</b>",
    "_x000D_",
    "노트북",
]


def xlsx_rows(data: bytes) -> list[list[tuple[str, str]]]:
    """Return kind and text of each cell: "text", "number", "day"."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    sheet, styles = (
        ElementTree.fromstring(archive.read(f"xl/{name}.xml"))  # noqa: S314 - our own
        for name in ("worksheets/sheet1", "styles")
    )
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    assert not sheet.findall(f".//{space}f"), "a formula"
    [formats] = styles.iter(f"{space}cellXfs")

    def kind(cell: ElementTree.Element) -> str:
        style = formats[int(cell.get("s", 0))]
        if cell.get("t") == "inlineStr":
            return "text that stays one" if style.get("quotePrefix") == "1" else "text"
        return "day" if style.get("applyNumberFormat") == "1" else "number"

    return [
        [(kind(cell), "".join(cell.itertext())) for cell in row]
        for row in sheet.iter(f"{space}row")
    ]


@pytest.mark.usefixtures("database")
class TestExport:
    @pytest.fixture(autouse=True)
    def things(self, database: str) -> None:
        assert database
        for number, text in enumerate(NASTY):
            changes: dict[str, Any] = {"asset_no": f"EQ-{number:02}", "name": text, "owner": text}
            service.create(Values(**{**vars(LAPTOP), **changes}), "kim")

    def test_an_exported_file_can_be_imported(self) -> None:
        before = stored()
        data = export("csv", Query(), PLAIN, KINDS)
        assert [row.values for row in read(data).rows] == list(before.values())
        unchanged = csv_import.plan(read(data), "refuse")
        assert unchanged.unchanged == len(NASTY)

    def test_no_cell_of_the_csv_is_a_formula(self) -> None:
        text = export("csv", Query(), PLAIN, KINDS).decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert len(cells) == 7 * (1 + len(NASTY))
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]

    def test_excel_gets_texts_numbers_and_days(self) -> None:
        rows = xlsx_rows(export("xlsx", Query(), {**PLAIN, "name": "=name"}, KINDS))
        assert rows[0][1] == ("text", "=name")
        first = rows[1]
        assert first[1] == ("text that stays one", "=1+1")
        assert first[4] == ("number", "1234.50")
        assert first[5] == ("day", "46053")  # 2026-01-31
        assert [row[1][1].replace("_x005F_", "_") for row in rows[1:]] == NASTY

    def test_an_export_has_what_is_searched(self) -> None:
        data = export("csv", Query("노트북"), PLAIN, KINDS)
        assert [row.values.name for row in read(data).rows] == ["노트북"]
        down = read(export("csv", Query(descending=True), PLAIN, KINDS))
        assert down.rows[0].values.asset_no == f"EQ-{len(NASTY) - 1:02}"

    def test_an_export_holds_few_rows_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "STREAM_ROWS", 2)
        with transaction(read_only=True) as session:
            rows = service.stream(session, Query())
            assert next(rows).asset_no == "EQ-00"
            assert len(list(rows)) == len(NASTY) - 1

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_an_empty_export_has_its_headings(self, kind: str) -> None:
        data = export(kind, Query("nothing"), PLAIN, KINDS)
        if kind == "csv":
            assert data.decode("utf-8-sig").count("\n") == 1
        else:
            assert len(xlsx_rows(data)) == 1
