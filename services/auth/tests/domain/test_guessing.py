"""Guessing: what is counted together, and who has a lane of their own."""

from datetime import UTC, datetime

import pytest
from auth.domain.email import normalise
from auth.domain.guessing import LANE_FAILURES_MAX, STREAK_FAILURES_MAX, Place, counts_of, network_of

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
HOME, CAFE = Place("203.0.113.7"), Place("198.51.100.1")


def keys(email: str, place: Place, familiar: bytes | None = None) -> dict[int, bytes]:
    """The keys of a try by how many failures they bear."""
    return {count.failures_max: count.key for count in counts_of(email, place, NOW, familiar=familiar)}


@pytest.mark.requirement("R-41")
def test_strangers_share_a_count_for_each_account_one_for_each_address_and_one_for_all() -> None:
    home, cafe, other = keys("a@x.io", HOME), keys("a@x.io", CAFE), keys("b@x.io", HOME)
    assert len(counts_of("a@x.io", HOME, NOW, familiar=None)) == 4
    assert home[LANE_FAILURES_MAX] not in {cafe[LANE_FAILURES_MAX], other[LANE_FAILURES_MAX]}
    shared = {count.key for count in counts_of("a@x.io", HOME, NOW, familiar=None)}
    assert len(shared & {count.key for count in counts_of("a@x.io", CAFE, NOW, familiar=None)}) == 2
    assert len(shared & {count.key for count in counts_of("b@x.io", HOME, NOW, familiar=None)}) == 2
    assert len(shared & {count.key for count in counts_of("b@x.io", CAFE, NOW, familiar=None)}) == 1


@pytest.mark.requirement("R-41")
def test_who_is_known_here_shares_no_count_with_strangers_and_is_bounded_all_the_same() -> None:
    known = counts_of("a@x.io", HOME, NOW, familiar=HOME.digests[0])
    strangers = {count.key for place in (HOME, CAFE) for count in counts_of("a@x.io", place, NOW, familiar=None)}
    assert not strangers & {count.key for count in known}
    assert {count.failures_max for count in known} == {LANE_FAILURES_MAX, STREAK_FAILURES_MAX}


def test_counts_are_locked_in_one_order_whoever_comes() -> None:
    for place in (HOME, CAFE):
        locked = [count.key for count in counts_of("a@x.io", place, NOW, familiar=None)]
        assert locked == sorted(locked)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_owner_of_many_ipv6_addresses_is_one(address: str, network: str) -> None:
    assert network_of(address) == network


def test_one_address_has_one_spelling() -> None:
    assert normalise("Haneul.KIM@Example.COM") == "haneul.kim@example.com"
    assert normalise("ÉMILE@example.com") == normalise("émile@example.com")
