"""What outlives a hot reload, and what is noted on the objects of others: nowhere else.

While developing, Streamlit forgets the modules of the project and of the chassis when one of their
files changes, and the next run imports them again. What may exist only once in a process, such as
the engine of a database, is kept in a module without a file, which Streamlit never forgets.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, TypeVar

T = TypeVar("T")

# Not below `chassis`: with a module Streamlit forgets all whose names begin with its name.
HOME: Final = "kept_by_chassis"


def in_process(name: str, make: Callable[[], T]) -> T:
    """Return what this process keeps under a name; the first call makes it."""
    return _kept(vars(sys.modules.setdefault(HOME, ModuleType(HOME))), name, make)


def on(owner: object, name: str, make: Callable[[], T]) -> T:
    """Return what is kept for an object as long as that lives; the first call makes it.

    On the object itself: errors cannot be the keys of a WeakKeyDictionary.
    """
    return _kept(vars(owner), f"_chassis_{name}", make)


def _kept(values: dict[str, Any], name: str, make: Callable[[], T]) -> T:
    if name not in values:
        values.setdefault(name, make())  # atomic: of two threads at once, one wins
    value: T = values[name]
    return value
