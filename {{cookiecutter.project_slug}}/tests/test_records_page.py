"""The equipment register as its users see it; delete this file together with the example."""

import contextlib
import re
import sqlite3
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import streamlit as st
from chassis import Role
from chassis.testing.databases import get_engine
from chassis.testing.pages import add_user, app_of, at, opened_by, set_roles
from streamlit.testing.v1 import AppTest

from {{cookiecutter.package_name}}.records import service
from {{cookiecutter.package_name}}.records.fields import Values
from {{cookiecutter.package_name}}.records.service import Query

pytestmark = pytest.mark.usefixtures("pages")

LAPTOP = Values("EQ-1", "Laptop", "computer", "Kim", Decimal("1234.50"), date(2026, 1, 31), "")
MARKUP = "**b** :red[r] $x^2$ <script>alert(1)</script> [l](javascript:alert(1)) ![i](x) `c`"


def create(number: str, **changes: Any) -> service.Item:
    return service.create(replace(LAPTOP, asset_no=number, **changes), "kim")


def opened(app: AppTest) -> AppTest:
    app.run()
    return at(app, "records")


def listed(app: AppTest) -> list[str]:
    return list(app.main.dataframe[0].value["asset_no"]) if app.main.dataframe else []


def select(app: AppTest, row: int) -> AppTest:
    """Select a row of the list."""
    _, prefix, rest = app.main.dataframe[0].proto.id.partition("records_table_")
    selection = {"rows": [row], "columns": [], "cells": []}
    app.session_state[prefix + rest] = {"selection": selection}
    return app.run()


def keys_of_buttons(app: AppTest) -> set[str]:
    keys = {str(button.key) for button in app.button}
    return {key for key in keys if key.startswith("records_")}


def stored(number: str = "EQ-1") -> Values:
    (item,) = service.find(Query(number)).items
    return item.values


def test_roles_decide_what_is_offered() -> None:
    create("EQ-1")
    everybody = {"records_history", "records_history_item"}
    edits = {"records_add", "records_import", "records_edit_item"}
    offered = {
        Role.VIEWER: everybody,
        Role.EDITOR: everybody | edits,
        Role.ADMIN: everybody | edits | {"records_delete_item"},
    }
    for role, keys in offered.items():
        app = select(opened(app_of(role)), 0)
        assert keys_of_buttons(app) == keys
        assert len(app.get("download_button")) == 2
        assert not app.exception


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])  # a day apart
def test_the_day_of_the_user_is_proposed(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "timezone", zone)
    app = opened(app_of(Role.EDITOR))
    app.button(key="records_add").click().run()
    assert app.date_input(key="new_bought_on").value == datetime.now(ZoneInfo(zone)).date()


def test_a_thing_is_added() -> None:
    app = opened(app_of(Role.EDITOR))
    assert "The register is empty" in app.info[0].value
    app.button(key="records_add").click().run()
    app.text_input(key="new_asset_no").set_value("eq-7")
    app.text_input(key="new_name").set_value("Lamp")
    app.text_input(key="new_price").set_value("1,200")
    app.selectbox(key="new_category").set_value("furniture")
    app.button(key="new_save").click().run()
    assert not app.exception
    assert stored("EQ-7") == replace(
        stored("EQ-7"), name="Lamp", category="furniture", price=Decimal("1200.00")
    )
    assert service.history()[0].actor == "editor"


def test_what_is_wrong_is_told_and_the_input_kept() -> None:
    create("EQ-1")
    app = opened(app_of(Role.EDITOR))
    app.button(key="records_add").click().run()
    app.text_input(key="new_asset_no").set_value("eq-1")
    app.text_input(key="new_price").set_value("ten")
    app.button(key="new_save").click().run()
    assert "Name must not be empty" in app.error[0].value.replace("\\", "")
    assert "Price must be an amount" in app.error[0].value.replace("\\", "")
    assert app.text_input(key="new_price").value == "ten"
    app.text_input(key="new_price").set_value("10")
    app.text_input(key="new_name").set_value("Lamp")
    app.button(key="new_save").click().run()
    assert "already something with the number EQ-1" in app.error[0].value.replace("\\", "")
    assert app.text_input(key="new_name").value == "Lamp"
    assert stored("EQ-1") == LAPTOP


def edit_form(app: AppTest) -> tuple[AppTest, str]:
    app = select(opened(app), 0)
    app.button(key="records_edit_item").click().run()
    (item,) = service.find(Query("EQ-1")).items
    return app, f"edit_{item.id}_{item.version}"


