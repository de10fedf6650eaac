"""Passwords: which may be chosen, and how they are kept."""

import functools
import re
import secrets
import threading
import unicodedata
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ..i18n import _
from ..settings import get_settings
from ..texts import comparable

# What OWASP asks for at least: argon2id with 19 MiB, two passes, one lane.
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
# Longer ones are no safer, and only keep the processor busy.
MAX_BYTES: Final = 1024
BCRYPT_BYTES: Final = 72  # bcrypt never saw more of a password
# Each hash takes MEMORY_KIB: many sign-ins at once wait for each other instead of filling memory.
AT_ONCE: Final = 4

_HASH: Final = re.compile(
    r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}"
    r"|\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}"
)

_BLANKS: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_slots = threading.BoundedSemaphore(AT_ONCE)
# Without 0, O, 1, l and I, which people mix up when they copy a password by hand.
_LETTERS: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def composed(password: str) -> str:
    """Return the one form of a password that keyboards write in several, as OpaqueString says.

    https://www.rfc-editor.org/rfc/rfc8265#section-4.2: letters composed, all blanks the same; wide
    letters stay others. Imported hashes are compared with this form, too: browsers send it from
    nearly every keyboard, and a second comparison would tell by its time that an account exists.
    """
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", password))


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    with _slots:
        return _hasher.hash(composed(password))


def verify(stored: str | None, password: str) -> bool:
    """Tell whether the password belongs to the stored hash; as slow when there is none."""
    password = composed(password[: 4 * MAX_BYTES])  # it becomes shorter, and is too long still
    if too_long(password):
        return False
    with _slots:
        if stored is None:
            _matches_argon2(_dummy(), password)
            return False
        if stored.startswith("$2"):
            return _matches_bcrypt(stored, password)
        return _matches_argon2(stored, password)


def needs_rehash(stored: str) -> bool:
    """Tell whether a hash is of another kind (an imported bcrypt hash) or weaker than ours."""
    try:
        return _hasher.check_needs_rehash(stored)
    except InvalidHashError:
        return True


def is_hash(text: str) -> bool:
    """Tell whether a text is a hash that `verify` understands, to be imported."""
    return _HASH.fullmatch(text) is not None


def too_long(password: str) -> bool:
    """Tell whether a password is longer than is accepted anywhere."""
    return len(password.encode("utf-8", "replace")) > MAX_BYTES


def problem(password: str, username: str = "") -> str | None:
    """Say why this password must not be chosen; None if it may. No rules about kinds of letters."""
    password = composed(password)
    shortest = get_settings().auth_password_min_length
    if len(password) < shortest:
        return _("The password needs at least %(number)s characters.", number=shortest)
    if too_long(password):
        return _("The password is too long.")
    unit = _repeated_unit(comparable(password))
    if unit in _common() or len(unit) < min(len(password), 8):
        return _("Too many people use this password, so it is guessed first.")
    if username and comparable(username) in {unit, comparable(password)}:
        return _("The password must not be the user name.")
    return None


def generate() -> str:
    """Return a random password of 119 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _place in range(5)) for _group in range(4))


def _repeated_unit(text: str) -> str:
    """Return what the text repeats: "pass" for "passpasspass", the text itself for most."""
    length = (text + text).find(text, 1)
    return text[:length]


def _matches_argon2(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


def _matches_bcrypt(stored: str, password: str) -> bool:
    import bcrypt  # only for imported hashes

    try:
        return bcrypt.checkpw(password.encode("utf-8", "replace")[:BCRYPT_BYTES], stored.encode())
    except ValueError:
        return False


@functools.cache
def _dummy() -> str:
    """Return the hash that is compared where there is no user, so that this takes equally long."""
    return _hasher.hash(secrets.token_urlsafe())


@functools.cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
