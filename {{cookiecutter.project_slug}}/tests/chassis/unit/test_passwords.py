"""Which passwords may be chosen, and how they are kept."""

import statistics
import time
import unicodedata
from collections.abc import Callable

import bcrypt
import pytest
from chassis.auth import passwords
from chassis.settings import get_settings

GOOD = "correct horse battery"


def test_hashes_are_argon2id_of_at_least_the_strength_that_owasp_asks_for() -> None:
    hashed = passwords.hash_password(GOOD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashed != passwords.hash_password(GOOD)
    assert passwords.verify(hashed, GOOD)
    assert not passwords.verify(hashed, GOOD + " ")
    assert not passwords.needs_rehash(hashed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ein süßes Kätzchen", "ein su\u0308ßes Ka\u0308tzchen"),  # as macOS composes them
        ("우리의 긴 비밀번호입니다 하나", "\u110b\u116e리의 긴 비밀번호입니다 하나"),
        ("wide\u3000blanks between words", "wide blanks\u00a0between words"),
    ],
)
def test_a_password_is_the_same_on_every_keyboard(one: str, other: str) -> None:
    assert passwords.verify(passwords.hash_password(one), other)
    assert passwords.verify(passwords.hash_password(other), one)
    assert not passwords.verify(passwords.hash_password(one), one + " ")
    imported = bcrypt.hashpw(one.replace("\u3000", " ").encode(), bcrypt.gensalt(4)).decode()
    assert passwords.verify(imported, other)


def test_wide_letters_are_other_letters() -> None:
    assert not passwords.verify(passwords.hash_password(GOOD), GOOD.replace("c", "\uff43"))


def test_the_length_is_counted_in_letters() -> None:
    assert "at least 15" in (passwords.problem("e\u0301" * 10) or "")
    assert "user name" in (
        passwords.problem("mu\u0308ller@example.com", "müller@example.com") or ""
    )


def test_an_imported_bcrypt_hash_is_accepted_and_to_be_replaced() -> None:
    hashed = bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(4)).decode()
    assert passwords.is_hash(hashed)
    assert passwords.verify(hashed, GOOD)
    assert not passwords.verify(hashed, "wrong")
    assert passwords.needs_rehash(hashed)


def test_bcrypt_compares_as_much_of_a_long_password_as_it_ever_saw() -> None:
    long = "x" * 100
    hashed = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert passwords.verify(hashed, long)


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$12$short", "$argon2id$broken", "$1$md5"])
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not passwords.verify(stored, stored)
    assert not passwords.is_hash(stored)


def cpu_seconds(action: Callable[[], object]) -> float:
    """Return the median processor time of a few calls."""
    times = []
    for _call in range(7):
        started = time.process_time()
        action()
        times.append(time.process_time() - started)
    return statistics.median(times)


def test_a_missing_user_costs_as_much_as_a_wrong_password() -> None:
    hashed = passwords.hash_password(GOOD)
    passwords.verify(None, GOOD)  # makes what is compared with
    known = cpu_seconds(lambda: passwords.verify(hashed, "wrong"))
    unknown = cpu_seconds(lambda: passwords.verify(None, "wrong"))
    assert unknown > 0.5 * known


def test_a_huge_password_costs_nothing() -> None:
    hashed = passwords.hash_password(GOOD)
    huge = "x" * 10_000_000
    assert cpu_seconds(lambda: passwords.verify(hashed, huge)) < 0.1
    longest = "각" * 341  # 1023 bytes, which macOS may send as 3069
    decomposed = unicodedata.normalize("NFD", longest)
    assert passwords.verify(passwords.hash_password(longest), decomposed)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "é" * 7 + " 우리의 비밀번호",
        "nur kleine buchstaben",
        "738291645028371",
        "Zq" + "7-fj2" * 20,
        "abcdefghijklmno " * 60,
    ],
)
def test_any_kind_of_letters_will_do(password: str) -> None:
    assert passwords.problem(password) is None


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("fourteen chars", "at least 15"),
        ("", "at least 15"),
        ("x" * 1025, "too long"),
        ("é" * 513, "too long"),
        ("passwordpassword", "Too many people"),
        ("PASSWORDpassword", "Too many people"),
        ("aaaaaaaaaaaaaaaaaaaa", "Too many people"),
        ("1234512345123451234512345", "Too many people"),
        ("margaret.thatcher", "user name"),
        ("Margaret.Thatcher", "user name"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, word: str) -> None:
    assert word in (passwords.problem(password, "margaret.thatcher") or "")


def test_the_shortest_length_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_PASSWORD_MIN_LENGTH", "8")
    get_settings.cache_clear()
    assert passwords.problem("jh3kq0vz") is None
    assert passwords.problem("jh3kq0v") is not None
    assert "Too many" in (passwords.problem("Iloveyou1") or passwords.problem("iloveyou") or "")


def test_the_list_holds_the_3000_most_used() -> None:
    common = passwords._common()
    assert len(common) >= 3000
    assert {"password", "12345678", "baseball", "trustno1", "qwertyuiop"} <= common
    assert all(len(password) >= 8 for password in common)


def test_made_passwords_are_random_and_may_be_chosen() -> None:
    made = {passwords.generate() for _call in range(50)}
    assert len(made) == 50
    assert all(passwords.problem(password) is None for password in made)
