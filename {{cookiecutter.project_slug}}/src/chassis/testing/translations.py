"""Whether a text of a page passes the translations by: `make messages` does not see it then.

The texts are looked for in the source: a test that looks at drawn pages would miss the error
messages.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Final

import streamlit as st
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
# Methods whose first argument is a key.
LOOKUPS: Final = {"get", "pop", "setdefault"}
# What reads like a text wherever it stands: a capitalised word, or two words.
CODE: Final = re.compile(  # formats of dates; CSS; JavaScript
    r"[YMDHms: -]+|<style>.*</style>|<script>.*</script>", re.DOTALL
)
# Calls whose texts are translated, or for logs and developers.
NOT_FOR_USERS: Final = ("_(", "ngettext(", "log.", "logger.", "get_logger(", "ValueError(")
PROSE: Final = re.compile(r"[A-Z][a-z]+|.*[A-Za-z]{2,} [A-Za-z]{2,}.*", re.DOTALL)


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
        if ast.unparse(node).startswith(NOT_FOR_USERS):
            yield from _strings(node)
        elif _name_of(node) in LOOKUPS and node.args:
            yield from _strings(node.args[0])
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
