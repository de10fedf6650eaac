"""What only a browser can do on the equipment page; delete this file together with it."""

import contextlib
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from chassis.testing.browser import Tab
from playwright.sync_api import Error, FilePayload, Locator, expect

pytestmark = pytest.mark.browser

MARKUP = "**b** :red[r] $x$ <img src=x onerror=alert(1)> [l](https://example.com) ![i](/x.png)"
ROW = 35  # pixels of a row of the table


def dialog(tab: Tab) -> Locator:
    return tab.page.get_by_role("dialog")


def open_list(tab: Tab, search: str, expected: str = "Nothing matches") -> None:
    """Show what matches."""
    tab.open("/records?lang=en")
    field = tab.page.get_by_label("Search", exact=True)
    field.fill(search)
    field.press("Enter")
    tab.page.get_by_text(expected).first.wait_for()
    tab.wait()


def click_table(tab: Tab, row: int, x: int, result: Locator) -> None:
    """Click into a row of the list, 0 is the heading, until there is the result.

    The table takes no clicks for a moment after it was drawn.
    """
    table = tab.page.get_by_test_id("stMain").get_by_test_id("stDataFrame").first
    for _attempt in range(3):
        table.click(position={"x": x, "y": ROW * row + ROW // 2})
        with contextlib.suppress(Error):
            result.wait_for(timeout=5000)
            return
    result.wait_for()


def select(tab: Tab) -> None:
    """Select the first row by its box."""
    click_table(tab, 1, 16, tab.page.get_by_role("button", name="History of this"))


def fill(tab: Tab, **texts: str) -> None:
    for label, text in texts.items():
        dialog(tab).get_by_label(label.replace("_", " "), exact=True).fill(text)


def press(tab: Tab, name: str) -> None:
    tab.page.get_by_role("button", name=name, exact=True).click()


def add(tab: Tab, number: str, name: str) -> None:
    press(tab, "Add")
    dialog(tab).get_by_label("Asset no.", exact=True).fill(number)
    fill(tab, Name=name, Price="10")
    press(tab, "Save")
    expect(dialog(tab)).to_have_count(0)
    tab.wait()


def start_editing(tab: Tab) -> None:
    select(tab)
    press(tab, "Edit")
    dialog(tab).get_by_label("Name", exact=True).wait_for()


def test_two_editors_at_once(new_tab: Callable[..., Tab]) -> None:
    number = f"T-{secrets.token_hex(4).upper()}"
    first, second = new_tab(user="editor"), new_tab(user="admin")
    open_list(first, number)
    add(first, number, MARKUP)
    expect(first.page.get_by_text(f"Added {number}.")).to_be_visible()
    for tab in (first, second):
        open_list(tab, number, "1 to 1 of 1")
        start_editing(tab)
    fill(first, Price="20", Owner="Kim")
    press(first, "Save")
    expect(dialog(first)).to_have_count(0)

    fill(second, Price="30", Note="Lee")
    press(second, "Save")
    expect(dialog(second).get_by_text("editor has changed this")).to_be_visible()
    second.shot("records-conflict")
    press(second, "Save mine over it")
    expect(dialog(second)).to_have_count(0)

    open_list(first, number, "1 to 1 of 1")
    select(first)
    expect(first.page.get_by_text(f"{number}, {MARKUP}", exact=True)).to_be_visible()
    press(first, "Edit")
    for label, text in {"Price": "30.00", "Owner": "Kim", "Note": "Lee", "Name": MARKUP}.items():
        expect(dialog(first).get_by_label(label, exact=True)).to_have_value(text)
    second.wait()
    select(second)
    press(second, "Delete")
    expect(dialog(second).get_by_text("Delete this?")).to_be_visible()
    dialog(second).get_by_role("button", name="Delete").click()
    expect(dialog(second)).to_have_count(0)
    expect(second.page.get_by_text("Nothing matches")).to_be_visible()

    press(first, "Save")  # nothing was changed, but there is nothing any more
    expect(dialog(first).get_by_text("Somebody deleted this")).to_be_visible()
    for tab in (first, second):
        tab.check()


def test_a_file_is_imported_and_exported(new_tab: Callable[..., Tab]) -> None:
    prefix = secrets.token_hex(4).upper()
    rows = [f"{prefix}-{n:04};=1+{n};도구;{n}.50;2026. 1. 31.\r\n" for n in range(1200)]
    content = "Asset no.;Name;Category;Price;Bought on\r\n" + "".join(rows).replace("도구", "Tool")
    tab = new_tab(user="editor")
    open_list(tab, prefix)
    press(tab, "Import CSV")
    file: FilePayload = {
        "name": "a.csv",
        "mimeType": "text/csv",
        "buffer": content.encode("cp949"),
    }
    dialog(tab).locator("input[type=file]").set_input_files(files=[file])
    press(tab, "Import 1200 rows")
    expect(tab.page.get_by_text("Imported 1200 rows.")).to_be_visible()
    expect(dialog(tab)).to_have_count(0)
    expect(tab.page.get_by_text("1 to 25 of 1,200")).to_be_visible()

    # A click on the heading of the numbers sorts backwards.
    backwards = tab.page.locator("[aria-label='Descending'][aria-checked=true], input:checked")
    click_table(tab, 0, 60, backwards.first)
    tab.wait()
    with tab.page.expect_download() as download:
        press(tab, "CSV")
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1201
    assert lines[1].startswith(f'"{prefix}-1199","\'=1+1199","Tool",')
    with tab.page.expect_download() as download:
        press(tab, "Excel")
    assert Path(download.value.path()).read_bytes().startswith(b"PK")
    tab.check()


def test_the_unsafe_download_of_the_table_is_not_offered(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab(user="editor")
    number = f"T-{secrets.token_hex(4).upper()}"
    open_list(tab, number)
    add(tab, number, "Lamp")
    table = tab.page.get_by_test_id("stDataFrame").first
    table.hover()
    tab.page.get_by_role("button", name="Search").first.wait_for()
    expect(tab.page.locator("button[aria-label*='as CSV']")).to_be_hidden()
    tab.check()


def test_a_phone_can_add(new_tab: Callable[..., Tab]) -> None:
    tab = new_tab(390, user="editor", has_touch=True, color_scheme="dark")
    number = f"T-{secrets.token_hex(4).upper()}"
    open_list(tab, number)
    add(tab, number, "Lamp")
    start_editing(tab)
    tab.shot("records-edit-phone")
    tab.check()
