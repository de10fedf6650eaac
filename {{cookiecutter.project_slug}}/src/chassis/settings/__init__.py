"""The settings: all other modules call `get_settings()`, and none reads the environment."""

from .model import Settings, names, settings_class
from .reading import get_settings, of_kubernetes, unknown
from .texts import (
    MASK,
    NEW_ENCRYPTION_KEY_COMMAND,
    NEW_KEY_COMMAND,
    NEW_KEY_COMMANDS,
    as_text,
    default_of,
    default_text,
    example_of,
    is_secret,
    sources,
)
from .variables import SettingsError

__all__ = [
    "MASK",
    "NEW_ENCRYPTION_KEY_COMMAND",
    "NEW_KEY_COMMAND",
    "NEW_KEY_COMMANDS",
    "Settings",
    "SettingsError",
    "as_text",
    "default_of",
    "default_text",
    "example_of",
    "get_settings",
    "is_secret",
    "names",
    "of_kubernetes",
    "settings_class",
    "sources",
    "unknown",
]
