"""What a request says: its path below APP_BASE_URL, and its headers in whatever spelling."""

import posixpath
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

# By these a browser asks whether what it keeps is still good.
CONDITIONS: Final = (b"if-none-match", b"if-modified-since")


def path_of(scope: Scope, base_path: str) -> str:
    """Return the path of a request below the base path, without detours such as `//` and `..`."""
    path: str = scope["path"]
    return posixpath.normpath("/" + path.removeprefix(base_path).lstrip("/"))


def values(scope: Scope, name: bytes) -> list[bytes]:
    """Return all values of a header, in any spelling."""
    return [value for key, value in scope["headers"] if spelling(key) == spelling(name)]


def without(scope: Scope, names: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the headers but those of these names, in any spelling."""
    dropped = {spelling(name) for name in names}
    return [pair for pair in scope["headers"] if spelling(pair[0]) not in dropped]


def unconditional(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request that must be answered as a whole, not by "not modified"."""
    return without(scope, CONDITIONS)


def spelling(name: bytes) -> bytes:
    """Return the one spelling of a header: programs behind us may take _ for -."""
    return name.lower().replace(b"_", b"-")
