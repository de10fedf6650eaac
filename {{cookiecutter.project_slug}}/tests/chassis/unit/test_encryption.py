"""Encrypted columns on both databases: what is stored, changing keys, wrong keys."""

import pytest
from chassis.database import encryption
from chassis.database.encryption import EncryptedText, EncryptionError, rotate
from chassis.database.engine import get_engine, transaction
from chassis.settings import get_settings
from cryptography.fernet import Fernet
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text

METADATA = MetaData()
PATIENTS = Table(
    "patients",
    METADATA,
    Column("clinic", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("notes", EncryptedText),
    Column("phone", EncryptedText),
)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def patients(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a table with a hundred rows, encrypted with the old key."""
    assert database
    METADATA.create_all(get_engine())
    use_keys(monkeypatch, OLD)
    with transaction() as session:
        session.execute(insert(PATIENTS), ROWS)


ROWS = [
    {"clinic": number % 3, "number": number, "notes": f"note {number} ü€", "phone": None}
    for number in range(100)
]


def use_keys(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """Set DATA_ENCRYPTION_KEYS."""
    monkeypatch.setenv("DATA_ENCRYPTION_KEYS", ",".join(keys))
    get_settings.cache_clear()


def rows() -> list[dict[str, object]]:
    """Return what is saved, decrypted."""
    with transaction(read_only=True) as session:
        found = session.execute(select(PATIENTS).order_by(PATIENTS.c.number)).mappings()
        return [dict(row) for row in found]


def stored() -> list[str]:
    """Return what the database sees."""
    with transaction(read_only=True) as session:
        return list(session.scalars(text("SELECT notes FROM patients ORDER BY number")))


def test_the_database_does_not_see_the_text() -> None:
    assert rows() == ROWS
    assert not any("note" in token for token in stored())
    assert len(set(stored())) == 100


def test_a_new_key_reads_what_the_old_one_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, NEW, OLD)
    assert rows() == ROWS
    assert rotate(METADATA) == 100
    use_keys(monkeypatch, NEW)
    assert rows() == ROWS


@pytest.mark.parametrize("key", [NEW, None], ids=["another key", "no key"])
def test_without_the_key_nothing_is_lost(monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    before = stored()
    if key:
        use_keys(monkeypatch, key)
    else:
        monkeypatch.delenv("DATA_ENCRYPTION_KEYS")
        get_settings.cache_clear()
    for use in (rows, lambda: rotate(METADATA)):
        with pytest.raises(EncryptionError) as caught:
            use()
        assert "DATA_ENCRYPTION_KEYS" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    assert stored() == before
    use_keys(monkeypatch, OLD)
    assert rows() == ROWS


def test_nothing_is_stored_in_the_clear_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATA_ENCRYPTION_KEYS")
    get_settings.cache_clear()
    with pytest.raises(EncryptionError, match="make a key with"), transaction() as session:
        session.execute(insert(PATIENTS).values(clinic=9, number=9, notes="open"))
    assert len(stored()) == 100


def test_one_row_of_another_key_stops_the_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, Fernet.generate_key().decode())
    with transaction() as session:
        session.execute(insert(PATIENTS).values(clinic=1, number=1000, notes="of another key"))
    before = stored()
    use_keys(monkeypatch, NEW, OLD)
    with pytest.raises(EncryptionError, match=r"^patients\.notes cannot be decrypted"):
        rotate(METADATA)
    assert stored() == before


def test_a_changed_value_is_noticed() -> None:
    with transaction() as session:
        session.execute(text("UPDATE patients SET notes = 'gAAAAforged' WHERE number = 3"))
    with pytest.raises(EncryptionError, match="cannot be decrypted"):
        rows()


def test_the_models_of_the_app_are_looked_at() -> None:
    assert isinstance(encryption.is_needed(), bool)
    assert rotate() >= 0
