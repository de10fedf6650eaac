"""Keeps secrets and personal data out of the log: what to hide, found by key and by pattern.

A log line is made at the worst moments, from the worst input. So nothing here raises, texts are
cut before a pattern sees them, and no pattern backtracks over more than a bounded stretch.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final

HIDDEN: Final = "[redacted]"
MAX_TEXT: Final = 8 * 1024
MAX_FIELDS: Final = 32 * 1024
MAX_ITEMS: Final = 100
MAX_DEPTH: Final = 6
MAX_KEY: Final = 100

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

# Exact values that must not appear: the secrets of this process.
_known_secrets: list[str] = []
# Keys that app.py names: in a field, and in a text.
_own_keys: list[tuple[re.Pattern[str], re.Pattern[str]]] = []

_SENSITIVE: Final = (
    r"passw|passphrase|pwd|secret|token|cookie|authorization|credential|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|session[_-]?id|jwt|csrf|xsrf|(?<![a-z])(?:sid|dsn|otp)(?![a-z])"
)
_SECRET_KEY: Final = re.compile(
    _SENSITIVE + r"|session|(?<![a-z])(?:auth|pass|pin)(?![a-z])", re.IGNORECASE
)
# Numbers are quantities (`tokens=12`, `session_seconds=3.5`), except under these keys.
_SECRET_NUMBER: Final = re.compile(r"passw|passphrase|pwd|secret|token$|otp|pin$", re.IGNORECASE)

_UUID4: Final = r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

# What follows the name of a scheme where people write about it: "the bearer token is missing".
_PROSE: Final = r"(?!(?i:authentication|authorization|credentials?|scheme|tokens?)\b)"


def _hash_of_match(match: re.Match[str]) -> str:
    return f"[{session_hash(match[0].lower())}]"


# (one of these must be in the lower-case text, the pattern, what to put there); the order matters.
_PATTERNS: Final[tuple[tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (
        "private key-----",
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:.*?-----END [A-Z ]{0,40}-----|.*)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
    # user:password@ of a URL; a password may contain an unescaped "/" or "@".
    (
        "://",
        re.compile(r"://(?:[^\s/:@]{0,256}:(?!\d{1,5}/)[^\s'\"<>]{0,256}|[^\s/:@]{1,256})@"),
        f"://{HIDDEN}@",
    ),
    ("@", re.compile(r"(?<![\w.%+-])[\w.%+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    ("eyj", re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*"), HIDDEN),
    # Session ids of Streamlit: with the hash in their place, the lines of a session stay findable.
    ("-4", re.compile(_UUID4, re.IGNORECASE), _hash_of_match),
    # Headers: everything up to the end of the line.
    (
        "cookie",
        re.compile(r"(cookie[\"']?\s{0,4}[:=,])[^\r\n]+", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    (
        "authorization",
        re.compile(r"(authorization[\"']?\s{0,4}[:=,])[^\r\n]+", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    (
        "bearer",
        re.compile(rf"\b((?i:bearer))\s{{1,4}}{_PROSE}[\w.~+/=-]+"),
        rf"\1 {HIDDEN}",
    ),
    (
        "basic",
        re.compile(rf"\b((?i:basic))\s{{1,4}}{_PROSE}(?=[a-z+/]*[A-Z0-9=])[\w+/]{{6,}}={{0,2}}"),
        rf"\1 {HIDDEN}",
    ),
    # Keys of well-known services: GitHub, GitLab, Slack, AWS, OpenAI, Stripe, Google.
    (
        "",
        re.compile(
            r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|sk-|[sr]k_live_|AIza)[\w-]{12,}"
        ),
        HIDDEN,
    ),
)


def _assignment(names: str) -> re.Pattern[str]:
    """Return what finds password=..., "api_key": "...", ('token', b'...'), secret: ...

    But not the name of an error, as in "SecretNotFoundError: No secrets found".
    """
    return re.compile(
        "((?:" + names + r")[\w-]{0,40}(?-i:(?<!Error)(?<!Exception)(?<!Warning))"
        r"(?:[\"'\]]{0,2}[ \t]{0,4}(?:=>|[:=]{1,2})|[\"'],)[ \t]{0,4})"
        r"(?!\[(?:redacted|[0-9a-f]{12})\])"
        r"(?:b?\"(?:[^\"\\\n]|\\.)*\"?|b?'(?:[^'\\\n]|\\.)*'?|[^\s&]+)",
        re.IGNORECASE,
    )


_ASSIGNMENT: Final = _assignment(_SENSITIVE)


@lru_cache(maxsize=4096)
def session_hash(session_id: str) -> str:
    """Return the short name of a session that is safe to log: 12 hexadecimal digits."""
    return hashlib.sha256(session_id.encode("utf-8", "replace")).hexdigest()[:12]


def hide_values(secrets: Iterable[str]) -> None:
    """Hide these exact texts from now on; short ones are left, they would hide common words."""
    _known_secrets[:] = sorted({text for text in secrets if len(text) >= 8}, key=len, reverse=True)


def hide_keys(parts: Iterable[str]) -> None:
    """Hide the values of keys that contain one of these texts, from now on, numbers too."""
    names = "|".join(re.escape(part) for part in parts)
    _own_keys[:] = [(re.compile(names, re.IGNORECASE), _assignment(names))] if names else []


def redact(text: str, limit: int = MAX_TEXT) -> str:
    """Return the text without secrets and personal data, at most about `limit` characters."""
    text = _shorten(text, limit)
    for secret in _known_secrets:
        text = text.replace(secret, HIDDEN)
    lower = text.lower()
    for needle, pattern, replacement in _PATTERNS:
        if needle in lower:
            text = pattern.sub(replacement, text)
    if "=" in text or ":" in text or "," in text:
        for pattern in (_ASSIGNMENT, *(in_text for _in_field, in_text in _own_keys)):
            text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def clean(fields: Mapping[str, object]) -> dict[str, Json]:
    """Return fields that JSON can write: redacted, bounded in size and depth, never failing."""
    return _Cleaner().mapping(fields, 0)


def text_of(value: object) -> str:
    """Return `str(value)`, whatever the object does."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - any error of a foreign object
        return f"<unprintable {type(value).__name__}>"


