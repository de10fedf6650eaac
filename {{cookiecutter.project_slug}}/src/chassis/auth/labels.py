"""What a provider or a proxy calls roles and groups, and what they are called here."""

from collections.abc import Collection
from typing import Final

from ..logs import get_logger
from ..settings import get_settings
from .groups import parse_groups
from .roles import parse_roles

LOGGED: Final = 20  # names a line; some users have hundreds

log = get_logger(__name__)


def names_of(value: object) -> list[str]:
    """Return our names for the roles and groups of a claim or a header.

    Providers send a list, a text with commas, or an object whose keys are the names. AUTH_NAME_MAP
    translates them; what is not in it stays as it is.
    """
    match value:
        case str():
            names = value.split(",")
        case dict() | list() | tuple():
            names = [name for name in value if isinstance(name, str)]
        case _:
            names = []
    translated = get_settings().auth_name_map
    return [translated.get(name.strip(), name.strip()) for name in names]


def log_unknown(names: Collection[str]) -> None:
    """Write a line about names that are neither a role nor a group here, if there are any."""
    unknown = sorted({name for name in names if not parse_roles([name]) | parse_groups([name])})
    if unknown:
        log.info(
            "a sign-in came with names that are no role or group here; AUTH_NAME_MAP translates",
            names=unknown[:LOGGED],
            count=len(unknown),
        )
