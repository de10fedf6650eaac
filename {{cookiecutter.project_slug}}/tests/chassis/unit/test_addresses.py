"""What an address counts as."""

import pytest
from chassis.limits.addresses import counted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:DB8:1:2::1", "2001:0db8:0001:0002:0:0:0:9"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::2"),
        ("", "no address"),
    ],
)
def test_these_count_as_one(one: str, other: str) -> None:
    assert counted(one) == counted(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.7", "203.0.113.8"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8"),
        ("127.0.0.1", "::1"),
        ("no address", "203.0.113.7"),
    ],
)
def test_these_do_not(one: str, other: str) -> None:
    assert counted(one) != counted(other)