class _Cleaner:
    """Turns the values of one line into JSON values, with one budget of characters for all."""

    def __init__(self) -> None:
        self._room = MAX_FIELDS

    def mapping(self, values: Mapping[Any, object], depth: int) -> dict[str, Json]:
        """Clean keys and values; what is beyond MAX_ITEMS is left out."""
        result = {}
        for key, value in islice(values.items(), MAX_ITEMS):
            name = redact(text_of(key), MAX_KEY)
            result[name] = self._value(name, value, depth)
        return result

    def _value(self, key: str, value: object, depth: int) -> Json:
        self._room -= 16
        if self._room <= 0 or depth > MAX_DEPTH:
            return "[cut]"
        try:
            return self._convert(key, value, depth + 1)
        except Exception:  # noqa: BLE001 - any error of a foreign object
            return f"<unprintable {type(value).__name__}>"

    def _convert(self, key: str, value: object, depth: int) -> Json:
        if value is None or isinstance(value, bool):
            return value
        if any(in_field.search(key) for in_field, _in_text in _own_keys):
            return HIDDEN
        if isinstance(value, int | float):
            return HIDDEN if _matches(_SECRET_NUMBER, key) else _number(value)
        if key == "session_id" and isinstance(value, str):
            return value if re.fullmatch("([0-9a-f]{12})?", value) else session_hash(value)
        if _matches(_SECRET_KEY, key):
            return HIDDEN
        if isinstance(value, Mapping):
            return self.mapping(value, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._items(list(islice(value, MAX_ITEMS)), depth)
        return self._text(value)

    def _items(self, items: list[object], depth: int) -> Json:
        # Headers come as pairs: (b"cookie", b"...").
        pair = len(items) == 2 and isinstance(items[0], str | bytes)
        key = text_of(items[0])[:MAX_KEY] if pair else ""
        return [self._value("", item, depth) for item in items[:-1]] + [
            self._value(key, item, depth) for item in items[-1:]
        ]

    def _text(self, value: object) -> str:
        if isinstance(value, bytes | bytearray):
            text = bytes(value[: 2 * MAX_TEXT]).decode("utf-8", "backslashreplace")
        else:
            text = text_of(value)
        text = redact(text, min(MAX_TEXT, self._room))
        self._room -= len(text)
        return text


def _number(value: float) -> Json:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    # Python refuses to write integers of more than 4300 digits.
    return int(value) if value.bit_length() <= 64 else f"<{value.bit_length()}-bit integer>"


@lru_cache(maxsize=4096)
def _matches(pattern: re.Pattern[str], key: str) -> bool:
    return pattern.search(key) is not None


def _shorten(text: str, limit: int) -> str:
    """Cut the middle out of a long text: the end of a traceback says what happened."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 3 // 4], text[len(text) - limit // 4 :]
    # The words at the cut may be halves of secrets, which no pattern would know.
    head = head[: max(head.rfind(" "), head.rfind("\n")) + 1]
    words = tail.split(maxsplit=1) if tail[:1].isspace() else tail.split(maxsplit=1)[1:]
    tail = words[-1] if words else ""
    return f"{head}[{len(text) - len(head) - len(tail)} characters cut] {tail}"
