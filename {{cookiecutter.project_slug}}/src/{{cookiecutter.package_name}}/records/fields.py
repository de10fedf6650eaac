"""The fields of the register: what may stand in them, whether typed in or read from a file."""

import dataclasses
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from chassis import comparable

CATEGORIES: Final = ("computer", "display", "furniture", "network", "tool", "vehicle", "other")
FIELDS: Final = ("asset_no", "name", "category", "owner", "price", "bought_on", "note")
REQUIRED: Final = frozenset(FIELDS) - {"owner", "note"}
MAX_LENGTHS: Final = {"asset_no": 40, "name": 200, "owner": 200, "note": 2000}
MAX_PRICE: Final = Decimal("999999999.99")
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2100, 12, 31)


class Issue(StrEnum):
    """What can be wrong with a value or a file; the page has a text for each."""

    REQUIRED = "required"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    UNKNOWN_CATEGORY = "unknown_category"
    NOT_A_PRICE = "not_a_price"
    NOT_A_DATE = "not_a_date"
    OUT_OF_RANGE = "out_of_range"
    EXISTS = "exists"
    TWICE_IN_FILE = "twice_in_file"
    CELL_COUNT = "cell_count"
    BROKEN_QUOTES = "broken_quotes"
    EMPTY_FILE = "empty_file"
    FILE_TOO_LARGE = "file_too_large"
    TOO_MANY_ROWS = "too_many_rows"
    UNKNOWN_ENCODING = "unknown_encoding"
    MISSING_COLUMNS = "missing_columns"
    REPEATED_COLUMN = "repeated_column"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where: its field, the value, the figures for the text."""

    issue: Issue
    field: str | None = None
    value: str = ""
    details: Mapping[str, object] = dataclasses.field(default_factory=dict)


class InvalidError(ValueError):
    """Values were refused."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep all problems, not only the first."""
        super().__init__(", ".join(f"{problem.field}: {problem.issue}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Values:
    """What people enter about one thing; made by `parse`."""

    asset_no: str
    name: str
    category: str
    owner: str
    price: Decimal
    bought_on: date
    note: str

    def texts(self) -> dict[str, str]:
        """Return the values as texts, from which `parse` makes the same values."""
        return {name: str(getattr(self, name)) for name in FIELDS}


def parse(texts: Mapping[str, str], categories: Mapping[str, str] | None = None) -> Values:
    """Make values of texts; raises InvalidError with everything that is wrong.

    `categories` adds names for categories, as {"컴퓨터": "computer"}.
    """
    problems: list[Problem] = []
    cleaned: dict[str, str] = {}
    for name in FIELDS:
        text = _tidy(name, texts.get(name, ""))
        issue, details = _issue(name, text)
        if issue:
            problems.append(Problem(issue, name, text, details))
        cleaned[name] = text
    known = {comparable(key): value for key, value in (categories or {}).items()}
    category = known.get(comparable(cleaned["category"]), comparable(cleaned["category"]))
    price, bought_on = _price(cleaned["price"]), _day(cleaned["bought_on"])
    results = {"price": price, "bought_on": bought_on}
    if category not in CATEGORIES:
        results["category"] = Issue.UNKNOWN_CATEGORY
    wrong = {problem.field for problem in problems}
    for name, result in results.items():
        if isinstance(result, Issue) and name not in wrong:
            details = {"known": ", ".join(categories or CATEGORIES)} if name == "category" else {}
            problems.append(Problem(result, name, cleaned[name], details))
    if problems or isinstance(price, Issue) or isinstance(bought_on, Issue):
        raise InvalidError(problems)
    return Values(
        asset_no=cleaned["asset_no"],
        name=cleaned["name"],
        category=category,
        owner=cleaned["owner"],
        price=price,
        bought_on=bought_on,
        note=cleaned["note"],
    )


def differences(before: Values | None, after: Values | None) -> dict[str, list[str | None]]:
    """Return the fields that differ, each with its text before and after."""
    old = before.texts() if before else {}
    new = after.texts() if after else {}
    pairs = {name: [old.get(name), new.get(name)] for name in FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def merge(opened: Values, mine: Values, theirs: Values) -> Values:
    """Return `theirs` with the fields that I changed since I opened the form."""
    changed = differences(opened, mine)
    source = {name: mine if name in changed else theirs for name in FIELDS}
    return Values(**{name: getattr(values, name) for name, values in source.items()})


def _tidy(name: str, text: str) -> str:
    """Return the text of a field as it is stored."""
    if name == "asset_no":  # read from a label and said: nobody hears small or wide letters
        return comparable(text).upper()
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()
    return text if comparable(text) else ""  # letters that nobody sees are nothing


def _issue(name: str, text: str) -> tuple[Issue | None, dict[str, object]]:
    if not text:
        return (Issue.REQUIRED if name in REQUIRED else None), {}
    limit = MAX_LENGTHS.get(name, 100)
    if len(text) > limit:
        return Issue.TOO_LONG, {"limit": limit}
    # Databases refuse NUL, and the others are invisible.
    allowed = "\n\t" if name == "note" else ""
    if any(unicodedata.category(letter) == "Cc" and letter not in allowed for letter in text):
        return Issue.CONTROL_CHARACTER, {}
    return None, {}


# 1234.5, 1,234.50 and ₩1,200,000, where Korean fonts may draw the won sign for a backslash; but not
# 1.234,50: that could be another number.
_PRICE: Final = re.compile(r"[$€£¥₩\\]? ?(\d+|\d{1,3}(?:,\d{3})+)(\.\d{1,2})? ?[€원]?", re.ASCII)
# 2026-01-31, 2026/1/31, and 2026. 1. 31. or 2026년 1월 31일 as Korean Excel writes it; never day or
# month first. The time may be midnight, as programs write where there is only a day.
_DAY: Final = re.compile(
    r"(\d{4})([-/.년]) ?(\d{1,2})(?:\2|월) ?(\d{1,2})[.일]?(?:[ t]0?0:00(?::00)?)?", re.ASCII
)


def _price(text: str) -> Decimal | Issue:
    if not (match := _PRICE.fullmatch(_figures(text))):
        return Issue.NOT_A_PRICE
    price = Decimal(match[1].replace(",", "") + (match[2] or "")).quantize(Decimal("0.01"))
    return price if price <= MAX_PRICE else Issue.OUT_OF_RANGE


def _day(text: str) -> date | Issue:
    if not (match := _DAY.fullmatch(_figures(text))):
        return Issue.NOT_A_DATE
    try:
        day = date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:  # the 31st of February
        return Issue.NOT_A_DATE
    return day if FIRST_DAY <= day <= LAST_DAY else Issue.OUT_OF_RANGE


def _figures(text: str) -> str:
    """Write wide figures as narrow ones; a footnote as in "5²" stays, so that it is refused."""
    return text if any(unicodedata.category(one) == "No" for one in text) else comparable(text)