def test_two_editors_at_once() -> None:
    item = create("EQ-1")
    app, form = edit_form(app_of(Role.EDITOR))
    service.change(item, replace(LAPTOP, price=Decimal("900.00"), note="mine"), "lee")
    app.text_input(key=f"{form}_name").set_value("Big laptop")
    app.text_area(key=f"{form}_note").set_value("yours")
    app.button(key=f"{form}_save").click().run()
    assert not app.exception
    assert "lee has changed this" in app.warning[0].value
    table = app.dataframe[-1].value.set_index("").to_dict("index")
    assert table["Name"] == {
        "Before": "Laptop",
        "Stored now": "Laptop",
        "Yours": "Big laptop",
        "If you save": "Big laptop",
    }
    assert table["Price"]["If you save"] == "900.00"
    assert table["Note"]["Stored now"] == "mine"
    assert table["Note"]["If you save"] == "yours"
    assert stored() == replace(LAPTOP, price=Decimal("900.00"), note="mine")

    app.button(key="records_mine").click().run()
    expected = replace(LAPTOP, name="Big laptop", price=Decimal("900.00"), note="yours")
    assert stored() == expected
    assert service.history()[0].changes["note"] == ["mine", "yours"]


def test_the_second_editor_may_give_way() -> None:
    item = create("EQ-1")
    app, form = edit_form(app_of(Role.EDITOR))
    service.change(item, replace(LAPTOP, name="Theirs"), "lee")
    app.text_input(key=f"{form}_name").set_value("Yours")
    app.button(key=f"{form}_save").click().run()
    app.button(key="records_theirs").click().run()
    assert stored().name == "Theirs"
    assert not app.warning


def test_the_editor_of_what_was_deleted_may_add_it_again() -> None:
    item = create("EQ-1")
    app, form = edit_form(app_of(Role.EDITOR))
    service.delete(item, "lee")
    app.text_input(key=f"{form}_name").set_value("Yours")
    app.button(key=f"{form}_save").click().run()
    assert "deleted this" in app.warning[0].value
    app.button(key="records_again").click().run()
    assert stored().name == "Yours"


def test_deleting_asks_first() -> None:
    create("EQ-1")
    app = select(opened(app_of(Role.ADMIN)), 0)
    app.button(key="records_delete_item").click().run()
    assert stored() == LAPTOP
    app.button(key="records_sure").click().run()
    assert service.find(Query()).total == 0
    assert service.history()[0].actor == "admin"


def test_what_was_changed_meanwhile_is_asked_for_again() -> None:
    item = create("EQ-1")
    app = select(opened(app_of(Role.ADMIN)), 0)
    app.button(key="records_delete_item").click().run()
    service.change(item, replace(LAPTOP, name="Changed"), "lee")
    app.button(key="records_sure").click().run()
    assert "lee has changed this" in app.warning[0].value
    assert stored().name == "Changed"
    app.button(key="records_sure").click().run()
    assert service.find(Query()).total == 0


def test_what_cannot_be_saved_is_kept() -> None:
    create("EQ-1")
    app, form = edit_form(app_of(Role.EDITOR))
    path = get_engine().url.database
    assert path
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # another process writes, and does not end
        app.text_input(key=f"{form}_name").set_value("Big laptop")
        app.button(key=f"{form}_save").click().run()
        assert "this is not saved" in app.error[0].value
        assert app.text_input(key=f"{form}_name").value == "Big laptop"
        assert stored() == LAPTOP
        other.execute("ROLLBACK")
    app.button(key=f"{form}_save").click().run()
    assert stored().name == "Big laptop"
    assert not app.error


def test_a_role_that_was_taken_away_counts_at_once() -> None:
    create("EQ-1")
    editor = add_user(Role.EDITOR)
    app, form = edit_form(opened_by(editor))
    set_roles(editor, Role.VIEWER)
    app.text_input(key=f"{form}_name").set_value("Yours")
    app.button(key=f"{form}_save").click().run()
    assert stored() == LAPTOP
    assert not app.exception


def test_markup_stays_text() -> None:
    item = create("EQ-1", name=MARKUP, owner=MARKUP, note=MARKUP)
    app = select(opened(app_of(Role.ADMIN)), 0)
    app.button(key="records_delete_item").click().run()
    assert MARKUP in app.main.text[0].value  # st.text draws all letters as they are
    service.change(item, replace(item.values, note="x"), MARKUP)
    app.button(key="records_sure").click().run()
    drawn = [*app.markdown, *app.caption, *app.warning, *app.error, *app.info]
    (shown,) = [element.value for element in drawn if "alert" in element.value]
    assert not re.search(r"[*:$<\[\]`!]", re.sub(r"\\.", "", shown))


