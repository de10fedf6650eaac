"""A team adds a language that the chassis does not speak, and removes one: docs/languages.md."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po
from baking import Baker, edit, new_home, run

pytestmark = pytest.mark.timeout(1200)

PACKAGE = "src/my_internal_tool"
USE = """
for number in 1, 2, 5:
    st.caption(ngettext("%(count)s order", "%(count)s orders", number))
"""
ORDERS = ("%(count)s order", "%(count)s orders")
TRANSLATIONS: dict[str, dict[str | tuple[str, str], str | tuple[str, ...]]] = {
    "ja": {
        "Start": "開始",
        "Health": "状態",
        "Language": "言語",
        "User name": "ユーザー名",
        ORDERS: ("注文%(count)s件",),
    },
    "pl": {ORDERS: ("%(count)s zamówienie", "%(count)s zamówienia", "%(count)s zamówień")},
}
TEST = '''
"""What users read in the languages that were added."""

import pytest
from chassis.testing.pages import at, stranger
from streamlit.testing.v1 import AppTest


def test_a_page_is_in_japanese(app: AppTest) -> None:
    app.query_params["lang"] = "ja"
    assert at(app, "start").title[0].value == "開始"
    assert at(app, "health").title[0].value == "状態"
    assert app.selectbox(key="language").label == "言語"
    assert at(app, "account").title[0].value == "Account", "is not translated yet"


@pytest.mark.usefixtures("pages")
def test_so_is_the_sign_in() -> None:
    app = stranger()
    app.query_params["lang"] = "ja"
    assert app.run().text_input[0].label == "ユーザー名"


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["1 order", "2 orders", "5 orders"]),
        ("ja", ["注文1件", "注文2件", "注文5件"]),
        ("pl", ["1 zamówienie", "2 zamówienia", "5 zamówień"]),
    ],
)
def test_each_language_has_its_plurals(app: AppTest, language: str, shown: list[str]) -> None:
    app.query_params["lang"] = language
    assert [caption.value for caption in at(app, "start").main.caption] == shown
'''


def translate(
    project: Path,
    language: str,
    translations: Mapping[str | tuple[str, str], str | tuple[str, ...]],
) -> None:
    """Write translations into a catalogue, as a translator does."""
    path = project / f"{PACKAGE}/locale/{language}/LC_MESSAGES/messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file)
    for text, translation in translations.items():
        message = catalogue.get(text)
        assert message, text
        message.string = translation
    with path.open("wb") as file:
        write_po(file, catalogue)


def make(project: Path, *arguments: str, **env: str) -> str:
    """Run a verb, which must succeed; return what it prints."""
    done = run("make", *arguments, cwd=project, **env)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def test_an_added_language_is_read_on_the_pages_of_both(
    bake: Baker, tmp_path: Path, mypy_cache: dict[str, str]
) -> None:
    project = bake.fresh(tmp_path, starter="blank").path
    env = new_home(tmp_path) | mypy_cache
    page = project / f"{PACKAGE}/pages/start.py"
    edit(page, "import _, current_user, plain", "import _, current_user, ngettext, plain")
    with page.open("a") as file:
        file.write(USE)
    for language, name in {"ja": "日本語", "pl": "polski"}.items():
        printed = make(project, "messages", f"ADD={language}", **env)
        [line] = re.findall("^    (languages=.*),$", printed, re.MULTILINE)
        assert f'"{language}": "{name}"' in line
        app = project / f"{PACKAGE}/app.py"
        app.write_text(re.sub("languages={.*}", line, app.read_text("utf-8")), "utf-8")
        translate(project, language, TRANSLATIONS[language])
    make(project, "messages", **env)
    (project / "tests/test_languages.py").write_text(TEST.lstrip(), "utf-8")
    printed = make(project, "ci", **env)
    for language in ("ja", "pl"):
        assert re.search(rf"^Warning: \d+ texts have no translation in {language}: ", printed, re.M)
    assert "5 passed" in make(project, "test", "ARGS=-q tests/test_languages.py", **env)


def test_a_removed_language_leaves_everything_green(
    bake: Baker, tmp_path: Path, mypy_cache: dict[str, str]
) -> None:
    project = bake.fresh(tmp_path, languages="en,ko").path
    env = new_home(tmp_path) | mypy_cache
    shutil.rmtree(project / f"{PACKAGE}/locale/ko")
    edit(project / f"{PACKAGE}/app.py", ', "ko": "한국어"', "")
    assert "Warning: " not in make(project, "ci", **env)
    make(project, "delete-example", **env)
    assert list((project / f"{PACKAGE}/locale").iterdir()) == []


def test_the_deleted_example_leaves_no_text_behind(bake: Baker, tmp_path: Path) -> None:
    project = bake.fresh(tmp_path, languages="en,ko").path
    make(project, "delete-example", **new_home(tmp_path))
    blank = bake(starter="blank", languages="en,ko").path
    catalogue = f"{PACKAGE}/locale/ko/LC_MESSAGES/messages.po"
    assert (project / catalogue).read_bytes() == (blank / catalogue).read_bytes()
