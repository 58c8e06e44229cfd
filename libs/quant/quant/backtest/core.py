"""The compiled loop: one pass over the bars of one symbol with one strategy's signals.

Compiled on first use in each process, about three seconds; `warm_up` does it ahead of time. Nothing is cached on disk,
so that the package may be installed read-only. The loop holds no Python objects and lets other threads run.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from quant.bars import Mask, Series

BY_SIGNAL: Final = 0
BY_STOP_LOSS: Final = 1
BY_TAKE_PROFIT: Final = 2
STILL_OPEN: Final = 3
BY_TRAILING_STOP: Final = 4
BY_TIME: Final = 5
BY_DELISTING: Final = 6

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

# What is known of the open position.
HELD: Final = 0
STOP: Final = 1
TARGET: Final = 2
PEAK: Final = 3
TRAIL: Final = 4
AGE: Final = 5
STATE_SIZE: Final = 6

Prices = tuple[Series, Series, Series, Series]
"""Open, high, low, close."""
Flags = tuple[Mask, Mask, Mask]
"""Traded, entry, exit, as of each close."""
Rates = tuple[Series, Series, float]
"""Shares of the traded value lost on a buy and on a sale, one per bar, and slippage."""
Plan = tuple[float, float, float, float, float, float]
"""Cash, share of it to use, stop loss, take profit, trailing stop (fractions), bars to hold; 0 for none."""
Ticks = tuple[NDArray[np.int64], Series, Series]
"""The row of the tick table that holds on each bar; prices below which each step ends (the last infinite); ticks."""

# Prices lie further from a tick's line than this part of a tick, or on it: binary fractions blur what is on the line.
_BLUR: Final = 1e-9
DOWN: Final = -1
UP: Final = 1


@njit(nogil=True, error_model="numpy")
def simulate(prices: Prices, flags: Flags, rates: Rates, plan: Plan, ticks: Ticks, out: tuple[Series, Series]) -> int:
    """Fill `out`: equity (one value per bar, at the close) and the table of trades; the answer is their number."""
    opens, highs, lows, closes = prices
    traded, entries, exits = flags
    equity, trades = out
    cash, count = plan[0], 0
    state = np.zeros(STATE_SIZE)
    wants_in, wants_out, why = False, False, BY_SIGNAL
    for bar in range(closes.size):
        if traded[bar]:
            leaving, reason = 0.0, why
            if state[HELD] > 0 and wants_out:
                leaving = opens[bar]
            elif state[HELD] == 0 and wants_in:
                cash = _enter(state, trades[count], (cash, opens[bar], bar), rates, plan, ticks)
            if state[HELD] > 0 and leaving == 0:
                leaving, reason = protection(opens[bar], highs[bar], lows[bar], state)
            if leaving > 0:
                cash = _leave(state, trades[count], (cash, leaving, bar), rates, reason)
                count += 1
            else:
                _grow_older(state, highs[bar], bar, plan, ticks)
            is_late = plan[5] > 0 and state[HELD] > 0 and state[AGE] >= plan[5]
            wants_in, wants_out = entries[bar] and not exits[bar], exits[bar] or is_late
            why = BY_SIGNAL if exits[bar] else BY_TIME
        equity[bar] = cash + state[HELD] * closes[bar]
    if state[HELD] > 0:
        _note_exit(trades[count], closes.size - 1, closes[-1], 0.0, STILL_OPEN)
        count += 1
    return count


@njit(nogil=True, error_model="numpy")
def _enter(state: Series, row: Series, now: tuple[float, float, int], rates: Rates, plan: Plan, ticks: Ticks) -> float:
    """Buy at `now` (cash, opening price, bar): the cash that is left."""
    cash, opening, bar = now
    price = opening * (1 + rates[2])
    shares = affordable(cash, plan[1], price * (1 + rates[0][bar]))
    cost = shares * price * rates[0][bar]
    row[ENTRY], row[SHARES], row[ENTRY_PRICE], row[ENTRY_COST] = bar, shares, price, cost
    state[HELD], state[PEAK], state[AGE] = shares, price, 0
    state[STOP] = on_tick(price * (1 - plan[2]), bar, ticks, DOWN) if plan[2] > 0 else 0.0
    state[TARGET] = on_tick(price * (1 + plan[3]), bar, ticks, UP) if plan[3] > 0 else np.inf
    state[TRAIL] = on_tick(price * (1 - plan[4]), bar, ticks, DOWN) if plan[4] > 0 else 0.0
    left: float = cash - (shares * price + cost)
    return left


@njit(nogil=True, error_model="numpy")
def _leave(state: Series, row: Series, now: tuple[float, float, int], rates: Rates, reason: int) -> float:
    """Sell everything at `now` (cash, price shown, bar): the cash there is then."""
    cash, shown, bar = now
    price = shown * (1 - rates[2])
    cost = state[HELD] * price * rates[1][bar]
    there: float = cash + (state[HELD] * price - cost)
    _note_exit(row, bar, price, cost, reason)
    state[HELD] = 0.0
    return there


@njit(nogil=True, error_model="numpy")
def _grow_older(state: Series, high: float, bar: int, plan: Plan, ticks: Ticks) -> None:
    """End a bar with the position. Its high moves the trailing stop of later bars: nobody knows what came first."""
    state[AGE] += 1
    if plan[4] > 0 and high > state[PEAK]:
        state[PEAK] = high
        state[TRAIL] = max(state[TRAIL], on_tick(high * (1 - plan[4]), bar, ticks, DOWN))


@njit(nogil=True, error_model="numpy")
def affordable(cash: float, portion: float, each: float) -> float:
    """Whole shares for a portion of the cash, costs included."""
    shares: float = np.floor(cash * portion / each)
    # The division may have rounded up to a share too many.
    return shares - 1 if shares > 0 and shares * each > cash else shares


@njit(nogil=True, error_model="numpy")
def protection(opening: float, high: float, low: float, state: Series) -> tuple[float, int]:
    """The price and reason of an exit within the bar, price 0 for none; the open when it lies beyond already.

    The stops are looked at before the target: within a bar nobody knows which came first.
    """
    stop = max(state[STOP], state[TRAIL])
    if low <= stop:
        return min(opening, stop), BY_TRAILING_STOP if state[TRAIL] > state[STOP] else BY_STOP_LOSS
    if high >= state[TARGET]:
        return max(opening, state[TARGET]), BY_TAKE_PROFIT
    return 0.0, BY_SIGNAL


@njit(nogil=True, error_model="numpy")
def on_tick(price: float, bar: int, ticks: Ticks, direction: int) -> float:
    """The next price of the grid below or above; the price itself where no grid is given."""
    if ticks[2].size == 0:
        return price
    size = tick_at(price, bar, ticks)
    if size >= 1:
        return size * whole(price / size, direction)
    # A cent has no exact binary form, a hundred cents to the dollar do.
    parts: float = np.rint(1 / size)
    return whole(price * parts, direction) / parts


@njit(nogil=True, error_model="numpy")
def tick_at(price: float, bar: int, ticks: Ticks) -> float:
    """The tick that applies at a price."""
    rows, below, sizes = ticks
    line, step = rows[bar], 0
    while price >= below[line, step]:
        step += 1
    size: float = sizes[line, step]
    return size


@njit(nogil=True, error_model="numpy")
def whole(steps: float, direction: int) -> float:
    """The next whole number below or above; what is blurred away from one is that one."""
    rounded: float = np.ceil(steps - _BLUR) if direction == UP else np.floor(steps + _BLUR)
    return rounded


@njit(nogil=True, error_model="numpy")
def _note_exit(row: Series, bar: int, price: float, cost: float, reason: int) -> None:
    row[EXIT], row[EXIT_PRICE], row[EXIT_COST], row[REASON] = bar, price, cost, reason


def no_ticks() -> Ticks:
    """A grid without lines: every price is a price."""
    return np.zeros(0, dtype=np.int64), np.zeros((0, 0)), np.zeros((0, 0))


def warm_up() -> None:
    """Compile the loop now rather than at the first backtest."""
    column, flags = np.ones(2), np.zeros(2, dtype=np.bool_)
    prices = (column, column, column, column)
    plan = (1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    out = (np.empty(2), np.empty((2, TRADE_COLUMNS)))
    simulate(prices, (flags, flags, flags), (column, column, 0.0), plan, no_ticks(), out)
