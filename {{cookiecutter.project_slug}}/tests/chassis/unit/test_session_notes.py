"""What the server notes about sessions, and what of it another part takes."""

import pytest
from chassis import session_notes
from chassis.session_notes import SessionNotes


def test_a_note_is_taken_once() -> None:
    notes = SessionNotes()
    notes.add("one")
    notes.add("one")
    assert not notes.take("two")
    assert notes.take("one")
    assert not notes.take("one")


def test_notes_that_nobody_takes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_notes, "MAX_NOTES", 3)
    notes = SessionNotes()
    for number in range(10):
        notes.add(str(number))
    assert [number for number in range(10) if notes.take(str(number))] == [7, 8, 9]
