"""Guessing: ten failures for one account from one address, then a wait."""

from datetime import UTC, datetime, timedelta

import pytest
from auth.domain.email import normalise
from auth.domain.guessing import FAILURES_MAX, WINDOW, Failures, key_of, wait_of

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)


@pytest.mark.requirement("R-41")
def test_the_wait_lasts_until_the_window_of_the_first_failure_closes() -> None:
    assert wait_of(None, NOW) is None
    assert wait_of(Failures(FAILURES_MAX - 1, NOW), NOW) is None
    assert wait_of(Failures(FAILURES_MAX, NOW - timedelta(minutes=5)), NOW) == timedelta(minutes=10)
    assert wait_of(Failures(99, NOW - WINDOW), NOW) is None


@pytest.mark.requirement("R-41")
def test_a_count_belongs_to_one_account_at_one_address() -> None:
    keys = {key_of(email, address) for email in ("a@x.io", "b@x.io") for address in ("10.0.0.1", "10.0.0.2")}
    assert len(keys) == 4


def test_one_address_has_one_spelling() -> None:
    assert normalise("Haneul.KIM@Example.COM") == "haneul.kim@example.com"
    assert normalise("ÉMILE@example.com") == normalise("émile@example.com")
