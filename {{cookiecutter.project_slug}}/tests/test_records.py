"""The equipment register on each database; delete this file together with the example."""

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from chassis import DatabaseUnavailable, transaction
from chassis.testing.databases import get_engine
from sqlalchemy import event, func, inspect, select

from {{cookiecutter.package_name}}.records import service
from {{cookiecutter.package_name}}.records.fields import CATEGORIES, Values, merge
from {{cookiecutter.package_name}}.records.models import Equipment, EquipmentChange
from {{cookiecutter.package_name}}.records.service import (
    ConflictError,
    DuplicateError,
    Query,
)

pytestmark = pytest.mark.usefixtures("database")

LAPTOP = Values("EQ-1", "Laptop", "computer", "Kim", Decimal("1234.50"), date(2026, 1, 31), "")


def values(number: str = "EQ-1", **changes: Any) -> Values:
    return Values(**{**vars(LAPTOP), "asset_no": number, **changes})


def numbers(query: Query) -> list[str]:
    return [item.values.asset_no for item in service.find(query).items]


def rows_of_history() -> int:
    with transaction(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(EquipmentChange)) or 0


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Collect the SQL that is sent."""
    sent: list[str] = []
    engine = get_engine()

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


# --- Storing --------------------------------------------------------------------------------------


def test_what_was_stored_is_read_again() -> None:
    stored = values(name="노트북 'x' \"y\" \\ %_;--", note="two\nlines", price=Decimal("0.01"))
    item = service.create(stored, "kim")
    again = service.get(item.id)
    assert again == item
    assert again is not None
    assert again.values == stored
    assert (again.version, again.updated_by) == (1, "kim")
    assert again.updated_at.tzinfo is not None


def test_amounts_are_exact() -> None:
    amounts = [Decimal("0.00"), Decimal("0.10"), Decimal("999999999.99")]
    for number, amount in enumerate(amounts):
        service.create(values(f"EQ-{number}", price=amount), "kim")
    stored = [item.values.price for item in service.find(Query(sort="price")).items]
    assert [str(amount) for amount in stored] == ["0.00", "0.10", "999999999.99"]


def test_a_number_is_given_once() -> None:
    service.create(values("EQ-1"), "kim")
    with pytest.raises(DuplicateError, match="EQ-1"):
        service.create(values("EQ-1", name="Other"), "lee")
    other = service.create(values("EQ-2"), "lee")
    with pytest.raises(DuplicateError, match="EQ-1"):
        service.change(other, values("EQ-1"), "lee")
    assert [item.values.name for item in service.find(Query()).items] == ["Laptop", "Laptop"]
    assert rows_of_history() == 2


def test_a_change_is_stored_and_noted() -> None:
    item = service.create(values(), "kim")
    changed = service.change(item, values(price=Decimal("900.00"), owner=""), "lee")
    assert changed == service.get(item.id)
    assert (changed.version, changed.updated_by) == (2, "lee")
    newest, first = service.history(item.id)
    assert (newest.actor, newest.action) == ("lee", service.CHANGED)
    assert newest.changes == {"owner": ["Kim", ""], "price": ["1234.50", "900.00"]}
    assert newest.at.tzinfo is not None
    assert (first.actor, first.action) == ("kim", service.CREATED)
    assert first.changes["name"] == [None, "Laptop"]


def test_nothing_changed_is_not_noted() -> None:
    item = service.create(values(), "kim")
    assert service.change(item, values(), "lee") == item
    assert rows_of_history() == 1


def test_the_history_of_what_was_deleted_stays() -> None:
    item = service.create(values(), "kim")
    service.delete(item, "lee")
    assert service.get(item.id) is None
    newest = service.history()[0]
    assert (newest.action, newest.actor, newest.asset_no) == (service.DELETED, "lee", "EQ-1")
    assert newest.changes["price"] == ["1234.50", None]
    service.delete(item, "lee")  # the second click of two
    assert rows_of_history() == 2


def test_an_id_is_never_given_again() -> None:
    # Else what an editor still has open would overwrite another thing.
    first = service.create(values("EQ-1"), "kim")
    service.delete(first, "kim")
    second = service.create(values("EQ-2"), "kim")
    assert second.id != first.id
    with pytest.raises(ConflictError):
        service.change(first, values("EQ-3"), "lee")
    assert [change.asset_no for change in service.history(second.id)] == ["EQ-2"]


def test_what_is_lost_on_the_way_is_reported_and_not_stored(database: str) -> None:
    item = service.create(values(), "kim")
    engine = get_engine()

    def fail(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        """Let the database fail when the change is sent, before its history is."""
        if not statement.startswith("INSERT INTO equipment_changes"):
            return
        if engine.dialect.name == "sqlite":  # the disk is full
            connection.connection.driver_connection.execute("PRAGMA max_page_count = 1")
        else:  # the server ends
            killer = psycopg.connect(database.replace("+psycopg", ""), autocommit=True)
            pid = connection.connection.driver_connection.info.backend_pid
            killer.execute("SELECT pg_terminate_backend(%s)", [pid])
            killer.close()

    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(DatabaseUnavailable):
        service.change(item, values(name="y" * 200, note="x" * 20_000), "lee")
    event.remove(engine, "before_cursor_execute", fail)
    engine.dispose()
    assert service.get(item.id) == item
    assert rows_of_history() == 1
    assert service.change(item, values(name="Again"), "lee").version == 2


# --- Two editors ----------------------------------------------------------------------------------


def test_the_second_editor_is_told_and_nothing_vanishes() -> None:
    opened = service.create(values(), "kim")
    service.change(opened, values(price=Decimal("900.00")), "lee")
    with pytest.raises(ConflictError) as conflict:
        service.change(opened, values(name="Big laptop"), "park")
    theirs = conflict.value.current
    assert theirs is not None
    assert (theirs.values.price, theirs.updated_by) == (Decimal("900.00"), "lee")
    assert service.get(opened.id) == theirs

    both = merge(opened.values, values(name="Big laptop"), theirs.values)
    assert both == values(name="Big laptop", price=Decimal("900.00"))
    assert service.change(theirs, both, "park").version == 3


def test_the_same_change_twice_is_no_conflict() -> None:
    opened = service.create(values(), "kim")
    first = service.change(opened, values(name="Big laptop"), "lee")
    assert service.change(opened, values(name="Big laptop"), "lee") == first


def test_who_edits_what_was_deleted_is_told() -> None:
    opened = service.create(values(), "kim")
    service.delete(opened, "lee")
    with pytest.raises(ConflictError) as conflict:
        service.change(opened, values(name="Big laptop"), "park")
    assert conflict.value.current is None


def test_who_deletes_what_was_changed_is_told() -> None:
    opened = service.create(values(), "kim")
    changed = service.change(opened, values(name="Big laptop"), "lee")
    with pytest.raises(ConflictError) as conflict:
        service.delete(opened, "park")
    assert conflict.value.current == changed
    assert service.get(opened.id) == changed


def test_of_many_editors_at_once_one_wins_each_time() -> None:
    opened = service.create(values(), "kim")
    start = threading.Barrier(8)
    outcomes: list[str] = []

    def edit(name: str) -> None:
        start.wait()
        try:
            service.change(opened, values(name=name), name)
        except ConflictError as conflict:
            outcomes.append(f"told of version {conflict.current and conflict.current.version}")
        else:
            outcomes.append(name)

    threads = [threading.Thread(target=edit, args=(f"editor {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("told of version 2") == 7
    (winner,) = set(outcomes) - {"told of version 2"}
    stored = service.get(opened.id)
    assert stored is not None
    assert (stored.values.name, stored.version) == (winner, 2)
    assert rows_of_history() == 2


# --- The list -------------------------------------------------------------------------------------


def test_wildcards_are_letters() -> None:
    for number, name in enumerate(["100%", "100x", "a_b", "axb", "c:\\d", "cd", "[a]"]):
        service.create(values(f"EQ-{number}", name=name), "kim")
    assert numbers(Query("100%")) == ["EQ-0"]
    assert numbers(Query("a_b")) == ["EQ-2"]
    assert numbers(Query("c:\\d")) == ["EQ-4"]
    assert numbers(Query("[a]")) == ["EQ-6"]
    assert numbers(Query("%")) == ["EQ-0"]
    assert numbers(Query("/")) == []  # what the escaping itself uses


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", "'; DROP TABLE equipment; --", '" OR ""="', "\\' OR 1=1 --", "%' OR '"]
)
def test_sql_is_a_text_like_others(text: str) -> None:
    service.create(values("EQ-1"), "kim")
    assert numbers(Query(text)) == []
    assert numbers(Query(sort=text)) == ["EQ-1"]
    assert numbers(Query(category=text)) == ["EQ-1"]
    named = service.create(values("EQ-2", name=text, owner=text, note=text), text)
    assert numbers(Query(text)) == ["EQ-2"]
    assert service.get(named.id) == named


def test_search_ignores_what_looks_alike() -> None:
    service.create(values("EQ-1", name="CAFÉ \uff34able", owner="İstanbul", note="각도기"), "kim")
    decomposed = "\u1100\u1161\u11a8"  # as macOS writes 각
    wide = "\uff54\uff41\uff42\uff4c\uff45"
    for text in ("café", "cafe\u0301", "TABLE", wide, "eq-1", decomposed, "table café"):
        assert numbers(Query(text)) == ["EQ-1"], text
    assert numbers(Query("café chair")) == []


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Élodie", "e\u0301lodie"),
        ("O\u0308zdemir", "ÖZDEMIR"),
        ("иван", "ИВАН"),
        ("Straße\u200b", "STRASSE"),
        ("a  b", "a\0 b\ud800"),
    ],
)
def test_names_are_found_on_both_databases(stored: str, typed: str) -> None:
    service.create(values("EQ-1", name=stored), "kim")
    service.create(values("EQ-2", name="Chair"), "kim")
    assert numbers(Query(typed)) == ["EQ-1"]


def test_a_change_can_be_found() -> None:
    item = service.create(values(note="old words"), "kim")
    service.change(item, values(note="new words"), "kim")
    assert numbers(Query("old")) == []
    assert numbers(Query("new")) == ["EQ-1"]


def test_search_in_a_category() -> None:
    service.create(values("EQ-1"), "kim")
    service.create(values("EQ-2", category="tool"), "kim")
    assert numbers(Query("laptop", category="tool")) == ["EQ-2"]


@pytest.mark.parametrize("sort", service.SORTS)
def test_every_order_is_complete_and_stable(sort: str) -> None:
    for number in range(7):
        changes = {"name": f"thing {number % 2}", "price": Decimal(number % 3)}
        changes |= {"category": CATEGORIES[number % 2], "owner": "BbAa"[number % 4]}
        service.create(values(f"EQ-{number}", **changes), "kim")
    pages = [service.find(Query(sort=sort), page, 3) for page in (1, 2, 3)]
    up = [item.id for page in pages for item in page.items]
    assert len(set(up)) == 7
    down = service.find(Query(sort=sort, descending=True), 1, 7)
    assert [item.id for item in down.items] == up[::-1]
    if sort in {"asset_no", "price", "category"}:
        column = [getattr(item.values, sort) for page in pages for item in page.items]
        assert column == sorted(column)


def test_pages_that_do_not_exist_are_the_nearest() -> None:
    for number in range(5):
        service.create(values(f"EQ-{number}"), "kim")
    assert service.find(Query(), 99, 2).number == 3
    assert service.find(Query(), -1, 2).number == 1
    page = service.find(Query("nothing"), 3, 2)
    assert (page.items, page.number, page.pages, page.total) == ([], 1, 1, 0)


def test_a_page_reads_no_more_than_its_rows(statements: list[str]) -> None:
    for number in range(12):
        service.create(values(f"EQ-{number:02}"), "kim")
    statements.clear()
    service.find(Query("laptop", sort="name"), 2, 5)
    selects = [text for text in statements if text.lstrip().upper().startswith("SELECT")]
    count, ids, rows = selects
    assert "count(" in count
    assert "LIMIT" in ids
    assert "note" not in ids
    assert rows.count("equipment.note") == 1


def test_every_order_has_an_index() -> None:
    indexes = inspect(get_engine()).get_indexes(Equipment.__tablename__)
    assert {index["column_names"][0] for index in indexes} >= set(service.SORTS) - {"asset_no"}
