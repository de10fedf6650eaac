"""The roles, from the least to the most powerful."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self


class Role(StrEnum):
    """What a user may do; each role includes those before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def includes(self, other: Self) -> bool:
        """Tell whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """Return the roles among `names`; what is no role of ours is left out."""
    known = {role.value: role for role in Role}
    cleaned = (name.strip().lower() for name in names)
    return frozenset(known[name] for name in cleaned if name in known)
