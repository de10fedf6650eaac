"""The translations are complete, and no text passes them by.

The texts are looked for in the source: a test that looks at drawn pages would miss the error
messages. If your app speaks English only, remove the other language from i18n.LANGUAGES and from
locale/; these tests then ask for nothing.
"""

import ast
import gettext
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from chassis import i18n
from streamlit.delta_generator import DeltaGenerator

PACKAGE = Path(i18n.__file__).parent
SCRIPTS = [PACKAGE / "main.py", *sorted((PACKAGE / "views").glob("*.py"))]
TRANSLATIONS = [language for language in i18n.LANGUAGES if language != "en"]

# Parameters of Streamlit's functions whose text the user reads.
SHOWN = {
    "alt",
    "args",  # of st.write(*args)
    "body",
    "caption",
    "captions",
    "delta_description",
    "help",
    "label",
    "message",
    "options",
    "page_title",
    "placeholder",
    "show_spinner",
    "tabs",
    "text",
    "title",
    "x_label",
    "y_label",
}
# Names that are the same in all languages.
ALLOWED = {"Python", "Streamlit"}
# What reads like a text wherever it stands: a capitalised word, or two words.
CODE = re.compile(r"[YMDHms: -]+|<style>.*</style>")  # formats of dates; CSS
PROSE = re.compile(r"[A-Z][a-z]+|.*[A-Za-z]{2,} [A-Za-z]{2,}.*", re.DOTALL)


def catalogue(language: str) -> Catalog:
    path = i18n.LOCALE_DIR / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


def translated(catalog: Catalog) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalog if message.id}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_catalogue_has_exactly_the_texts_of_the_source(language: str) -> None:
    texts = {message for _file, _line, message, *_rest in extract_from_dir(PACKAGE)}
    assert set(translated(catalogue(language))) == texts, "run `make messages`"


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_text_is_translated(language: str) -> None:
    messages = [message for message in catalogue(language) if message.id]
    missing = [message.id for message in messages if not message.string or message.fuzzy]
    assert messages
    assert not missing, f"translate these in locale/{language}, then run `make messages`"


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_translations_keep_the_placeholders(language: str) -> None:
    for text, translation in translated(catalogue(language)).items():
        assert sorted(re.findall(r"%\(\w+\)\w", text)) == sorted(
            re.findall(r"%\(\w+\)\w", translation)
        )


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_compiled_catalogue_is_up_to_date(language: str) -> None:
    compiled = gettext.translation("messages", i18n.LOCALE_DIR, [language])
    for text, translation in translated(catalogue(language)).items():
        assert compiled.gettext(text) == translation, "run `make messages`"


def test_text_outside_of_a_session_is_in_the_language_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APP_LANGUAGE", "ko")
    assert i18n.current_language() == "ko"
    assert i18n._("Home") == "홈"


def test_text_without_translation_stays_as_it_is() -> None:
    assert i18n._("No such text") == "No such text"
    assert i18n._("100 %") == "100 %"
    assert i18n._("%(count)s new", count=3) == "3 new"


# --- Texts that are not translated ----------------------------------------------------------------


def untranslated(source: str) -> list[str]:
    """Return the texts of a script that the user could read and that are not inside `_()`."""
    tree = ast.parse(source)
    skipped = {id(part) for node in ast.walk(tree) for part in not_shown(node)}
    suspects = {id(part): part for node in ast.walk(tree) for part in shown_arguments(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and PROSE.fullmatch(str(node.value)):
            suspects[id(node)] = node
    return [
        node.value
        for key, node in suspects.items()
        if key not in skipped
        and isinstance(node.value, str)
        and re.search("[^\\W\\d_]", re.sub(":[a-z/_-]+:", "", node.value))  # a letter, no icon
        and node.value not in ALLOWED
        and not CODE.fullmatch(node.value)
    ]


def strings(node: ast.AST) -> Iterator[ast.Constant]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Constant))


def not_shown(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings that are translated or not for users: log messages, docstrings, keys."""
    if isinstance(node, ast.Call):
        if ast.unparse(node).startswith(("_(", "log.", "logger.", "get_logger(")):
            yield from strings(node)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    elif isinstance(node, ast.Dict):
        yield from (key for key in node.keys if isinstance(key, ast.Constant))
    elif isinstance(node, ast.Subscript):
        yield from strings(node.slice)


def shown_arguments(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings in those arguments of a Streamlit function that are drawn."""
    function = streamlit_function(name_of(node)) if isinstance(node, ast.Call) else None
    if function is None or not isinstance(node, ast.Call):
        return
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    if names[:1] == ["args"]:
        names = ["args"] * len(node.args)
    arguments = [*zip(names, node.args, strict=False)]
    arguments += [(word.arg, word.value) for word in node.keywords if word.arg]
    for name, value in arguments:
        if name in SHOWN:
            yield from strings(value)


def name_of(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def streamlit_function(name: str) -> Callable[..., object] | None:
    places = (DeltaGenerator, st.column_config, st)
    found = (getattr(place, name) for place in places if hasattr(place, name))
    return next((function for function in found if callable(function)), None)


@pytest.mark.skipif(not TRANSLATIONS, reason="the app speaks one language")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
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
        'st.metric("Python", "3.13", border=True)',
        'st.button(_("Save"), icon=":material/save:", key="save", type="primary")',
        'st.info(":material/info:")',
        'st.Page("views/home.py", title=_("Home"), icon=":material/home:")',
        'st.date_input(_("Day"), format="YYYY-MM-DD")',
        'frame["Unit price"]',
        '"""Draw the page."""',
        'log.warning("no data today")',
        'get_logger(__name__).exception("no data today")',
    ],
)
def test_check_leaves_other_strings_alone(source: str) -> None:
    assert untranslated(source) == []
