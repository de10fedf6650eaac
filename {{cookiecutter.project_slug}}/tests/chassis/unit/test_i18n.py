"""Which text a user reads: that of the project's translations, else that of the chassis'."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chassis import i18n
from chassis.testing.pages import at
from chassis.testing.translations import untranslated
from streamlit.testing.v1 import AppTest

CHASSIS = Path(i18n.__file__).parent
# What is asked for at each call, because users and tests differ.
FROZEN = re.compile(r"(^|\.)(_|ngettext|get_settings)$")
SCRIPTS = [*sorted(CHASSIS.glob("ui/*.py")), *sorted(CHASSIS.glob("pages/*.py"))]


@pytest.fixture
def korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_LANGUAGE", "ko")


@pytest.mark.usefixtures("korean")
def test_text_outside_of_a_session_is_in_the_language_of_the_settings() -> None:
    assert i18n.current_language() == "ko"
    assert i18n._("Health") == "시스템 상태"


@pytest.mark.usefixtures("korean")
def test_the_project_is_asked_before_the_chassis() -> None:
    assert i18n._("Notes") == "메모"  # the chassis does not have it
    assert i18n._("Add") == "적어 두기"  # the chassis calls it 추가


def test_a_page_has_the_texts_of_both(app: AppTest) -> None:
    app.query_params["lang"] = "ko"
    assert at(app, "start").title[0].value == "시작"
    assert at(app, "health").title[0].value == "시스템 상태"


def test_text_without_translation_stays_as_it_is() -> None:
    assert i18n._("No such text") == "No such text"
    assert i18n._("100 %") == "100 %"
    assert i18n._("%(count)s new", count=3) == "3 new"


@pytest.mark.parametrize(("count", "text"), [(0, "0 notes"), (1, "1 note"), (2, "2 notes")])
def test_a_text_without_translation_has_the_plural_of_english(count: int, text: str) -> None:
    assert i18n.ngettext("%(count)s note", "%(count)s notes", count) == text


# --- Texts that are translated once and for all ---------------------------------------------------


def at_import(node: ast.AST) -> Iterator[int]:
    """Yield the lines that ask for a text or for the settings when a module is imported."""
    if isinstance(node, ast.Call) and FROZEN.search(ast.unparse(node.func)):
        yield node.lineno
    later: list[ast.AST] = []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        later = [*node.body]
    elif isinstance(node, ast.Lambda):
        later = [node.body]
    for child in ast.iter_child_nodes(node):
        if child not in later:
            yield from at_import(child)


def test_no_module_of_the_chassis_asks_for_language_or_settings_at_import() -> None:
    """It would show all users the texts of one, and all tests the settings of the first."""
    found = [
        f"{module.relative_to(CHASSIS)}:{line}"
        for module in sorted(CHASSIS.rglob("*.py"))
        for line in at_import(ast.parse(module.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('NAME = _("Name")', True),
        ('NAMES = {"a": [i18n._("Name")]}', True),
        ('NAME = ngettext("%(count)s note", "%(count)s notes", 2)', True),
        ("settings = get_settings()", True),
        ("settings = config.get_settings().app_name", True),
        ('class Page:\n    title = _("Title")', True),
        ('if DEBUG:\n    print(_("Title"))', True),
        ('def draw(title=_("Title")): pass', True),
        ('async def draw(*, title=_("Title")): pass', True),
        ('@cached(label=_("Loading"))\ndef load(): pass', True),
        ('draw = lambda title=_("Title"): title', True),
        ('def draw():\n    return _("Title")', False),
        ("async def draw():\n    get_settings()", False),
        ('class Page:\n    def draw(self):\n        return _("Title")', False),
        ('title = lambda: _("Title")', False),
        ("get_settings.cache_clear()", False),
    ],
)
def test_what_runs_at_import_is_told_from_what_runs_later(source: str, found: bool) -> None:
    assert bool([*at_import(ast.parse(source))]) == found


# --- Texts that are not translated ----------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_scripts_show_no_untranslated_text(script: Path) -> None:
    assert untranslated(script.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'st.title("sales")',
        'st.write(1, "sales")',
        'st.write(f"{total} sales")',
        'column.metric("sales", 1)',
        'st.button(_("Save"), help="saves")',
        'st.selectbox(_("Region"), ["north", "south"])',
        'st.column_config.TextColumn("name")',
        'st.Page("views/home.py", title="start")',
        'st.toast("saved" if ok else _("Failed"))',
        '@st.cache_data(show_spinner="loading")\ndef load(): pass',
        'text = "No orders"\nst.write(text)',
        'LABELS = {"north": "North"}',
        'st.title("매출")',
    ],
)
def test_check_finds_untranslated_text(source: str) -> None:
    assert untranslated(source)


@pytest.mark.parametrize(
    "source",
    [
        'st.title(_("Sales"))',
        'st.write(_("%(n)s sales", n=3))',
        'st.write(ngettext("%(count)s sale", "%(count)s sales", 3))',
        'st.metric("Python", "3.13", border=True)',
        'st.button(_("Save"), icon=":material/save:", key="save", type="primary")',
        'st.info(":material/info:")',
        'st.Page("views/home.py", title=_("Home"), icon=":material/home:")',
        'st.date_input(_("Day"), format="YYYY-MM-DD")',
        'frame["Unit price"]',
        '"""Draw the page."""',
        'log.warning("no data today")',
        'get_logger(__name__).exception("no data today")',
        'st.write(st.session_state.get("orders", []))',
    ],
)
def test_check_leaves_other_strings_alone(source: str) -> None:
    assert untranslated(source) == []
