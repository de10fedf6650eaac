"""What production wants of keys, and of the files that hold them."""

import stat

from .. import project
from ..database import encryption
from ..settings import (
    NEW_ENCRYPTION_KEY_COMMAND,
    NEW_KEY_COMMAND,
    get_settings,
    is_secret,
    names,
)
from ..settings.types import key_weakness
from ..settings.variables import read_variables
from . import OK, Result


def secret_key() -> Result:
    """The key that signs cookies cannot be guessed."""
    key = get_settings().app_secret_key
    weakness = "is not set" if key is None else key_weakness(key.get_secret_value())
    if weakness is None:
        return OK
    return Result("fail", f"APP_SECRET_KEY {weakness}", f"make one with {NEW_KEY_COMMAND}")


def encryption_keys() -> Result:
    """There is a key where a model has an encrypted column."""
    if get_settings().data_encryption_keys is not None or not encryption.is_needed():
        return OK
    remedy = f"make one with {NEW_ENCRYPTION_KEY_COMMAND}"
    return Result("fail", "DATA_ENCRYPTION_KEYS is not set", remedy)


def readable_files() -> Result:
    """No other user of the machine can read an .env file with a secret."""
    variables = read_variables(names())
    files = {
        variable.source
        for name, variable in variables.items()
        if is_secret(name.lower()) and variable.source.startswith(".env")
    }
    root, others = project.current().root, stat.S_IRGRP | stat.S_IROTH
    readable = [file for file in sorted(files) if (root / file).stat().st_mode & others]
    if not readable:
        return OK
    hold = "holds" if len(readable) == 1 else "hold"
    detail = f"{', '.join(readable)} {hold} a secret and other users can read it"
    return Result("fail", detail, f"chmod 600 {' '.join(readable)}")
