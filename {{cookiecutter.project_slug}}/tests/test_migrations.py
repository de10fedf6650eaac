"""The migrations, on both databases."""

import pytest
from chassis.testing.migrations import back_and_forward, differences, unnamed_constraints


@pytest.mark.usefixtures("database")
def test_they_make_what_the_models_say() -> None:
    """If this fails: `db upgrade`, then `db revision "what has changed"`."""
    assert differences() == []


@pytest.mark.usefixtures("database")
def test_they_go_back_and_forward_again() -> None:
    back_and_forward()
    assert differences() == []


def test_a_migration_can_change_every_constraint() -> None:
    assert unnamed_constraints() == []
