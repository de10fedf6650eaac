"""Budgets: spent at once, back over time, shared by those who have the same name."""

import pytest
from chassis.server import budgets
from chassis.server.budgets import MINUTE, Allowance, Budget, Budgets

ALLOWANCE = Allowance(tabs=2, messages=60, bytes=6000, seconds=6)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time, which stands still until a test moves it."""
    now = [1000.0]
    monkeypatch.setattr(budgets.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    "cost", [{"messages": 60}, {"size": 6000}, {"seconds": 6.0}], ids=lambda cost: next(iter(cost))
)
def test_all_of_it_may_be_spent_at_once_and_is_back_within_a_minute(
    clock: list[float], cost: dict[str, int]
) -> None:
    budget = Budget(ALLOWANCE)
    budget.spend(**cost)
    assert budget.wait() <= 0
    budget.spend(messages=1)
    waits = "messages" in cost
    assert (budget.wait() > 0) is waits
    clock[0] += MINUTE
    budget.spend(**cost)
    assert budget.wait() <= (1 if waits else 0)


def test_who_has_spent_too_much_waits_for_that_much(clock: list[float]) -> None:
    budget = Budget(ALLOWANCE)
    budget.spend(messages=63)
    assert budget.wait() == pytest.approx(3)
    clock[0] += 3
    assert budget.wait() == pytest.approx(0)


@pytest.mark.usefixtures("clock")
def test_one_kind_is_not_paid_with_another() -> None:
    budget = Budget(ALLOWANCE)
    budget.spend(messages=30, size=3000, seconds=3)
    budget.spend(messages=30, size=3000, seconds=3)
    assert budget.wait() == pytest.approx(0)
    budget.spend(seconds=0.5)
    assert budget.wait() == pytest.approx(5)


def test_the_same_name_is_the_same_budget_until_all_of_it_is_back(clock: list[float]) -> None:
    known = Budgets()
    guests = known.of_guests("203.0.113.7")
    guests.spend(messages=int(guests.allowance.messages))
    clock[0] += MINUTE / 2
    assert known.of_guests("203.0.113.7") is guests
    assert known.of_guests("203.0.113.8") is not guests
    assert known.of_office("203.0.113.7") is not guests
    clock[0] += MINUTE
    assert known.of_guests("203.0.113.7") is not guests


def test_who_has_an_open_tab_keeps_the_budget(clock: list[float]) -> None:
    known = Budgets()
    session = known.of_session("key")
    session.tabs = 1
    clock[0] += 10 * MINUTE
    assert known.of_session("key") is session
    session.tabs = 0
    clock[0] += budgets.SWEEP_SECONDS
    assert known.of_session("key") is not session
