"""Redaction: secrets and personal data never reach the log, and nothing makes it fail or hang."""

import datetime
import json
import math
import re
import traceback
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest
import streamlit as st
from chassis.logs import redaction
from chassis.logs.redaction import (
    HIDDEN,
    MAX_FIELDS,
    MAX_TEXT,
    clean,
    hide_keys,
    hide_values,
    redact,
    session_hash,
)
from pydantic import SecretStr
from streamlit.errors import StreamlitSecretNotFoundError

SESSION = "0b5c2f6e-6a1d-4c55-9d1f-2f3c1f0e7a11"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJlLXNlY3JldA"
BEARER = "Bearer c2VjcmV0LXRva2Vu"


@pytest.fixture(autouse=True)
def no_known_secrets() -> Iterator[None]:
    """Hide nothing that other tests have hidden, and leave nothing behind for them."""
    hide_values([])
    hide_keys([])
    yield
    hide_values([])
    hide_keys([])


def test_keys_of_the_project_are_hidden_too() -> None:
    assert clean({"iban": "DE02"}) == {"iban": "DE02"}
    hide_keys(["iban", "a.b"])
    fields = {"IBAN": "DE02", "iban_of": 1202, "a.b": None, "axb": "x", "rows": 3}
    hidden = {"IBAN": HIDDEN, "iban_of": HIDDEN, "a.b": None, "axb": "x", "rows": 3}
    assert clean(fields) == hidden
    assert redact("paid to iban=DE02 today") == f"paid to iban={HIDDEN} today"
    assert redact("the iban was wrong") == "the iban was wrong"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"sent Authorization: {BEARER}", "c2VjcmV0"),
        (f"header was {BEARER}, refused", "c2VjcmV0"),
        ("Authorization: Basic YWRtaW46aHVudGVyMg==", "YWRtaW4"),
        ("used basic YWRtaW46aHVudGVyMg== there", "YWRtaW4"),
        (f"jwt {JWT} expired", "eyJ"),
        (f"cut off {JWT[:40]}", "eyJ"),
        ("Cookie: theme=dark; sid=hunter2; lang=ko", "hunter2"),
        ("Set-Cookie: __Host-sid=hunter2; Secure", "hunter2"),
        ("{'cookie': 'theme=dark; sid=hunter2'}", "hunter2"),
        ("[(b'cookie', b'sid=hunter2')]", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("postgresql://app:hunt/er2@db/app", "er2"),
        ("postgresql://app:hunt@er2@db/app", "er2"),
        ("https://hunter2@git.example.com/x", "hunter2"),
        ("mail to kim.min-su+test@example.co.kr failed", "kim.min-su"),
        ("mail to 김민수@example.kr failed", "김민수"),
        (f"session {SESSION} is gone", SESSION),
        (f"session {SESSION.upper()} is gone", SESSION.upper()),
        ("password=hunter2", "hunter2"),
        ("login failed (password: hunter2)", "hunter2"),
        ("PASSWORD = 'hunter2 with spaces'", "spaces"),
        ('{"db_password": "hunter\\"2"}', '2"'),
        ("passwd=hunter,2)x next", "2)x"),
        ("DB_PASSWORD_PROD=hunter2", "hunter2"),
        ("api_key=hunter2&page=1", "hunter2"),
        ("GET /callback?code=1&access_token=hunter2&x=1", "hunter2"),
        ("client-secret => hunter2", "hunter2"),
        ("{'secret': b'hunter2'}", "hunter2"),
        ("('token', 'hunter2')", "hunter2"),
        ("os.environ['APP_SECRET_KEY'] = 'hunter2'", "hunter2"),
        ("X-Api-Key: hunter2", "hunter2"),
        ("xsrf=hunter2", "hunter2"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789 leaked", "ghp_"),
        ("sk_live_abcdefghijklmnop leaked", "sk_live"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----", "hunter2"),
        ("-----BEGIN PRIVATE KEY-----\nMIIhunter2 cut off", "hunter2"),
    ],
)
def test_secrets_in_a_text_are_hidden(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 7 saved in 0.3 s",
        "GET http://localhost:8501/static/a.js?v=1 -> 200",
        "see https://docs.example.com:8443/a/b",
        "basic authentication is off",
        "Basic Authentication is off",
        "a Bearer token is missing, the basic credentials too",
        "jwt.InvalidTokenError: Not enough segments",
        "SecretWarning: it is old; PasswordException: it is short",
        "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "12:30:59 => 한국어, naïve",
        "for i in range(3): total += a @ b",
    ],
)
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


def test_the_name_of_an_error_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Streamlit says it where a page asks for a secret that nobody has set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StreamlitSecretNotFoundError) as caught:
        st.secrets["of_nobody"]
    (text,) = traceback.format_exception_only(caught.value)
    assert "SecretNotFoundError: No secrets found" in text
    assert redact(text) == text


def test_what_an_error_says_of_a_key_is_hidden() -> None:
    assert redact("TokenError: token=hunter2") == f"TokenError: token={HIDDEN}"
    assert redact("secret_error=hunter2") == f"secret_error={HIDDEN}"