def test_the_list_is_searched_sorted_and_paged_in_the_database() -> None:
    for number in range(60):
        create(f"EQ-{number:02}", name=f"kind{number % 7}", price=Decimal(number))
    app = opened(app_of(Role.VIEWER))
    assert listed(app) == [f"EQ-{number:02}" for number in range(25)]
    app.pagination[0].set_value(3).run()
    assert listed(app) == [f"EQ-{number:02}" for number in range(50, 60)]
    assert "51 to 60 of 60" in [caption.value for caption in app.main.caption]
    app.text_input(key="records_search").set_value("kind3").run()
    assert len(listed(app)) == 9
    app.selectbox(key="records_sort").set_value("price").run()
    assert listed(app)[0] == "EQ-03"
    app.toggle(key="records_descending").set_value(True).run()
    assert listed(app)[0] == "EQ-59"
    app.selectbox(key="records_category").set_value("tool").run()
    assert "Nothing matches" in app.info[0].value
    at(app, "about")
    at(app, "records")
    assert app.text_input(key="records_search").value == "kind3"
    assert not app.exception


def test_where_nothing_can_be_selected_nothing_says_so() -> None:
    hint = "Select a row to change it."
    app = opened(app_of(Role.EDITOR))
    assert hint not in [caption.value for caption in app.main.caption]
    create("EQ-1")
    app.run()
    assert hint in [caption.value for caption in app.main.caption]


def test_a_selection_never_moves_to_another_thing() -> None:
    create("EQ-2")
    app = select(opened(app_of(Role.ADMIN)), 0)
    assert "records_delete_item" in keys_of_buttons(app)
    create("EQ-1")  # now the first row
    app.run()
    assert listed(app) == ["EQ-1", "EQ-2"]
    assert "records_delete_item" not in keys_of_buttons(app)


def test_the_history_is_shown() -> None:
    item = create("EQ-1")
    service.change(item, replace(LAPTOP, price=Decimal("900.00"), category="tool"), "lee")
    app = select(opened(app_of(Role.VIEWER)), 0)
    app.button(key="records_history_item").click().run()
    newest, first = app.dataframe[-1].value.to_dict("records")
    assert (newest["who"], newest["action"]) == ("lee", "Changed")
    assert newest["changes"] == "Category: Computer → Tool; Price: 1234.50 → 900.00"
    assert (first["who"], first["action"]) == ("kim", "Added")


# --- Import ---------------------------------------------------------------------------------------

HEADING = "Asset no.;Name;Category;Price;Bought on\r\n"


def upload(app: AppTest, content: str, encoding: str = "cp949") -> AppTest:
    if not app.file_uploader:
        app.button(key="records_import").click().run()
    file = ("things.csv", content.encode(encoding), "text/csv")
    return app.file_uploader(key="records_file").set_value(file).run()


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_a_file_is_previewed_then_imported() -> None:
    create("EQ-1")
    rows = "EQ-1;노트북;Computer;1,200.00;2024. 1. 5.\r\nEQ-2;의자;furniture;10;2024-01-05\r\n"
    app = upload(opened(app_of(Role.EDITOR)), HEADING + rows)
    assert "Read as CP949, separated by \\;" in [caption.value for caption in app.caption]
    assert figures(app) == {"New": "1", "Changed": "0", "Unchanged": "0", "Errors": "1"}
    (problem,) = app.dataframe[-1].value.to_dict("records")
    assert (problem["Line"], problem["Column"]) == (2, "Asset no.")
    assert problem["Problem"] == "is in the register already"
    assert "records_carry_out" not in keys_of_buttons(app)

    app.selectbox(key="records_existing").set_value("update").run()
    assert figures(app) == {"New": "1", "Changed": "1", "Unchanged": "0", "Errors": "0"}
    assert service.find(Query()).total == 1
    app.button(key="records_carry_out").click().run()
    assert not app.exception
    assert stored("EQ-1").name == "노트북"
    assert stored("EQ-1").owner == "Kim"
    assert stored("EQ-2").category == "furniture"
    assert not app.get("progress")


def test_a_file_that_is_no_table_is_explained() -> None:
    app = upload(opened(app_of(Role.EDITOR)), "Name;Price\r\na;1\r\n")
    assert "Asset no., Category, Bought on" in app.error[0].value.replace("\\", "")


def test_a_preview_that_is_outdated_is_not_imported() -> None:
    app = upload(opened(app_of(Role.EDITOR)), HEADING + "EQ-1;Lamp;tool;1;2026-01-31\r\n")
    assert figures(app)["New"] == "1"
    create("EQ-1")
    app.button(key="records_carry_out").click().run()
    assert stored() == LAPTOP
    assert figures(app)["Errors"] == "1"
    assert "changed the register since" in app.warning[0].value
