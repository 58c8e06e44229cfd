"""The same average cross on the same bars at the same costs makes the trades of vectorbt and of backtesting.py."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from quant.backtest import CostRates, Result, StrategySpec, run
from quant.bars import Bars
from quant.performance import max_drawdown, returns_of

FAST, SLOW, FEE, CASH = 10, 30, 0.0015, 100_000_000.0


class Seen(NamedTuple):
    """What a program made of it: entry bar, exit bar, shares, entry price, exit price of each closed trade."""

    trades: list[tuple[int, int, int, float, float]]
    final: float
    drawdown: float


def a_walk(seed: int, size: int = 1_500) -> Bars:
    random = np.random.default_rng(seed)
    close = np.round(10_000 * np.exp(random.normal(0.0002, 0.015, size).cumsum()))
    opened = np.round(close * np.exp(random.normal(0, 0.005, size)))
    columns = {
        "open": opened,
        "high": np.ceil(np.maximum(opened, close) * 1.005),
        "low": np.floor(np.minimum(opened, close) * 0.995),
        "close": close,
        "volume": np.full(size, 1e6),
    }
    return Bars.of(np.datetime64("2015-01-01") + np.arange(size), columns)


def frame_of(bars: Bars) -> pd.DataFrame:
    columns = {name.capitalize(): getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(bars.dates))


def crosses(close: pd.Series) -> tuple[pd.Series, pd.Series]:
    fast, slow = close.rolling(FAST).mean(), close.rolling(SLOW).mean()
    above, below = fast > slow, fast < slow
    known = slow.shift().notna()
    return above & (fast.shift() <= slow.shift()) & known, below & (fast.shift() >= slow.shift()) & known


def ours(bars: Bars) -> Seen:
    spec = StrategySpec(
        f"crosses_above(sma({FAST}), sma({SLOW}))", f"crosses_below(sma({FAST}), sma({SLOW}))", initial_cash=CASH
    )
    rates = CostRates(np.full(len(bars), FEE), np.full(len(bars), FEE))
    result: Result = run(bars, spec, rates)
    place = {day: number for number, day in enumerate(bars.dates.tolist())}
    trades = [
        (place[trade.entry_date], place[trade.exit_date], trade.shares, trade.entry_price, trade.exit_price)
        for trade in result.trades
        if trade.reason != "open"
    ]
    curve = np.concatenate(([CASH], result.equity))
    return Seen(trades, float(result.equity[-1]), max_drawdown(returns_of(curve)))


def by_vectorbt(bars: Bars) -> Seen:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import vectorbt  # noqa: PLC0415 - it warns while it is imported

        frame = frame_of(bars)
        entries, exits = (signal.shift(fill_value=False) for signal in crosses(frame["Close"]))
        made = vectorbt.Portfolio.from_signals(
            frame["Close"], entries, exits, price=frame["Open"], fees=FEE, init_cash=CASH, size_granularity=1, freq="1D"
        )
        records: Any = made.trades.records
    closed = records[records["status"] == 1]
    names = ["entry_idx", "exit_idx", "size", "entry_price", "exit_price"]
    trades = [(int(a), int(b), round(c), float(d), float(e)) for a, b, c, d, e in closed[names].to_numpy()]
    return Seen(trades, float(made.value().iloc[-1]), float(made.max_drawdown()))


def by_backtesting(bars: Bars) -> Seen:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from backtesting import Backtest, Strategy  # noqa: PLC0415 - it warns while it is imported

        frame = frame_of(bars)
        signals = crosses(frame["Close"])

        class Cross(Strategy):  # type: ignore[misc, no-any-unimported]
            def init(self) -> None:
                # columns are cut to what is known by then only if they are attributes
                self.rises, self.falls = (self.I(signal.to_numpy) for signal in signals)

            def next(self) -> None:
                if self.falls[-1] and self.position:
                    self.position.close()
                elif self.rises[-1] and not self.position:
                    self.buy()

        stats = Backtest(frame, Cross, cash=CASH, commission=FEE, finalize_trades=False).run()
    made = stats["_trades"]
    names = ["EntryBar", "ExitBar", "Size", "EntryPrice", "ExitPrice"]
    trades = [(int(a), int(b), int(c), float(d), float(e)) for a, b, c, d, e in made[names].to_numpy()]
    curve = np.concatenate(([CASH], stats["_equity_curve"]["Equity"].to_numpy()))
    return Seen(trades, float(curve[-1]), max_drawdown(returns_of(curve)))


@pytest.mark.requirement("product 4: correctness against other people's results")
@pytest.mark.timeout(600)  # vectorbt compiles itself at its first use
@pytest.mark.parametrize("peer", [by_vectorbt, by_backtesting])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_average_cross_makes_the_trades_of_the_peer(peer: Any, seed: int) -> None:
    bars = a_walk(seed)
    mine, theirs = ours(bars), peer(bars)
    assert len(mine.trades) > 10
    assert [trade[:3] for trade in mine.trades] == [trade[:3] for trade in theirs.trades]
    assert np.allclose([trade[3:] for trade in mine.trades], [trade[3:] for trade in theirs.trades], rtol=1e-12)
    assert mine.final == pytest.approx(theirs.final, rel=1e-9)
    assert mine.drawdown == pytest.approx(theirs.drawdown, rel=1e-9)
