"""An app that a team has already moves into a project, by the steps of docs/streamlit.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from baking import ROOT, Baked, Baker, commit_all, edit, new_home, run
from blocks import blocks_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(2400)

EXISTING = ROOT / "tests/programs/existing_app.py"
SECTION = "Bring an app along"
APP = "src/my_internal_tool/app.py"
PAGE = "src/my_internal_tool/pages/sales.py"

SETTINGS = '''from chassis import Chassis, Page, Settings, _
from pydantic import Field


class OwnSettings(Settings):
    """What can be configured here; the variable is the name in upper case."""

    currency: str = Field(default="KRW", description="What the revenue is counted in.")
'''

# Every part of the app is used once.
TEST = '''"""The sales, as Streamlit runs the page."""

from datetime import date

import pytest
from chassis.testing.pages import at
from streamlit.testing.v1 import AppTest


@pytest.fixture
def sales(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Return the page, counting in euros."""
    monkeypatch.setenv("CURRENCY", "EUR")
    app.run()
    at(app, "sales")
    assert not app.exception
    return app


def test_everything_is_drawn(sales: AppTest) -> None:
    assert sales.title[0].value == "🛒 Store sales"
    assert sales.main.markdown[0].value == "What the stores sold, by day, city and product."
    assert sales.metric[0].value.startswith("EUR ")
    assert len(sales.get("vega_lite_chart")) == 2
    assert len(sales.get("deck_gl_json_chart")) == 1


def test_filters_hold_across_reruns(sales: AppTest) -> None:
    everything = sales.metric[1].value
    sales.sidebar.multiselect[0].set_value(["Seoul"]).run()
    seoul = sales.metric[1].value
    assert seoul != everything
    sales.sidebar.radio[0].set_value("Table").run()
    assert sales.metric[1].value == seoul
    assert set(sales.dataframe[0].value["city"]) == {"Seoul"}
    assert "mean" in sales.dataframe[1].value.index
    sales.sidebar.button[0].click().run()
    assert not sales.exception


def test_a_file_is_offered(sales: AppTest) -> None:
    sales.sidebar.radio[0].set_value("Table").run()
    [button] = sales.get("download_button")
    assert button.proto.label == "Download CSV"


@pytest.mark.parametrize("cities", [["Busan"], []])
def test_a_day_without_sales(sales: AppTest, cities: list[str]) -> None:
    sales.sidebar.multiselect[0].set_value(cities).run()
    sales.sidebar.date_input[0].set_value((date(2026, 6, 30), date(2026, 6, 30))).run()
    assert not sales.exception
    assert [one.value for one in sales.warning] == (
        [] if cities else ["Nothing was sold with these filters."]
    )


def test_targets_are_kept_in_the_tab(sales: AppTest) -> None:
    sales.main.number_input[0].set_value(2500)
    next(one for one in sales.main.button if one.label == "Set target").click().run()
    assert sales.session_state["targets"]["Seoul"] == 2500
    assert sales.toast[0].value == "Target of Seoul: 2500"


def test_a_note_is_sent_by_the_form(sales: AppTest) -> None:
    send = next(one for one in sales.main.button if one.label == "Add note")
    send.click().run()
    assert sales.warning[0].value == "Write something first."
    sales.main.text_area[0].set_value("More tea")
    next(one for one in sales.main.button if one.label == "Add note").click().run()
    assert sales.success[0].value == "Saved."
    assert "📝 **?**: More tea" in [one.value for one in sales.main.markdown]
'''


class Steps:
    """The steps of the document, each of which has to be there as it is done here."""

    def __init__(self, baked: Baked) -> None:
        self.path = baked.path
        text = baked.read("docs/streamlit.md")
        self.section = " ".join(text.partition(f"## {SECTION}\n")[2].split())
        blocks = [block for block in blocks_of("", text) if block.section == SECTION]
        self.ruff, self.mypy = (block.text for block in blocks)

    def step(self, *sentences: str) -> None:
        """Find the words of a step in the document, in their order."""
        for sentence in sentences:
            _before, found, self.section = self.section.partition(sentence)
            assert found, f"docs/streamlit.md does not go on with {sentence!r}"

    def take(self) -> None:
        """Bring the app in."""
        app, page = self.path / APP, self.path / PAGE
        self.step(f"1. Copy it to `{PAGE}`")
        page.write_bytes(EXISTING.read_bytes())
        self.step('2. Name it in the menu of `app.py`, `Page("pages/sales.py", _("Sales"))`')
        listed = "    return [\n"
        edit(app, listed, f'{listed}        Page("pages/sales.py", _("Sales")),\n')
        self.step("Take `st.set_page_config` and `st.navigation` out of it")
        config = 'st.set_page_config(page_title="Store sales", page_icon="🛒", layout="wide")\n\n'
        edit(page, config, "")
        self.step("3. Write `st.write(...)` around what magic has drawn")
        drawn = '"What the stores sold, by day, city and product."'
        edit(page, drawn, f"st.write({drawn})")
        edit(page, "    shown.describe()", "    st.write(shown.describe())")
        self.step("4. Turn what it reads from `st.secrets` into settings")
        edit(app, "from chassis import Chassis, Page, _\n", SETTINGS)
        edit(app, "    menu=menu,\n", "    menu=menu,\n    settings=OwnSettings,\n")
        own = "from my_internal_tool.app import OwnSettings"
        self.step(f"`{own}`, and `OwnSettings.current().currency`")
        edit(page, "import streamlit as st\n", f"import streamlit as st\n{own}\n")
        edit(page, 'st.secrets["currency"]', "OwnSettings.current().currency")
        # pandas and numpy come with Streamlit.
        self.step("5. Add its libraries", "6. Run `make dev`", "declare what the browser refuses")
        cartocdn = '    external_sources=["https://*.cartocdn.com"],\n'
        edit(app, "    menu=menu,\n", f"    menu=menu,\n{cartocdn}")
        self.step("7. Run `make format`", "[tool.ruff.lint.per-file-ignores]")
        pyproject = self.path / "pyproject.toml"
        rules = pyproject.read_text("utf-8").partition("[tool.ruff.lint.per-file-ignores]\n")
        before, yours, after = rules[2].partition("# Yours:\n")
        text = "".join([*rules[:2], before, yours, self.ruff, after, "\n", self.mypy])
        pyproject.write_text(text, encoding="utf-8")
        self.step("8. Write a test that opens the page and uses it", "Then `make ci` is green")
        (self.path / "tests/test_sales.py").write_text(TEST, encoding="utf-8")


def test_an_app_of_one_file_becomes_a_page(bake: Baker, tmp_path: Path) -> None:
    baked = bake.fresh(tmp_path, starter="blank")
    env = new_home(tmp_path)
    commit_all(baked.path)
    Steps(baked).take()
    # Its new setting belongs into the documents.
    for verb in ("format", "reference", "ci"):
        done = run("make", verb, cwd=baked.path, **env)
        assert done.returncode == 0, (verb, done.stdout[-6000:], done.stderr[-3000:])
