"""The settings as people read them: in the `check` command, on the about page, in .env.example."""

import re
from typing import Final, NamedTuple

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from .model import Settings, names, settings_class
from .types import Network
from .variables import read_variables

# Any Python will do: they run on a laptop, on a server and in a container, as they are printed.
NEW_KEY_COMMAND = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
NEW_ENCRYPTION_KEY_COMMAND = (  # what Fernet.generate_key() does
    'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
)
NEW_KEY_COMMANDS = {
    "APP_SECRET_KEY": NEW_KEY_COMMAND,
    "BACKUP_ENCRYPTION_KEY": NEW_ENCRYPTION_KEY_COMMAND,
    "DATA_ENCRYPTION_KEYS": NEW_ENCRYPTION_KEY_COMMAND,
}
MASK = "********"

# Secret for their passwords only: where they lead to is what one wants to see.
ADDRESSES: Final = ("database_url", "backup_s3_url", "redis_url")
# Up to the last "@", as a password may have others in it.
_PASSWORD: Final = re.compile(r"(?<=://)([^:@/]*):.*@")
_PARAMETER: Final = re.compile(r"([?&][^=&]*(?:key|pass|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)


def is_secret(field: str) -> bool:
    """Whether the value of a field must not be shown."""
    return "SecretStr" in str(settings_class().model_fields[field].annotation)


def example_of(field: str) -> str:
    """A good value for a field."""
    info = settings_class().model_fields[field]
    return str(info.examples[0]) if info.examples else as_text(default_of(info))


def as_text(value: object) -> str:
    """Write a value as it would stand in an .env file; secrets are masked."""
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, Network):
        return str(value.network_address if value.num_addresses == 1 else value)
    if isinstance(value, tuple):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return str(value)


def without_password(address: str) -> str:
    """Mask the password of a URL, and what stands for one in its query; or all of another text."""
    if not re.match("[a-z0-9+]+://", address):
        return MASK
    return _PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}@", address))


class Source(NamedTuple):
    """One setting for people to read."""

    name: str
    value: str
    source: str


def sources(settings: Settings | None = None) -> list[Source]:
    """List every setting with its value (passwords and keys masked) and where it comes from.

    Without settings (they may be wrong) the values are as written, defaults as documented.
    """
    variables = read_variables(names())
    rows = []
    for field, info in settings_class().model_fields.items():
        variable = variables.get(field.upper())
        if settings is not None:
            value = _shown(field, getattr(settings, field))
        elif variable is None:
            value = default_text(info)
        elif field in ADDRESSES and variable.value.isprintable():
            value = without_password(variable.value)
        elif is_secret(field) or "@" in variable.value:
            value = MASK
        else:
            value = variable.value if variable.value.isprintable() else repr(variable.value)
        rows.append(Source(field.upper(), value, variable.source if variable else "default"))
    return rows


def _shown(field: str, value: object) -> str:
    if field in ADDRESSES and isinstance(value, SecretStr):
        return without_password(value.get_secret_value())
    return as_text(value)


def default_text(info: FieldInfo) -> str:
    """The default of a field in words or as a value."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "default_text" in extra:
        return str(extra["default_text"])
    return as_text(default_of(info))


def default_of(info: FieldInfo) -> object:
    """The default of a field: that of the project where it has one, else that of the class."""
    if info.default_factory is None or info.default_factory_takes_validated_data:
        return info.default
    return info.get_default(call_default_factory=True)
