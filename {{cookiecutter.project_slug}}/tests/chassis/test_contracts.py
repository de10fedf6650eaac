"""What may touch what, read from the syntax trees of the chassis."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import chassis
import pytest
import streamlit
import uvicorn
from chassis.commands.main import COMMANDS

SOURCES = Path(chassis.__file__).parent


def sources(*excepted: str) -> list[Path]:
    """Return the modules of the chassis."""
    found = [path for path in SOURCES.rglob("*.py") if path.name not in excepted]
    assert len(found) > 100
    return found


# --- Streamlit's private parts --------------------------------------------------------------------

LIBRARIES = {"streamlit": streamlit, "uvicorn": uvicorn}
# Modules that their documentation names, and the messages between server and browser.
DOCUMENTED = (
    "streamlit.column_config.",
    "streamlit.components.",
    "streamlit.connections.",
    "streamlit.delta_generator.",
    "streamlit.proto.",
    "streamlit.testing.v1.",
    "uvicorn.middleware.proxy_headers.",
)
# Documented though they begin with an underscore, so as not to be fields of a named tuple.
NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NAMED_TUPLE


def is_undocumented(name: str) -> bool:
    """Tell whether a name is that of a module of Streamlit or uvicorn that nobody documents."""
    library, *rest = name.split(".")
    if library not in LIBRARIES or not rest or f"{name}.".startswith(DOCUMENTED):
        return False
    # st.cache_data is a function, st.config a module.
    return len(rest) > 1 or isinstance(getattr(LIBRARIES[library], rest[0], None), ModuleType)


def private_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each import of what Streamlit and uvicorn do not promise."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from ((node.lineno, name) for name in names if is_undocumented(name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            library, _dot, below = node.module.partition(".")
            for name in (alias.name for alias in node.names):
                module = node.module if below else f"{library}.{name}"
                if is_undocumented(module) or (library in LIBRARIES and is_private(name)):
                    yield node.lineno, f"{node.module}.{name}"


def private_reads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and expression of each use of an object's private parts.

    A syntax tree does not say whose an attribute is. So nothing with an underscore is read of
    another object, nor by its name as a text, and nobody asks for another object's vars().
    """
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    modules = {alias.asname: alias.name for node in imports for alias in node.names}
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.expr)):
        match node:
            case (
                ast.Attribute(value=ast.Name(id=("self" | "cls")))
                | ast.Attribute(value=ast.Call(func=ast.Name(id="super")))
            ):
                found = False
            case ast.Attribute(value=value, attr=name):
                owner = ast.unparse(value)
                found = is_private(name) or is_undocumented(f"{modules.get(owner, owner)}.{name}")
            case ast.Call(
                func=ast.Name(id=("getattr" | "setattr" | "hasattr" | "delattr")),
                args=[_, ast.Constant(value=str(name)), *_],
            ):
                found = is_private(name)
            case ast.Call(func=ast.Name(id="vars"), args=[_]):
                found = True
            case _:
                found = False
        if found:
            yield node.lineno, ast.unparse(node)


def private_uses(source: str) -> list[tuple[int, str]]:
    """Return line and name of each use of what Streamlit and uvicorn do not promise."""
    tree = ast.parse(source)
    return [*private_imports(tree), *private_reads(tree)]


@pytest.mark.parametrize(
    "line",
    [
        "import streamlit.runtime",
        "import streamlit.runtime.scriptrunner as runner",
        "from streamlit import config",
        "from streamlit import st, runtime",
        "from streamlit.runtime import Runtime",
        "from streamlit.runtime.scriptrunner import get_script_run_ctx",
        "from streamlit.connections import _private",
        "from uvicorn.config import LOGGING_CONFIG",
        "import streamlit as st; st.runtime.Runtime",
        "import streamlit as st; print(st._main)",
        "runtime.instance()._session_mgr",
        "getattr(runtime, '_session_mgr', None)",
        "setattr(app, '_page_hash', '')",
        "vars(files)['execute_deferred'] = None",
        "def f():\n    from streamlit.web.cli import main",
    ],
)
def test_a_private_part_is_found(line: str) -> None:
    assert private_uses(line)


@pytest.mark.parametrize(
    "line",
    [
        "import streamlit as st; st.session_state",
        "from streamlit import cache_data, __version__",
        "from streamlit.testing.v1 import AppTest",
        "from streamlit.proto.ForwardMsg_pb2 import ForwardMsg",
        "import streamlit as st; st.column_config.TextColumn; st.components.v1",
        "import uvicorn; uvicorn.Server; uvicorn.__version__",
        "from .streamlit_private import session_id",
        "from . import _private",
        "self._own + cls._own + super()._own",
        "url._replace(password=None)",
    ],
)
def test_what_is_documented_is_allowed(line: str) -> None:
    assert private_uses(line) == []


def test_streamlits_private_parts_are_touched_in_one_module() -> None:
    """All may use `st.*` and the modules that are DOCUMENTED; the rest is for streamlit_private.py.

    The protobuf messages are the protocol between server and browser, as public as HTTP is to a
    proxy: `server/session_traffic.py` reads it, and `loadtest` and `smoke` speak it.
    Only `kept.py` may write into foreign objects, too.
    """
    found = [
        f"{path.relative_to(SOURCES)}:{line}: {name}"
        for path in sources("streamlit_private.py", "kept.py")
        for line, name in private_uses(path.read_text(encoding="utf-8"))
    ]
    assert found == []


# --- Commands in messages -------------------------------------------------------------------------


def bare_commands(code: str) -> list[tuple[int, str]]:
    """Return line and text of each message that names a command without the program before it."""
    # "its": that of another version, whose program is elsewhere.
    command = re.compile(f"(?<! its )`({'|'.join(COMMANDS)})( |`|$)")
    said = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Raise | ast.Return))
    texts = (
        node
        for statement in said
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return [(text.lineno, text.value) for text in texts if command.search(text.value)]


def test_messages_name_commands_as_they_are_typed() -> None:
    """A command is in `.venv/bin`, or where the operator has put it: `command_line` knows."""
    assert bare_commands('raise Error(f"no backups: run `backup create`")')
    assert not bare_commands('raise Error(f"no backups: run `{command} backup create`")')
    found = [
        f"{path.relative_to(SOURCES)}:{line}: {text}"
        for path in sources()
        for line, text in bare_commands(path.read_text(encoding="utf-8"))
    ]
    assert found == []
