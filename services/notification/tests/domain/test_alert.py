"""Alerts: what every price means for every kind of alert."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from kit.ids import new_id
from notification.domain.alert import (
    REST,
    Alert,
    AlertId,
    Condition,
    Decided,
    Seen,
    Status,
    Step,
    is_waiting,
    notice_of,
    step,
    then,
)
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
    assert step(replace(ABOVE, condition=condition), Seen(Decimal(price)), NOW) is expected


@pytest.mark.parametrize("status", ["triggered", "expired"])
def test_an_alert_that_is_done_stays_done(status: Status) -> None:
    done = replace(ABOVE, status=status)
    assert {step(done, Seen(Decimal(price)), NOW) for price in (1, 70000, 99999)} == {Step.NOTHING}


def test_an_alert_whose_time_has_run_out_does_nothing() -> None:
    assert step(replace(ABOVE, expires_at=NOW), Seen(Decimal(99999)), NOW) is Step.NOTHING
    assert step(replace(ABOVE, expires_at=NOW + timedelta(seconds=1)), Seen(Decimal(99999)), NOW) is Step.TRIGGER


MET = Seen(Decimal(70001))


@pytest.mark.parametrize(
    ("decided", "stands", "repeat", "becomes"),
    [
        (Step.TRIGGER, "active", False, "triggered"),
        (Step.TRIGGER, "active", True, "resting"),
        (Step.TRIGGER, "resting", True, None),
        (Step.TRIGGER, "triggered", False, None),
        (Step.TRIGGER, "expired", False, None),
        (Step.REARM, "resting", True, "active"),
        (Step.REARM, "active", True, None),
        (Step.REARM, "triggered", False, None),
        (Step.REARM, "expired", True, None),
    ],
)
def test_what_was_decided_is_done_only_to_an_alert_that_stands_as_it_stood_then(
    decided: Step, stands: Status, repeat: bool, becomes: Status | None
) -> None:
    alert = replace(ABOVE, status=stands, repeat=repeat)
    after = then(alert, Decided(alert, MET, decided, new_id()), NOW)
    assert (None if after is None else after.status) == becomes
    if becomes is not None and decided is Step.TRIGGER:
        assert after == replace(alert, status=becomes, triggered_at=NOW, triggered_price=MET.price)


def test_an_alert_that_runs_out_before_it_is_told_is_told_no_more() -> None:
    alert = replace(ABOVE, expires_at=NOW)
    assert then(alert, Decided(alert, MET, Step.TRIGGER, new_id()), NOW) is None
    assert not is_waiting(alert, NOW)
    assert is_waiting(replace(ABOVE, status="resting"), NOW)


def test_a_repeating_alert_is_ready_again_when_it_has_rested_and_the_price_has_returned() -> None:
    resting = replace(ABOVE, repeat=True, status="resting", triggered_at=NOW - REST, triggered_price=Decimal(70000))
    assert step(resting, Seen(Decimal(69999)), NOW) is Step.REARM
    assert step(resting, Seen(Decimal(70000)), NOW) is Step.NOTHING
    assert step(replace(resting, triggered_at=NOW), Seen(Decimal(69999)), NOW) is Step.NOTHING


def test_its_notice_names_symbol_price_and_wish() -> None:
    notice = notice_of(ABOVE, Seen(Decimal("70100.50")))
    assert notice.title == "005930 is at 70,100.5"
    assert notice.body == "You asked to be told at or above 70,000."
    assert notice.data["price"] == "70100.5"


@pytest.mark.parametrize(
    ("condition", "value", "seen", "expected"),
    [
        ("change_above", "5", Seen(Decimal(1), Decimal("4.99")), Step.NOTHING),
        ("change_above", "5", Seen(Decimal(1), Decimal(5)), Step.TRIGGER),
        ("change_below", "-3", Seen(Decimal(1), Decimal("-2.99")), Step.NOTHING),
        ("change_below", "-3", Seen(Decimal(1), Decimal("-3.5")), Step.TRIGGER),
        ("volume_above", "1000", Seen(Decimal(1), None, 999), Step.NOTHING),
        ("volume_above", "1000", Seen(Decimal(1), None, 1000), Step.TRIGGER),
        ("volume_above", "1000", Seen(Decimal(1)), Step.NOTHING),
        ("change_below", "-3", Seen(Decimal(1)), Step.NOTHING),
    ],
)
def test_change_and_volume_trigger_as_well_and_what_a_quote_does_not_say_meets_nothing(
    condition: Condition, value: str, seen: Seen, expected: Step
) -> None:
    assert step(replace(ABOVE, condition=condition, value=Decimal(value)), seen, NOW) is expected


def test_the_pause_is_the_owners_own() -> None:
    resting = replace(ABOVE, repeat=True, status="resting", triggered_at=NOW - REST, triggered_price=Decimal(70000))
    patient = replace(resting, pause_seconds=3_600)
    assert step(patient, Seen(Decimal(69999)), NOW) is Step.NOTHING
    assert step(patient, Seen(Decimal(69999)), NOW + timedelta(hours=1)) is Step.REARM


@pytest.mark.parametrize(
    ("condition", "value", "english", "korean"),
    [
        ("price_above", "70000", "005930 is at 71,000", "005930 현재가 71,000"),
        ("change_above", "5", "005930 has changed by +5.25%, to 71,000", "005930 등락률 +5.25%, 현재가 71,000"),
        ("volume_above", "10", "005930 has traded 1,234 shares, at 71,000", "005930 거래량 1,234주, 현재가 71,000"),
    ],
)
def test_its_notice_tells_the_figure_it_is_about(condition: Condition, value: str, english: str, korean: str) -> None:
    seen = Seen(Decimal(71000), Decimal("5.25"), 1234)
    notice = notice_of(replace(ABOVE, condition=condition, value=Decimal(value)), seen)
    assert (notice.title, notice.said_in("ko").title) == (english, korean)


RULE = replace(ABOVE, condition="rule", value=Decimal(0), rule="rsi(14) < 30", interval="1d")


def test_a_rule_triggers_when_it_holds_on_a_bar_and_means_nothing_to_a_quote() -> None:
    assert step(RULE, Seen(Decimal(1), holds=True), NOW) is Step.TRIGGER
    assert step(RULE, Seen(Decimal(1), holds=False), NOW) is Step.NOTHING
    assert step(RULE, Seen(Decimal(1)), NOW) is Step.NOTHING


def test_its_notice_tells_what_a_rule_read_in_both_languages_and_leaves_out_what_is_unknown() -> None:
    seen = Seen(Decimal(71000), holds=True, readings=(("rsi(14)", "28.123456"), ("sma(200)", "nan")))
    notice = notice_of(RULE, seen)
    assert (notice.title, notice.said_in("ko").title) == (
        "005930 meets your rule, at 71,000",
        "005930 규칙 성립, 종가 71,000",
    )
    assert notice.body == "On daily bars this holds: rsi(14) < 30 (rsi(14) 28.1235)."
    assert notice.said_in("ko").body == "일봉 규칙: rsi(14) < 30 (rsi(14) 28.1235)."
    assert notice_of(RULE, Seen(Decimal(1), holds=True)).body == "On daily bars this holds: rsi(14) < 30."
