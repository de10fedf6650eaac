"""Attacks on the records page, over websockets against the running application."""

import asyncio
import csv
import dataclasses
import io
import re
from datetime import date
from decimal import Decimal

from chassis.testing.sites import MARKUP, Site
from streamlit.proto.BackMsg_pb2 import BackMsg

from {{cookiecutter.package_name}}.records import service
from {{cookiecutter.package_name}}.records.fields import Values

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "=cmd|' /C calc'!A0"]
VALUES = Values(
    asset_no="A-1",
    name="Lamp",
    category="other",
    owner="",
    price=Decimal("1.00"),
    bought_on=date(2026, 1, 1),
    note="",
)


def test_search_and_sort_are_no_sql(site: Site) -> None:
    service.create(VALUES, "test")
    visitor = site.signed_in(site.add("searcher"))

    async def visit() -> None:
        async with visitor.tab() as tab:
            await tab.open("records")
            assert list(tab.elements("dataframe"))
            sort = tab.find("selectbox", "Sort by").id
            for text in (
                "' OR '1'='1",
                "L%p",
                "L_mp",
                "'; DROP TABLE equipment; --",
                "\\' OR 1=1 #",
            ):
                await tab.fill("records", Search=text)
                assert not list(tab.elements("dataframe")), text
                assert not list(tab.elements("exception"))
            for text in ("name; DROP TABLE equipment", "(SELECT password_hash FROM chassis_users)"):
                message = BackMsg()
                message.rerun_script.page_name = "records"
                state = message.rerun_script.widget_states.widgets.add()
                state.id, state.string_value = sort, text
                await tab.tab.send(message)
                await tab.tab.finished()
                assert "argon2id" not in tab.text()
            await tab.fill("records", Search="Lamp")
            assert list(tab.elements("dataframe"))

    asyncio.run(visit())
    assert service.find(service.Query("Lamp")).total == 1


def test_no_text_of_a_record_is_markdown_or_a_formula(site: Site) -> None:
    for number, text in enumerate([MARKUP, *FORMULAS]):
        text = text.strip()
        number_text = f"{text[:30]}{number}"
        service.create(
            dataclasses.replace(VALUES, asset_no=number_text, name=text, owner=text, note=text),
            "test",
        )
    visitor = site.signed_in(site.add("exporter"))

    async def visit() -> str:
        async with visitor.tab() as tab:
            await tab.open("records")
            for element in tab.elements("markdown"):
                assert not re.search(r"(?<!\\)(<img|\*\*b|\]\(java)", element.markdown.body)
            buttons = [element.download_button for element in tab.elements("download_button")]
            label = next(button.label for button in buttons if "CSV" in button.label)
            return visitor.get(await tab.made_later(label)).text

    rows = list(csv.reader(io.StringIO(asyncio.run(visit()).lstrip("\ufeff"))))
    assert len(rows) >= 1 + 1 + len(FORMULAS)
    cells = [cell for row in rows[1:] for cell in row]
    assert any("onerror" in cell for cell in cells)
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}]
