"""Interruptions: the published rates, at and around their triggers."""

from decimal import Decimal

import pytest
from quant.markets.interruptions import BREAKERS, dynamic_rate, interrupts


@pytest.mark.parametrize(
    ("liquidity", "phase", "rate"),
    [
        ("kospi200", "continuous", "0.03"),
        ("kospi200", "closing_auction", "0.02"),
        ("kospi200", "single_price", "0.03"),
        ("other", "continuous", "0.06"),
        ("other", "closing_auction", "0.04"),
        ("other", "single_price", "0.06"),
    ],
)
def test_dynamic_rates_are_the_exchanges(liquidity: str, phase: str, rate: str) -> None:
    assert dynamic_rate(liquidity, phase) == Decimal(rate)
    assert dynamic_rate(liquidity, "opening_auction") is None


@pytest.mark.parametrize(
    ("price", "last", "static", "phase", "stops"),
    [
        (103_000, 100_000, 100_000, "continuous", True),
        (102_900, 100_000, 100_000, "continuous", False),
        (97_000, 100_000, 100_000, "continuous", True),
        (102_000, 100_000, 100_000, "closing_auction", True),
        (110_000, 109_000, 100_000, "continuous", True),
        (109_900, 109_000, 100_000, "continuous", False),
        (110_000, 100_000, 100_000, "opening_auction", True),
        (110_000, 109_000, 100_000, "after_market", False),
    ],
)
def test_a_trade_at_the_trigger_interrupts(price: int, last: int, static: int, phase: str, stops: bool) -> None:
    given = [Decimal(number) for number in (price, last, static)]
    assert interrupts(*given, "kospi200", phase) is stops


def test_the_third_stage_closes_the_market() -> None:
    assert [(breaker.fall, breaker.halt is None) for breaker in BREAKERS] == [
        (Decimal("0.08"), False),
        (Decimal("0.15"), False),
        (Decimal("0.20"), True),
    ]
