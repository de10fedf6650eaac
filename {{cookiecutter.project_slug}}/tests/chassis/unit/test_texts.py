"""What is the same text, however it was typed."""

import sys
import unicodedata

import pytest
from chassis.texts import comparable, is_one_line, one_line


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Élodie", "e\u0301LODIE"),
        ("\uff21\uff0d\uff11", "a-1"),
        ("각", "\u1100\u1161\u11a8"),
        ("ИВАН", "иван"),
        ("Straße", "STRASSE"),
        ("A\u200b-\ufeff1\u202a\u00ad", "A-1"),
        ("  two\u3000\t\nwords\u00a0", "two words"),
        ("a\0b\ud800", "ab"),
        ("İ", "i\u0307"),
    ],
)
def test_what_looks_the_same_is_the_same(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(("one", "other"), [("e", "é"), ("0", "O"), ("a b", "ab"), ("नी", "न")])
def test_what_looks_different_is_not(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)


def test_every_letter_stays_the_same_in_every_form() -> None:
    for letter in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(letter) not in {"Cn", "Co", "Cs"}:
            compared = comparable(letter)
            composed = comparable(unicodedata.normalize("NFC", letter))
            decomposed = comparable(unicodedata.normalize("NFD", letter))
            assert {comparable(compared), composed, decomposed} == {compared}, ascii(letter)


def test_a_line_of_another_system_can_be_stored() -> None:
    assert one_line(" Ann\0 \ud800\nMu\u0308ller\u202e ", 200) == "Ann Müller"
    assert one_line("x" * 300, 200) == "x" * 200
    assert one_line("नी\u200cता", 200) == "नी\u200cता"
    assert is_one_line("Mu\u0308ller", 6)
    assert not any(is_one_line(text, 6) for text in ("Muellers", "a\nb", "a\0", "bob\u0085"))
