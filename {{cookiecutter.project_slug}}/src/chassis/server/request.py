"""What a request says: its path below APP_BASE_URL, and its headers in whatever spelling."""

import posixpath
from collections.abc import Iterable

from starlette.types import Scope


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


def spelling(name: bytes) -> bytes:
    """Return the one spelling of a header: programs behind us may take _ for -."""
    return name.lower().replace(b"_", b"-")
