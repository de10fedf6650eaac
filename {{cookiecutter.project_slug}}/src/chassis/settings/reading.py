"""The settings of this process: read once, with one line for each problem."""

import re
from functools import cache

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from . import variables
from .model import Settings, names, settings_class
from .texts import NEW_KEY_COMMANDS, example_of, is_secret
from .variables import SettingsError, Variable, read_variables, unknown_names


def unknown() -> list[str]:
    """Return one line for each variable that is probably a mistyped setting."""
    own = [name for name in names() if name.lower() not in Settings.model_fields]
    return unknown_names(names(), own)


def of_kubernetes() -> list[str]:
    """Return the settings that are not read, as Kubernetes has written something else into them."""
    return variables.of_kubernetes(names())


@cache
def get_settings() -> Settings:
    """Return the settings, read once; a SettingsError has one line for each problem."""
    try:
        settings = settings_class()()
    except ValidationError as error:
        found = read_variables(names())
        lines = [
            _problem(details, found)
            for details in error.errors(include_url=False)
            # A default that depends on a wrong value is not a problem of its own.
            if details["type"] != "default_factory_not_called"
        ]
        # A mistyped name is a likely reason for a missing value, so say it even when not strict.
        lines += [line for line in unknown() if "did you mean" in line]
        raise SettingsError("\n".join(lines)) from None
    if settings.strict_env and (lines := unknown()):
        raise SettingsError("\n".join(lines))
    return settings


def _problem(details: ErrorDetails, variables: dict[str, Variable]) -> str:
    """Write a validation error as one line: name, value, what is wrong, a good example."""
    field = str(details["loc"][0])
    name = field.upper()
    wrong = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if name in NEW_KEY_COMMANDS:
        example = f"make one with: {NEW_KEY_COMMANDS[name]}"
    else:
        example = f"for example {name}={example_of(field)}"
    if name not in variables:
        return f"{name}: {wrong}; {example}"
    value, source = variables[name]
    if value[0] in "'\"" and value[0] == value[-1]:
        wrong += " (remove the quotes)"
    # Not shown: secrets, and what may hold one, such as a URL with a password.
    shown = "" if is_secret(field) or len(value) > 60 or re.search("[@=]", value) else f"{value!r} "
    return f"{name} ({shown}from {source}): {wrong}; {example}"