def test_the_context_of_a_secret_stays_readable() -> None:
    assert redact("GET /x?token=hunter2&page=1 found") == f"GET /x?token={HIDDEN}&page=1 found"
    assert redact("redis://app:hunter2@cache:6379/0") == f"redis://{HIDDEN}@cache:6379/0"
    assert redact(f"session {SESSION} closed") == f"session [{session_hash(SESSION)}] closed"
    assert redact(f"session_id={SESSION} x") == f"session_id=[{session_hash(SESSION)}] x"


def test_redaction_of_a_redacted_text_changes_nothing() -> None:
    once = redact(f"password=hunter2 Cookie: a=b\nid {SESSION}, a@b.kr https://x@y {BEARER}")
    assert redact(once) == once


def test_known_values_are_hidden_wherever_they_stand() -> None:
    hide_values(["the-signing-key-of-this-app", "short"])
    assert redact("xthe-signing-key-of-this-appx short") == f"x{HIDDEN}x short"


@pytest.mark.parametrize(
    "key",
    [
        *("password", "db_passwd", "client_secret", "apiKey", "api-key", "private_key", "auth"),
        *("Authorization", "cookies", "csrf_token", "session_state", "credentials", "SENTRY_DSN"),
    ],
)
def test_values_of_suspicious_keys_are_hidden(key: str) -> None:
    assert clean({key: "hunter2"}) == {key: HIDDEN}
    assert clean({"a": [{key: {"deep": "hunter2"}}]}) == {"a": [{key: HIDDEN}]}
    assert clean({"headers": [(key.encode(), b"hunter2")]}) == {"headers": [[key, HIDDEN]]}


def test_quantities_are_shown_and_secret_numbers_are_not() -> None:
    counts = {"tokens": 12, "sessions_open": 3, "session_seconds": 1.5, "author": "kim"}
    assert clean(counts) == counts
    assert clean({"password": 1234, "pin": 99, "otp": 123456, "token": 7}) == dict.fromkeys(
        ("password", "pin", "otp", "token"), HIDDEN
    )
    assert clean({"has_password": True, "token": None}) == {"has_password": True, "token": None}


def test_session_ids_become_their_hash() -> None:
    short = session_hash(SESSION)
    assert re.fullmatch("[0-9a-f]{12}", short)
    assert clean({"session_id": SESSION}) == {"session_id": short}
    assert clean({"session_id": short}) == {"session_id": short}
    assert clean({"id": uuid.UUID(SESSION)}) == {"id": f"[{short}]"}


class Hostile:
    """An object that fails at everything."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no")

    __repr__ = __eq__ = __bool__ = __len__ = __hash__ = __str__  # type: ignore[assignment]  # on purpose


class HostileDict(dict[str, object]):
    """A mapping that fails at being read."""

    def items(self) -> NoReturn:
        raise RuntimeError("no")


def cyclic() -> list[object]:
    """Return a list that contains itself many times."""
    items: list[object] = []
    items.extend([items] * 100)
    return items


def test_any_value_becomes_json() -> None:
    cases: list[tuple[object, object]] = [
        ("two\nlines\0", "two\nlines\0"),
        (b"\xff\x00bytes", "\\xff\x00bytes"),
        (bytearray(b"x"), "x"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (2**63, 2**63),
        (10**5000, "<16610-bit integer>"),
        (Decimal("1.10"), "1.10"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Path("/srv/app"), "/srv/app"),
        (SecretStr("hunter2"), "**********"),
        (ValueError("password=hunter2"), f"password={HIDDEN}"),
        ({1: {"a"}, None: ()}, {"1": ["a"], "None": []}),
        (Hostile(), "<unprintable Hostile>"),
        ([Hostile(), 1], ["<unprintable Hostile>", 1]),
        (HostileDict(a=1), "<unprintable HostileDict>"),
    ]
    for value, expected in cases:
        result = clean({"value": value})
        assert result == {"value": expected}
        assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize(
    "value", [cyclic(), "x " * 5_000_000, ["y" * 5000] * 10_000, {str(i): i for i in range(10_000)}]
)
def test_a_line_has_a_limited_size(value: object) -> None:
    assert len(json.dumps(clean({"value": value}))) < 2 * MAX_FIELDS


def test_long_texts_keep_their_beginning_and_their_end() -> None:
    text = redact("begin " + "middle " * 10_000 + "end")
    assert text.startswith("begin middle")
    assert text.endswith("middle end")
    assert "characters cut]" in text
    assert len(text) <= MAX_TEXT + 50


def test_a_cut_through_a_secret_shows_no_half_of_it() -> None:
    head = "a " * (MAX_TEXT // 8 * 3 - 50) + "redis://:" + "hunter2" * 200 + "@x" + " b" * MAX_TEXT
    assert "hunter2" not in redact(head)
    tail = "a " * MAX_TEXT + "Bearer " + "hunter2" * 200 + " b" * (MAX_TEXT // 8 - 100)
    assert "hunter2" not in redact(tail)


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "a.", "a@", "a@a.", "é", "\\", "-4", "0b5c2f6e-", "://", "://a:", "eyJ", "ghp_"),
        *("token", "token=", "token[ ", "passw-", "password='", "password='\\", "cookie:"),
        *("basic ", "basica", "bearer ", "Authorization: \n", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_no_input_makes_a_pattern_hang(unit: str) -> None:
    text = unit * (MAX_TEXT // len(unit))
    assert redact(text)


def test_the_hash_of_a_session_is_stable() -> None:
    assert session_hash("abc") == redaction.session_hash("abc") == "ba7816bf8f01"
