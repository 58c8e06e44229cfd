"""Risk limits of a run: written and read they are the same, and the engine gets them as trading means them."""

from dataclasses import fields
from decimal import Decimal
from typing import Any

from backtest.domain.limits import NO_LIMITS, RiskLimits, read, write

AMOUNTS: dict[str, Any] = {
    each.name: Decimal(place)
    for place, each in enumerate(fields(RiskLimits), 1)
    if each.name not in {"daily_trades_max", "open_orders_max", "restricted_symbols"}
}
ALL = RiskLimits(**AMOUNTS, daily_trades_max=3, open_orders_max=4, restricted_symbols=("000660", "005930"))


def test_limits_come_back_as_they_were_written_and_none_are_nothing() -> None:
    assert read(write(ALL)) == ALL
    assert (write(NO_LIMITS), read(None)) == (None, NO_LIMITS)


def test_every_limit_reaches_the_engine_and_a_weight_becomes_a_share() -> None:
    bounds = ALL.bounds("KRW")
    nothing = NO_LIMITS.bounds("KRW")
    assert all(getattr(bounds, each.name) != getattr(nothing, each.name) for each in fields(bounds))
    assert bounds.position_weight_max == ALL.position_weight_max_percent / 100  # type: ignore[operator]
    assert bounds.value_max == {"KRW": ALL.order_value_max}
