"""How a symbol stands: what its stream tells comes on top of what was shown, each trade once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from broker.adapters.market_data import Depth, LastPrice, Trade
from broker.adapters.standing import Standing

SHOWN_AT = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)


def test_where_trades_do_not_say_the_days_volume_it_is_counted_on_from_what_was_shown() -> None:
    figures = [Decimal(figure) for figure in (700, 40, 690, 695, 705, 694)]
    shown = Standing(LastPrice("AAPL", *figures, at=SHOWN_AT), Depth("AAPL", (), ()))

    def a_trade(seconds: float, price: int) -> Trade:
        return Trade("AAPL", SHOWN_AT + timedelta(seconds=seconds), Decimal(price), Decimal(5), None)

    assert shown.then(a_trade(0, 700)) is None, "the newest trade that was shown"
    assert shown.then(a_trade(-1, 690)) is None, "one before it"
    first = shown.then(a_trade(0.1, 710))
    assert first is not None
    assert (first.day.price, first.day.day_volume, first.day.high, first.day.open) == (710, 45, 710, 695)
    second = first.then(a_trade(0.1, 709))
    assert second is not None, "two trades may have the same moment"
    assert (second.day.price, second.day.day_volume, second.day.high) == (709, 50, 710)
