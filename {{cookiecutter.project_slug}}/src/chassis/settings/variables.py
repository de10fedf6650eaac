"""Where the values of the settings are written: the environment, secret files, .env files.

Strongest first: environment, secret files (NAME_FILE, $CREDENTIALS_DIRECTORY/NAME,
/run/secrets/NAME), .env.<APP_ENV>, .env. An empty value counts as not set. Relative names are those
of files in the folder of the project.
"""

import difflib
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, get_args

from dotenv.parser import parse_stream

from .. import project
from ..errors import ExplainedError
from .types import Environment

SECRET_FILES = Path("/run/secrets")

# Set by tests: a developer's .env and secret files count for the app, and not for them.
ENVIRONMENT_ONLY: Final = "CHASSIS_ENVIRONMENT_ONLY"

# A name that begins like ours and is not known is a typing error.
OWN_PREFIXES = (
    "ALLOWED_",
    "APP_",
    "AUDIT_",
    "AUTH_",
    "BACKUP_",
    "BROWSER_FEATURE",
    "DATABASE_",
    "DATA_",
    "EXTERNAL_SOURCE",
    "HEALTH_",
    "LOG_",
    "MAX_UPLOAD_",
    "METRICS_",
    "OIDC_",
    "RATE_LIMIT",
    "REDIS_",
    "STRICT_",
    "TRUSTED_",
    "UPLOADS_",
)
# Kubernetes adds names like REDIS_SERVICE_HOST for each service of the namespace.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
SERVICE_ADDRESS = ("tcp://", "udp://", "sctp://")
SERVICE_LINK = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_(TCP|UDP|SCTP)\w*)")


class SettingsError(ExplainedError):
    """The settings are wrong: the text has one line per problem, and never a secret."""


class Variable(NamedTuple):
    """A value as it was written, and where."""

    value: str
    source: str


def read_variables(names: Sequence[str]) -> dict[str, Variable]:
    """Return the strongest value of each setting that is set anywhere, by upper-case name."""
    environment, special, env_file = _read_layers()
    pointers = env_file | special | environment
    secrets = {name: secret for name in names if (secret := _read_secret(name, pointers))}
    found = env_file | special | secrets | environment
    # Container platforms say PORT (Cloud Run, App Service, Heroku).
    if "APP_PORT" not in found and "PORT" in environment:
        found["APP_PORT"] = Variable(environment["PORT"].value, "PORT")
    return {name: found[name] for name in names if name in found}


def of_kubernetes(names: Sequence[str]) -> list[str]:
    """Return the settings that stand in the environment as the address of a service.

    A service called app gives APP_PORT to all pods of its namespace; that is no port to listen on.
    """
    return [name for name in names if os.environ.get(name, "").startswith(SERVICE_ADDRESS)]


def unknown_names(names: Sequence[str], own: Sequence[str] = ()) -> list[str]:
    """Return one line for each name that looks like ours and is not, probably a typing error.

    `own` are those of the project, which have no prefix to know them by: only what comes very close
    to one of them counts.
    """
    known = {*names, *(f"{name}_FILE" for name in names)}
    return [
        f"{name} (from {variable.source}): {hint}"
        for layer in _read_layers()
        for name, variable in layer.items()
        if name not in known and (hint := _hint(name, variable, names, own))
    ]


def _hint(name: str, variable: Variable, names: Sequence[str], own: Sequence[str]) -> str:
    """Return what to do about an unknown name; nothing about one that is probably of others."""
    in_file = variable.source != "environment"
    if in_file and name.startswith("STREAMLIT_"):
        return "Streamlit does not read this file; use the environment or .streamlit/"
    if not in_file and SERVICE_LINK.fullmatch(name):
        return ""
    upper = name.upper()
    ours = upper.startswith(OWN_PREFIXES) or _nearest(upper, own, 0.9) is not None
    if (ours or in_file) and (near := _nearest(upper, names, 0.8)):
        return f"unknown name; did you mean {near}?"
    return "unknown name; remove it, or allow unknown names with STRICT_ENV=false" if ours else ""


def _nearest(name: str, names: Sequence[str], likeness: float) -> str | None:
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=likeness)), None)


def _read_layers() -> tuple[dict[str, Variable], dict[str, Variable], dict[str, Variable]]:
    """Return what is set in the environment, in .env.<APP_ENV> and in .env."""
    environment = {
        name: Variable(value.strip(), "environment")
        for name, value in os.environ.items()
        if value.strip() and not value.startswith(SERVICE_ADDRESS)
    }
    env_file = _read_env_file(".env")
    app_env = (env_file | environment).get("APP_ENV", Variable("development", "default"))
    name = app_env.value.lower()
    if name not in get_args(Environment):  # the model refuses it
        return environment, {}, env_file
    special = _read_env_file(f".env.{name}")
    if "APP_ENV" in special and special["APP_ENV"].value.lower() != name:
        raise SettingsError(f"APP_ENV: .env.{name} is read in {name} and must not set another")
    return environment, special, env_file


def _read_env_file(name: str) -> dict[str, Variable]:
    """Read NAME=value lines; a missing file has none."""
    path = project.current().root / name
    if ENVIRONMENT_ONLY in os.environ or not path.exists():
        return {}
    variables: dict[str, Variable] = {}
    problems: list[str] = []
    # ${NAME} is not expanded: what is written is the value. A line that cannot be read is not
    # shown, as it may be a piece of a secret.
    for binding in parse_stream(io.StringIO(_read_text(path, name))):
        text, line = binding.original
        if binding.error or (binding.key and binding.value is None):
            line += text[: len(text) - len(text.lstrip())].count("\n")
            problems.append(f"{name}: line {line} is not NAME=value; for example APP_PORT=8501")
        elif binding.key and binding.value and binding.value.strip():
            variables[binding.key] = Variable(binding.value.strip(), name)
    if problems:
        raise SettingsError("\n".join(problems))
    return variables


def _read_secret(name: str, pointers: dict[str, Variable]) -> Variable | None:
    """Read the secret file of a setting, if there is one with text in it."""
    if pointer := pointers.get(f"{name}_FILE"):
        # Not named in errors: it may be the secret itself, put there by mistake.
        path = project.current().root / pointer.value
        source, label = pointer.value, f"{name}_FILE: the file that it names"
    elif ENVIRONMENT_ONLY in os.environ:
        return None
    else:
        directories = [Path(os.environ.get("CREDENTIALS_DIRECTORY") or SECRET_FILES), SECRET_FILES]
        # Secrets of Docker Compose are commonly named in lower case.
        candidates = [folder / file for folder in directories for file in (name, name.lower())]
        found = next((path for path in candidates if os.access(path, os.F_OK)), None)
        if found is None:
            return None
        path, source, label = found, str(found), f"{name}: {found}"
    value = _read_text(path, label).strip()
    return Variable(value, source) if value else None


def _read_text(path: Path, label: str) -> str:
    try:
        # utf-8-sig: editors on Windows put a byte order mark in front.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} is not UTF-8"
    except ValueError as error:  # a null character in the path
        reason = str(error)
    raise SettingsError(f"{label} cannot be read ({reason})")
