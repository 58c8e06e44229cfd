"""The compiled loop: one pass over the bars of one symbol with one strategy's signals.

Compiled on first use in each process, about two seconds; `warm_up` does it ahead of time. Nothing is cached on disk,
so that the package may be installed read-only. The loop holds no Python objects and lets other threads run.
"""

from typing import Final

import numpy as np
from numba import njit

from quant.bars import Mask, Series

BY_SIGNAL: Final = 0
BY_STOP_LOSS: Final = 1
BY_TAKE_PROFIT: Final = 2
STILL_OPEN: Final = 3

# Columns of the trade table, one row per trade.
ENTRY: Final = 0
EXIT: Final = 1
SHARES: Final = 2
ENTRY_PRICE: Final = 3
EXIT_PRICE: Final = 4
ENTRY_COST: Final = 5
EXIT_COST: Final = 6
REASON: Final = 7
TRADE_COLUMNS: Final = 8


@njit(nogil=True, error_model="numpy")
def simulate(
    prices: tuple[Series, Series, Series, Series],
    flags: tuple[Mask, Mask, Mask],
    rates: tuple[Series, Series, float],
    plan: tuple[float, float, float, float],
    equity: Series,
    trades: Series,
) -> int:
    """Fill `equity` (one value per bar, at the close) and `trades`; the answer is the number of trades.

    prices: open, high, low, close. flags: traded, entry, exit, as of each close. rates: buy, sell, slippage.
    plan: cash at the start, share of the cash to use, stop loss and take profit as fractions (0 for none).
    """
    opens, highs, lows, closes = prices
    traded, entries, exits = flags
    buy_rates, sell_rates, slippage = rates
    cash, portion, stop_loss, take_profit = plan
    shares, stop, target, count = 0.0, 0.0, np.inf, 0
    wants_in, wants_out = False, False
    for bar in range(closes.size):
        if traded[bar]:
            leaving, reason = 0.0, BY_SIGNAL
            if shares > 0 and wants_out:
                leaving = opens[bar]
            elif shares == 0 and wants_in:
                price = opens[bar] * (1 + slippage)
                shares = _affordable(cash, portion, price * (1 + buy_rates[bar]))
                cost = shares * price * buy_rates[bar]
                cash -= shares * price + cost
                _note_entry(trades[count], bar, shares, price, cost)
                stop = price * (1 - stop_loss) if stop_loss > 0 else 0.0
                target = price * (1 + take_profit) if take_profit > 0 else np.inf
            if shares > 0 and leaving == 0:
                leaving, reason = _protection(opens[bar], highs[bar], lows[bar], stop, target)
            if leaving > 0:
                price = leaving * (1 - slippage)
                cost = shares * price * sell_rates[bar]
                cash += shares * price - cost
                _note_exit(trades[count], bar, price, cost, reason)
                shares = 0.0
                count += 1
            wants_in, wants_out = entries[bar] and not exits[bar], exits[bar]
        equity[bar] = cash + shares * closes[bar]
    if shares > 0:
        _note_exit(trades[count], closes.size - 1, closes[-1], 0.0, STILL_OPEN)
        count += 1
    return count


@njit(nogil=True, error_model="numpy")
def _affordable(cash: float, portion: float, each: float) -> float:
    """Whole shares for a portion of the cash, costs included."""
    shares: float = np.floor(cash * portion / each)
    # The division may have rounded up to a share too many.
    return shares - 1 if shares > 0 and shares * each > cash else shares


@njit(nogil=True, error_model="numpy")
def _protection(opening: float, high: float, low: float, stop: float, target: float) -> tuple[float, int]:
    """The price and reason of an exit within the bar, price 0 for none; the open when it lies beyond already.

    The stop is looked at before the target: within a bar nobody knows which came first.
    """
    if low <= stop:
        return min(opening, stop), BY_STOP_LOSS
    if high >= target:
        return max(opening, target), BY_TAKE_PROFIT
    return 0.0, BY_SIGNAL


@njit(nogil=True, error_model="numpy")
def _note_entry(row: Series, bar: int, shares: float, price: float, cost: float) -> None:
    row[ENTRY], row[SHARES], row[ENTRY_PRICE], row[ENTRY_COST] = bar, shares, price, cost


@njit(nogil=True, error_model="numpy")
def _note_exit(row: Series, bar: int, price: float, cost: float, reason: int) -> None:
    row[EXIT], row[EXIT_PRICE], row[EXIT_COST], row[REASON] = bar, price, cost, reason


def warm_up() -> None:
    """Compile the loop now rather than at the first backtest."""
    column, flags = np.ones(2), np.zeros(2, dtype=np.bool_)
    prices = (column, column, column, column)
    plan = (1.0, 1.0, 0.0, 0.0)
    simulate(prices, (flags, flags, flags), (column, column, 0.0), plan, np.empty(2), np.empty((2, TRADE_COLUMNS)))
