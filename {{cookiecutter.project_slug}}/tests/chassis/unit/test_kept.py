"""What outlives a hot reload, and what is noted on the objects of others."""

import sys
from collections.abc import Iterator

import pytest
from chassis import kept


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delitem(sys.modules, kept.HOME, raising=False)
    yield
    sys.modules.pop(kept.HOME, None)


def test_it_is_made_once_for_each_name() -> None:
    first: list[int] = kept.in_process("numbers", list)
    assert kept.in_process("numbers", list) is first
    assert kept.in_process("others", list) is not first


def test_streamlit_never_forgets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: list[int] = kept.in_process("numbers", list)
    # What the watcher does: it forgets the modules that have files, and all below them.
    for name in [name for name in sys.modules if f"{name}.".startswith("chassis.")]:
        monkeypatch.delitem(sys.modules, name)
    from chassis import kept as again

    assert again is not kept
    assert again.in_process("numbers", list) is numbers
    home = sys.modules[kept.HOME]
    assert not hasattr(home, "__file__")
    assert home.__spec__ is None


def test_it_lives_as_long_as_its_owner() -> None:
    first, second = ValueError(), ValueError()
    assert kept.on(first, "id", object) is kept.on(first, "id", object)
    assert kept.on(first, "id", object) is not kept.on(second, "id", object)
    assert kept.on(first, "id", object) is not kept.on(first, "other", object)
