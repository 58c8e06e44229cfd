"""What an automation may do, when, with how much, and what a hook's message means: without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from kit.ids import new_id
from trading.domain.automation import (
    Automation,
    AutomationId,
    Phase,
    Schedule,
    Status,
    appointments,
    never_fires,
    shares_for,
    stake,
)
from trading.domain.hook import Alert, Hook, HookId, Unreadable, is_overdue, key_of, read_alert
from trading.domain.plan import UnusableDocument, read_plan
from trading.domain.request import AccountId
from trading.domain.signal import TRANSITIONS, SignalStatus, first_status

NOW = datetime(2024, 12, 16, 1, tzinfo=UTC)  # a Monday, 10:00 in Seoul
MONDAY = NOW.date()


def an_automation(**changes: Any) -> Automation:
    values: dict[str, Any] = {
        "id": AutomationId(new_id()),
        "account_id": AccountId(new_id()),
        "name": "밤사이",
        "strategy_id": new_id(),
        "version": 1,
        "market": "KRX",
        "currency": "KRW",
        "symbols": ("005930", "000660"),
        "history_from": None,
        "mode": "automatic",
        "capital": Decimal(10_000_000),
        "positions_max": 2,
        "answer_seconds": 300,
        "interval": "5m",
        "weekdays": (1, 2, 3, 4, 5),
        "not_before": time(9, 30),
        "not_after": time(15),
        "order_value_max": None,
        "orders_per_day_max": None,
        "daily_loss_max": None,
        "cool_off_minutes": 60,
        "status": Status.RUNNING,
        "reason": None,
        "cool_off_until": None,
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Automation(**(values | changes))


@pytest.mark.parametrize(
    ("invested", "profit", "cap", "money"),
    [
        (0, 0, None, 5_000_000),
        (5_000_000, 0, None, 5_000_000),
        (8_000_000, 0, None, 2_000_000),
        (0, 2_000_000, None, 6_000_000),
        (0, -10_000_000, None, 0),
        (12_000_000, 0, None, 0),
        (0, 0, 1_000_000, 1_000_000),
    ],
)
def test_a_position_takes_its_share_of_what_the_automation_is_worth_and_no_more_than_is_left(
    invested: int, profit: int, cap: int | None, money: int
) -> None:
    automation = an_automation(order_value_max=None if cap is None else Decimal(cap))
    assert stake(automation, Decimal(1), Decimal(invested), Decimal(profit)) == money


def test_shares_are_whole_and_leave_room_for_the_fee() -> None:
    assert shares_for(Decimal(100_000), Decimal(10_000), Decimal(0)) == 10
    assert shares_for(Decimal(100_000), Decimal(10_000), Decimal("0.00015")) == 9


@pytest.mark.parametrize(("hour", "minute", "may"), [(9, 29, False), (9, 30, True), (15, 0, True), (15, 1, False)])
def test_it_buys_within_its_local_times_only(hour: int, minute: int, may: bool) -> None:
    moment = datetime(2024, 12, 16, hour, minute, tzinfo=UTC) - timedelta(hours=9)
    assert an_automation().may_enter(MONDAY, moment) is may
    assert an_automation(weekdays=(2, 3)).may_enter(MONDAY, moment) is False
    assert an_automation(interval="1d").may_enter(MONDAY, moment) is True


def test_the_weekday_is_that_of_the_day_traded_though_it_is_replayed_on_a_saturday() -> None:
    saturday = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
    assert an_automation(interval="1d").may_enter(MONDAY, saturday) is True
    assert an_automation(interval="1d", weekdays=(6,)).may_enter(MONDAY, saturday) is False


def test_schedules_that_never_fire_are_known() -> None:
    assert never_fires(Schedule(interval="1d"), "KRX") is None
    assert never_fires(Schedule(interval="1d", weekdays=(6,)), "KRX") is not None
    assert never_fires(Schedule(interval="5m", not_before=time(16)), "KRX") is not None
    assert never_fires(Schedule(interval="5m", not_before=time(15, 45)), "US") is None


def test_appointments_are_half_past_eight_and_fifteen_thirty_five_on_days_of_trade() -> None:
    friday = datetime(2024, 12, 13, 12, tzinfo=UTC)
    found = appointments("KRX", friday, friday + timedelta(days=3))
    assert [(phase, at.isoformat()) for phase, at in found] == [
        (Phase.PREPARE, "2024-12-15T23:30:00+00:00"),
        (Phase.TIDY, "2024-12-16T06:35:00+00:00"),
    ]


def test_only_what_asks_or_waits_can_still_become_something() -> None:
    assert {status for status in SignalStatus if TRANSITIONS[status]} == {SignalStatus.ASKED, SignalStatus.WAITING}
    assert set(TRANSITIONS) == set(SignalStatus)
    assert first_status("ask", "entry") is SignalStatus.ASKED
    assert first_status("ask", "stop_loss") is SignalStatus.WAITING, "what protects money asks nobody"
    assert first_status("notify", "stop_loss") is SignalStatus.NOTED


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "buy", "ticker": "KRX:005930"},
        {"side": "LONG", "symbol": "005930.KS", "price": "not a price"},
        {"trdeTp": "매수", "stk_cd": "005930", "dmstStexTp": "KRX"},
    ],
)
def test_alerts_are_read_in_the_words_of_charts_and_of_korean_brokers(payload: dict[str, str]) -> None:
    assert read_alert(payload, "KRX") == Alert(symbol="005930", side="buy", price=None)


def test_a_flat_position_is_a_sale_whatever_the_action_says() -> None:
    payload = {"action": "buy", "ticker": "005930", "market_position": "flat", "close": "56000"}
    assert read_alert(payload, "KRX") == Alert(symbol="005930", side="sell", price=Decimal(56_000))
    with pytest.raises(Unreadable, match="write one of"):
        read_alert({"ticker": "005930"}, "KRX")


def test_an_alert_is_known_by_its_id_or_else_by_all_it_says() -> None:
    assert key_of({"alert_id": "1", "action": "buy"}) == key_of({"alert_id": "1", "action": "sell"})
    assert key_of({"action": "buy", "time": "1"}) != key_of({"action": "buy", "time": "2"})


def test_a_hook_is_missed_only_while_its_market_is_open() -> None:
    hook = Hook(
        id=HookId(new_id()),
        automation_id=AutomationId(new_id()),
        name="추세",
        secret_digest="",
        expected_every_minutes=30,
        created_at=NOW - timedelta(days=3),
    )
    opened = NOW - timedelta(hours=1)
    assert not is_overdue(hook, "KRX", opened + timedelta(minutes=30)), "the night before does not count"
    assert is_overdue(hook, "KRX", opened + timedelta(minutes=31))
    assert not is_overdue(replace(hook, heard_at=NOW), "KRX", NOW + timedelta(minutes=30))
    assert not is_overdue(hook, "KRX", NOW + timedelta(hours=8)), "after the close"
    assert not is_overdue(hook, "KRX", NOW - timedelta(days=1)), "a Sunday"
    assert not is_overdue(replace(hook, expected_every_minutes=None), "KRX", NOW)


def test_a_document_of_a_later_format_is_no_plan() -> None:
    with pytest.raises(UnusableDocument, match="format 3, known is 2"):
        read_plan({"format": 3})
