"""The groups of users: labels that app.py names, and that an administrator or a provider gives."""

from collections.abc import Iterable

from .. import project
from ..i18n import _


def parse_groups(names: Iterable[str]) -> frozenset[str]:
    """Return the groups among `names`; what app.py does not name is left out."""
    return frozenset(project.current().groups).intersection(name.strip() for name in names)


def group_names(groups: Iterable[str]) -> str:
    """Return what users call these groups, in their language."""
    return ", ".join(sorted(map(_, groups)))
