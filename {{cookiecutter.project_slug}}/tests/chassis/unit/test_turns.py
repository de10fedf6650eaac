"""The line in front of the database."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from chassis.database.turns import Turns

from .conftest import wait_until


def serve(turns: Turns, served: list[int], number: int) -> None:
    """Take a place, and give it back."""
    assert turns.acquire(30)
    served.append(number)
    turns.release()


def wait_for_line(turns: Turns, length: int) -> None:
    """Wait until so many stand in line."""
    wait_until(lambda: len(turns._waiting) >= length)


def test_who_has_waited_longest_is_next() -> None:
    turns, served = Turns(1), list[int]()
    assert turns.acquire(0)
    with ThreadPoolExecutor() as pool:
        for number in range(3):
            pool.submit(serve, turns, served, number)
            wait_for_line(turns, number + 1)
        turns.release()
    assert served == [0, 1, 2]


def test_who_comes_again_does_not_overtake_one_who_has_yet_to_wake() -> None:
    turns = Turns(1)
    assert turns.acquire(0)
    with ThreadPoolExecutor() as pool:
        waiter = pool.submit(turns.acquire, 30)
        wait_for_line(turns, 1)
        turns.release()
        assert not turns.acquire(0)
        assert waiter.result()


@pytest.mark.parametrize("places", [1, 3])
def test_no_more_than_there_are_places(places: int) -> None:
    turns = Turns(places)
    assert [turns.acquire(0) for _ in range(places + 1)] == [True] * places + [False]
    turns.release()
    assert turns.acquire(0)


def test_who_gave_up_is_passed_over() -> None:
    turns, served = Turns(1), list[int]()
    assert turns.acquire(0)
    with ThreadPoolExecutor() as pool:
        impatient = pool.submit(turns.acquire, 0.2)
        wait_until(lambda: bool(turns._waiting) or impatient.done())
        pool.submit(serve, turns, served, 1)
        assert not impatient.result()
        wait_for_line(turns, 1)
        turns.release()
    assert served == [1]
    assert turns.acquire(0)
