"""Whether the translations of a package are complete, and no text of a page passes them by.

The texts are looked for in the source: a test that looks at drawn pages would miss the error
messages. It needs Babel, which an app does not.
"""

import ast
import gettext
import inspect
import re
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Final

import streamlit as st
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from streamlit.delta_generator import DeltaGenerator

# Parameters of Streamlit's functions whose text the user reads.
SHOWN: Final = {
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
ALLOWED: Final = {"Python", "Streamlit"}
# What reads like a text wherever it stands: a capitalised word, or two words.
CODE: Final = re.compile(r"[YMDHms: -]+|<style>.*</style>")  # formats of dates; CSS
PROSE: Final = re.compile(r"[A-Z][a-z]+|.*[A-Za-z]{2,} [A-Za-z]{2,}.*", re.DOTALL)
PLACEHOLDER: Final = re.compile(r"%\(\w+\)\w")


def problems(package: Path) -> list[str]:
    """Return what is wrong with the translations in a package, one line each.

    First run `make messages`, then translate what is left.
    """
    texts = {message for _file, _line, message, *_rest in extract_from_dir(package)}
    found = []
    for path in sorted(package.glob("locale/*/LC_MESSAGES/messages.po")):
        language = path.parts[-3]
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        compiled = gettext.translation("messages", package / "locale", [language], fallback=True)
        found += [
            f"{language}: {problem}: {text!r}"
            for text, problem in _problems(texts, catalogue, compiled)
        ]
    return found


def _problems(
    texts: Set[object], catalogue: Catalog, compiled: gettext.NullTranslations
) -> Iterator[tuple[object, str]]:
    messages = {message.id: message for message in catalogue if message.id}
    for text in sorted(texts - messages.keys(), key=str):
        yield text, "is not in the catalogue"
    for text, message in messages.items():
        translation = str(message.string)
        if text not in texts:
            yield text, "is no longer in the code"
        elif not translation or message.fuzzy:
            yield text, "is not translated"
        elif sorted(PLACEHOLDER.findall(str(text))) != sorted(PLACEHOLDER.findall(translation)):
            yield text, "has other placeholders in its translation"
        elif compiled.gettext(str(text)) != translation:
            yield text, "is not compiled"


def untranslated(source: str) -> list[str]:
    """Return the texts of a script that the user could read and that are not inside `_()`."""
    tree = ast.parse(source)
    skipped = {id(part) for node in ast.walk(tree) for part in _not_shown(node)}
    suspects = {id(part): part for node in ast.walk(tree) for part in _shown_arguments(node)}
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


def _strings(node: ast.AST) -> Iterator[ast.Constant]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Constant))


def _not_shown(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings that are translated or not for users: log messages, docstrings, keys."""
    if isinstance(node, ast.Call):
        if ast.unparse(node).startswith(("_(", "log.", "logger.", "get_logger(")):
            yield from _strings(node)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    elif isinstance(node, ast.Dict):
        yield from (key for key in node.keys if isinstance(key, ast.Constant))
    elif isinstance(node, ast.Subscript):
        yield from _strings(node.slice)


def _shown_arguments(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings in those arguments of a Streamlit function that are drawn."""
    function = _streamlit_function(_name_of(node)) if isinstance(node, ast.Call) else None
    if function is None or not isinstance(node, ast.Call):
        return
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    if names[:1] == ["args"]:
        names = ["args"] * len(node.args)
    arguments = [*zip(names, node.args, strict=False)]
    arguments += [(word.arg, word.value) for word in node.keywords if word.arg]
    for name, value in arguments:
        if name in SHOWN:
            yield from _strings(value)


def _name_of(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _streamlit_function(name: str) -> Callable[..., object] | None:
    places = (DeltaGenerator, st.column_config, st)
    found = (getattr(place, name) for place in places if hasattr(place, name))
    return next((function for function in found if callable(function)), None)
