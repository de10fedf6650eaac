"""Who pays for a tab: guests by address, users by session, and both where nobody signs in."""

import asyncio

import pytest
from chassis.server.budgets import GUESTS, OFFICE, SIGNED_IN, Budget
from chassis.server.open_tabs import GUEST, TAB, UNKNOWN, USER, State, Tab
from chassis.server.session_traffic import SessionTraffic
from chassis.settings import Settings
from starlette.types import Message, Scope


async def nothing(*_arguments: object) -> None:
    """Serve nothing."""


@pytest.fixture
def traffic() -> SessionTraffic:
    """Return the middleware, as it is before anybody comes."""
    return SessionTraffic(nothing, Settings())


def scope(address: str, state: State | None = None, key: str = "") -> Scope:
    """Return the handshake of a tab; without a state that of an app where nobody signs in."""
    tab = {} if state is None else {TAB: Tab(key, state, nothing)}
    return {"type": "websocket", "client": (address, 1), "state": tab}


def budgets(
    traffic: SessionTraffic, address: str, state: State | None = None, key: str = ""
) -> list[Budget]:
    """Return the budgets that a tab spends from."""
    return traffic._paying(scope(address, state, key))[1]


@pytest.mark.parametrize("state", [GUEST, UNKNOWN])
def test_guests_share_that_of_their_address(traffic: SessionTraffic, state: State) -> None:
    [one] = budgets(traffic, "2001:db8::1", state, "ann")
    assert budgets(traffic, "2001:db8::2", GUEST, "bob") == [one]
    assert budgets(traffic, "2001:db8:0:1::1", state, "ann") != [one]
    assert one.allowance is GUESTS


def test_all_tabs_of_a_session_share_its_own(traffic: SessionTraffic) -> None:
    [one] = budgets(traffic, "203.0.113.1", USER, "ann")
    assert budgets(traffic, "203.0.113.2", USER, "ann") == [one]
    assert budgets(traffic, "203.0.113.1", USER, "bob") != [one]
    assert one.allowance is SIGNED_IN


def test_without_sign_in_a_tab_has_its_own_and_shares_that_of_its_address(
    traffic: SessionTraffic,
) -> None:
    own, office = budgets(traffic, "203.0.113.1")
    other, same = budgets(traffic, "203.0.113.1")
    assert own is not other
    assert office is same
    assert (own.allowance, office.allowance) == (SIGNED_IN, OFFICE)


@pytest.mark.parametrize("state", [GUEST, USER, None])
def test_there_is_an_end_to_tabs_and_to_what_they_spend(
    traffic: SessionTraffic, state: State | None
) -> None:
    def status(number: int) -> int:
        handshake = scope(f"203.0.113.{number}", state, f"key {number}")
        return asyncio.run(answer(traffic, handshake))

    for number in (1, 2):
        shared = traffic._paying(scope(f"203.0.113.{number}", state, f"key {number}"))[1][-1]
        assert status(number) == 101
        if number == 1:
            shared.tabs = shared.allowance.tabs
        else:
            shared.spend(seconds=2 * shared.allowance.seconds)
        assert status(number) == 429
    assert status(3) == 101  # nobody else has less for it


async def answer(traffic: SessionTraffic, handshake: Scope) -> int:
    """Return the status with which a handshake is answered; 101 where it goes on."""
    statuses = [101]

    async def send(message: Message) -> None:
        statuses.append(message.get("status", statuses[-1]))

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await traffic({**handshake, "extensions": {"websocket.http.response": {}}}, receive, send)
    return statuses[-1]
