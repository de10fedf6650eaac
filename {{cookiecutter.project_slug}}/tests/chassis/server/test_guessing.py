"""Guessing passwords and accounts, over websockets against the running application."""

import asyncio
import statistics
import time
from collections.abc import Iterator

import bcrypt
import pytest
from chassis.auth import users
from chassis.auth.roles import Role
from chassis.testing.sites import PASSWORD, TESTER, Site, start_site, with_database


@pytest.fixture(scope="module")
def shared_throttled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    limits = {"RATE_LIMIT_LOGIN_IP": "6/minute", "RATE_LIMIT_LOGIN_ACCOUNT": "3/40seconds"}
    yield from start_site("sqlite", tmp_path_factory.mktemp("throttled"), variables=limits)


@pytest.fixture
def throttled(shared_throttled: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    return with_database(shared_throttled, monkeypatch)


def test_guessing_at_one_account_from_many_addresses_is_stopped(throttled: Site) -> None:
    throttled.add("target")
    results = [
        throttled.guest(f"198.51.100.{number}").outcome("target", f"wrong guess {number}")
        for number in range(5)
    ]
    assert results == ["wrong"] * 3 + ["wait"] * 2
    # Not even the right password is told from a wrong one then.
    assert throttled.guest("198.51.100.77").outcome(" TARGET", PASSWORD) == "wait"


def test_guessing_at_many_accounts_from_one_address_is_stopped(throttled: Site) -> None:
    browser = throttled.guest("198.51.100.200")
    results = [browser.outcome(f"user{number}", "Summer 2026 !!!!") for number in range(8)]
    assert results == ["wrong"] * 6 + ["wait"] * 2


def test_a_network_of_ipv6_counts_as_one_address(throttled: Site) -> None:
    results = [
        throttled.guest(f"2001:db8:0:1::{number}").outcome(f"guess{number}", "Summer 2026 !!!!")
        for number in range(8)
    ]
    assert results == ["wrong"] * 6 + ["wait"] * 2


def test_strangers_cannot_lock_an_owner_out(throttled: Site) -> None:
    throttled.add("owner")
    own, new = throttled.guest("203.0.113.50"), throttled.guest("203.0.113.51")
    assert own.outcome("owner", PASSWORD) == "ok"
    own.sign_out()
    started = time.monotonic()
    for number in range(4):
        throttled.guest(f"198.51.100.{100 + number}").outcome("owner", "wrong guess")
    # The browser in which the owner has signed in before is not affected, ...
    assert own.outcome("owner", PASSWORD) == "ok"
    # ... a new one is for no longer than the window.
    assert new.outcome("owner", PASSWORD) == "wait"
    time.sleep(max(0.0, started + 42 - time.monotonic()))
    assert new.outcome("owner", PASSWORD) == "ok"


def test_a_forged_device_cookie_gives_no_further_guesses(throttled: Site) -> None:
    throttled.add("device")
    results = []
    for number in range(5):
        browser = throttled.guest(f"198.51.100.{150 + number}")
        browser.cookies["device"] = f"forged{number}." + "0" * 64
        results.append(browser.outcome("device", "wrong guess"))
    assert results == ["wrong"] * 3 + ["wait"] * 2


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_known_and_unknown_users_look_the_same(site: Site) -> None:
    # It costs more than a hash of ours: only the time that every refusal lasts hides that.
    imported = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    site.add("known")
    users.disable(site.add("disabled").id, TESTER)
    users.create("imported", roles=[Role.VIEWER], actor=TESTER, password_hash=imported)
    passwords = {
        "known": "wrong password",
        "disabled": PASSWORD,
        "imported": "wrong password",
        "nobody-of-this-name": "wrong password",
    }
    times: dict[str, list[float]] = {name: [] for name in passwords}
    texts = set()

    async def attempt(username: str, password: str) -> None:
        browser = site.guest()
        async with browser.tab() as page:
            await page.open()
            started = time.perf_counter()
            await page.submit("Sign in", User_name=username, Password=password)
            times[username].append(time.perf_counter() - started)
            texts.update(page.alerts())
            assert not page.redirect()

    def difference() -> float:
        # In the middle of each: single attempts are slowed, or spared, by what else runs here.
        usual = [statistics.median(values) for values in times.values()]
        return max(usual) / min(usual) - 1

    for turn in range(25):
        for username, password in passwords.items():
            asyncio.run(attempt(username, password))
        if turn >= 4 and difference() < 0.1:
            break
    assert len(texts) == 1
    assert difference() < 0.1, times
