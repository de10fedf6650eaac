"""What may stand in a field of the register; delete this file together with the example."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from {{cookiecutter.package_name}}.records.fields import (
    FIELDS,
    InvalidError,
    Issue,
    Values,
    differences,
    parse,
)

LAPTOP = Values("EQ-1", "Laptop", "computer", "Kim", Decimal("1234.50"), date(2026, 1, 31), "")


def texts(**changes: str) -> dict[str, str]:
    return LAPTOP.texts() | changes


def problems(**changes: str) -> list[tuple[str | None, Issue]]:
    with pytest.raises(InvalidError) as error:
        parse(texts(**changes))
    return [(problem.field, problem.issue) for problem in error.value.problems]


def test_texts_become_values_and_texts_again() -> None:
    assert parse(LAPTOP.texts()) == LAPTOP
    assert set(LAPTOP.texts()) == set(FIELDS)


def test_values_are_cleaned() -> None:
    entered = texts(asset_no=" eq-1 ", name=" Laptop\t", category="COMPUTER", note="a\r\nb\rc")
    assert parse(entered) == replace(LAPTOP, note="a\nb\nc")
    assert parse(texts(name="e\u0301")).name == "\u00e9"
    assert parse(texts(category="컴퓨터"), {"컴퓨터": "computer"}).category == "computer"


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("5", "5.00"),
        ("5.5", "5.50"),
        ("1,234.50", "1234.50"),
        ("₩1,200,000", "1200000.00"),
        ("$ 0.99", "0.99"),
        ("\\1,200,000", "1200000.00"),  # the won sign of Korean fonts
        ("\uffe61,200,000", "1200000.00"),
        ("\uff11\uff0c\uff12\uff10\uff10\uff0e\uff15", "1200.50"),
        ("1,200,000원", "1200000.00"),
        ("1,200,000 \u110b\u116f\u11ab", "1200000.00"),
        ("1,200.50\u00a0€", "1200.50"),
        ("\u200b5", "5.00"),
    ],
)
def test_prices(text: str, price: str) -> None:
    assert str(parse(texts(price=text)).price) == price


@pytest.mark.parametrize(
    "text",
    [
        "1.234,50",
        "12,34",
        "-5",
        "5.001",
        "1e3",
        "NaN",
        "five",
        "\u0665",
        "1 000",
        "=1+1",
        "5\u00b2",
    ],
)
def test_what_is_no_price(text: str) -> None:
    assert problems(price=text) == [("price", Issue.NOT_A_PRICE)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026/1/31",
        "2026.01.31",
        "2026. 1. 31.",
        "2026-01-31 00:00:00",
        "2026-01-31T00:00:00",
        "2026-01-31 0:00",
        "2026년 1월 31일",
        "2026년1월31일",
        "\uff12\uff10\uff12\uff16\uff0d\uff10\uff11\uff0d\uff13\uff11",
        "\ufeff2026-01-31",
    ],
)
def test_days(text: str) -> None:
    assert parse(texts(bought_on=text)).bought_on == date(2026, 1, 31)


@pytest.mark.parametrize(
    "text",
    [
        "31.1.2026",
        "01/31/2026",
        "2026-02-30",
        "2026-1/3",
        "2026-01-31 13:45",
        "2026년 1월",
        "today",
    ],
)
def test_what_is_no_day(text: str) -> None:
    assert problems(bought_on=text) == [("bought_on", Issue.NOT_A_DATE)]


@pytest.mark.parametrize(
    "text",
    ["eq\u200b-1", "\ufeffEQ-1", "\u202aEQ-\u00ad1", "\uff25\uff31\uff0d\uff11", " Eq-1\u3000"],
)
def test_a_number_that_reads_the_same_is_the_same(text: str) -> None:
    assert parse(texts(asset_no=text)).asset_no == "EQ-1"


def test_what_nobody_sees_is_nothing() -> None:
    assert problems(asset_no="\u200b") == [("asset_no", Issue.REQUIRED)]
    assert problems(name="\ufeff\u2060") == [("name", Issue.REQUIRED)]
    assert problems(asset_no="\ufdfa" * 3) == [("asset_no", Issue.TOO_LONG)]
    category = "\uff23omputer\u200b"
    assert parse(texts(category=category)) == LAPTOP
    assert parse(texts(category="\u110f\u1165ᆷ퓨터"), {"컴퓨터": "computer"}) == LAPTOP


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = problems(
        asset_no=" ", name="x" * 201, category="chairs", price="", bought_on="1899-1-1"
    )
    assert sorted(found, key=str) == sorted(
        [
            ("asset_no", Issue.REQUIRED),
            ("name", Issue.TOO_LONG),
            ("category", Issue.UNKNOWN_CATEGORY),
            ("price", Issue.REQUIRED),
            ("bought_on", Issue.OUT_OF_RANGE),
        ],
        key=str,
    )
    assert problems(price="1000000000") == [("price", Issue.OUT_OF_RANGE)]


@pytest.mark.parametrize("letter", ["\0", "\x07", "\x1b", "\x7f", "\x85"])
def test_control_characters_are_refused(letter: str) -> None:
    assert problems(name=f"a{letter}b") == [("name", Issue.CONTROL_CHARACTER)]
    assert problems(note=f"a{letter}b") == [("note", Issue.CONTROL_CHARACTER)]


def test_differences_are_before_and_after() -> None:
    assert differences(LAPTOP, LAPTOP) == {}
    assert differences(LAPTOP, replace(LAPTOP, name="x")) == {"name": ["Laptop", "x"]}
    assert differences(LAPTOP, None)["price"] == ["1234.50", None]
