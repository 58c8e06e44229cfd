"""Alerts: what every price means for every kind of alert."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from kit.ids import new_id
from notification.domain.alert import REST, Alert, AlertId, Condition, Status, Step, notice_of, step
from notification.domain.owner import OwnerId

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
ABOVE = Alert(
    id=AlertId(new_id()),
    owner=OwnerId(new_id()),
    symbol="005930",
    condition="price_above",
    value=Decimal(70000),
    repeat=False,
    status="active",
    expires_at=None,
    created_at=NOW,
    triggered_at=None,
    triggered_price=None,
)


@pytest.mark.parametrize(
    ("condition", "price", "expected"),
    [
        ("price_above", "69999", Step.NOTHING),
        ("price_above", "70000", Step.TRIGGER),
        ("price_above", "70000.01", Step.TRIGGER),
        ("price_below", "70001", Step.NOTHING),
        ("price_below", "70000", Step.TRIGGER),
        ("price_below", "1", Step.TRIGGER),
    ],
)
def test_an_alert_triggers_at_its_value_and_beyond(condition: Condition, price: str, expected: Step) -> None:
    assert step(replace(ABOVE, condition=condition), Decimal(price), NOW) is expected


@pytest.mark.parametrize("status", ["triggered", "expired"])
def test_an_alert_that_is_done_stays_done(status: Status) -> None:
    done = replace(ABOVE, status=status)
    assert {step(done, Decimal(price), NOW) for price in (1, 70000, 99999)} == {Step.NOTHING}


def test_an_alert_whose_time_has_run_out_does_nothing() -> None:
    assert step(replace(ABOVE, expires_at=NOW), Decimal(99999), NOW) is Step.NOTHING
    assert step(replace(ABOVE, expires_at=NOW + timedelta(seconds=1)), Decimal(99999), NOW) is Step.TRIGGER


def test_a_repeating_alert_is_ready_again_when_it_has_rested_and_the_price_has_returned() -> None:
    resting = replace(ABOVE, repeat=True, status="resting", triggered_at=NOW - REST, triggered_price=Decimal(70000))
    assert step(resting, Decimal(69999), NOW) is Step.REARM
    assert step(resting, Decimal(70000), NOW) is Step.NOTHING
    assert step(replace(resting, triggered_at=NOW), Decimal(69999), NOW) is Step.NOTHING


def test_its_notice_names_symbol_price_and_wish() -> None:
    notice = notice_of(ABOVE, Decimal("70100.50"))
    assert notice.title == "005930 is at 70,100.5"
    assert notice.body == "You asked to be told at or above 70,000."
    assert notice.data["price"] == "70100.5"
