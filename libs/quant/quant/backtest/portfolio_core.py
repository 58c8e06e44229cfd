"""The compiled loop of portfolios: all symbols day by day, one purse of cash, on the stops and ticks of `core`.

What is wanted is decided at a close and traded at the next open, sales before purchases, purchases in order of rank.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from quant.backtest import core
from quant.backtest.core import Prices, Rates, Ticks
from quant.bars import Mask, Series

# What is known of a symbol beside the state of its position.
BOUGHT: Final = 0
"""Shares bought since it was last flat, and what was paid for them."""
PAID: Final = 1
BUYS: Final = 2
BUY_COST: Final = 3
SOLD: Final = 4
RECEIVED: Final = 5
SALES: Final = 6
SALE_COST: Final = 7
ENTERED: Final = 8
"""The row of the first purchase."""
LEAVING: Final = 9
"""Why all of it is to be sold at the next open, plus one; 0 while nothing is to be sold."""
LEFT: Final = 10
"""Shares of today's volume that may still be ours."""
LAST: Final = 11
"""The row of the newest bar so far; -1 before the first."""
PRICE: Final = 12
"""Of the first purchase."""
GONE: Final = 13
"""Whether it is listed no more."""
BOOK_SIZE: Final = 14

# What is summed up over the run.
CASH: Final = 0
UNFILLED: Final = 1
BOUGHT_VALUE: Final = 2
SOLD_VALUE: Final = 3
TRADES: Final = 4
SUMS_SIZE: Final = 5

# Columns of the days.
EQUITY: Final = 0
FLOW: Final = 1
"""Cash from the trades of the day, negative when more was bought."""
DAY_COLUMNS: Final = 2

Market = tuple[Prices, Series, Mask]
"""Prices, volume, and which bars traded: one value for each row."""
Bands = tuple[Series, Series]
"""For each row: the close before it (0 for none), and by which fraction the price may move (0 for no limit)."""
Wish = tuple[float, float, float, float, float, float, float]
"""Cash, share of the equity to invest, positions, tolerance, share of the volume (0: all), stop loss, take profit."""
Choices = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""For each day the row of the choice made at its close, or -1; the choices: symbols by rank, -1 for nobody; for each
symbol the first day on which it is listed no more."""


@njit(nogil=True, error_model="numpy")
def simulate(
    place: NDArray[np.int32],
    bars: Market,
    rules: tuple[Rates, Ticks, Bands],
    wish: Wish,
    choices: Choices,
    out: tuple[Series, Series, Series],
) -> None:
    """Fill `out`: the days, the table of trades (of `core`, its bars being rows) and the sums.

    `place` has the row of each symbol (columns) on each day, -1 for none.
    """
    days, trades, sums = out
    symbols = place.shape[1]
    state, book = np.zeros((symbols, core.STATE_SIZE)), np.zeros((symbols, BOOK_SIZE))
    book[:, LAST] = -1.0
    sums[CASH] = wish[0]
    chosen, target = -1, 0.0
    for day in range(place.shape[0]):
        before = sums[CASH]
        _begin_day(place[day], bars, wish, book)
        now = (wish, target, chosen >= 0)
        for symbol in range(symbols):
            if state[symbol, core.HELD] > 0:
                book[symbol, GONE] = place[day, symbol] < 0 and choices[2][symbol] <= day
                _sell_at_open(state[symbol], book[symbol], bars, rules, now, (trades, sums))
        if chosen >= 0:
            for symbol in choices[1][chosen]:
                if symbol >= 0 and place[day, symbol] >= 0:
                    _buy(state[symbol], book[symbol], bars, rules, (wish, target), sums)
        worth = _live(place[day], state, book, bars, rules, (trades, sums))
        days[day, EQUITY], days[day, FLOW] = sums[CASH] + worth, sums[CASH] - before
        chosen = choices[0][day]
        if chosen >= 0:
            target = days[day, EQUITY] * wish[1] / wish[2]
            _want(choices[1][chosen], (place[day], bars[2]), state, book)
    _value_what_is_held(state, book, bars, (trades, sums))


@njit(nogil=True, error_model="numpy")
def _live(
    place: NDArray[np.int32],
    state: Series,
    book: Series,
    bars: Market,
    rules: tuple[Rates, Ticks, Bands],
    out: tuple[Series, Series],
) -> float:
    """What happens within the bars of a day; what is held is worth so much at its close."""
    worth = 0.0
    for symbol in range(place.size):
        if state[symbol, core.HELD] > 0:
            if place[symbol] >= 0:
                _protect(state[symbol], book[symbol], bars, rules, out)
            worth += state[symbol, core.HELD] * bars[0][3][int(book[symbol, LAST])]
    return worth


@njit(nogil=True, error_model="numpy")
def _begin_day(place: NDArray[np.int32], bars: Market, wish: Wish, book: Series) -> None:
    for symbol in range(place.size):
        row = place[symbol]
        book[symbol, LEFT] = 0.0
        if row >= 0:
            book[symbol, LAST] = row
            if bars[2][row]:
                book[symbol, LEFT] = np.floor(bars[1][row] * wish[4]) if wish[4] > 0 else np.inf


@njit(nogil=True, error_model="numpy")
def _want(ranked: NDArray[np.int64], today: tuple[NDArray[np.int32], Mask], state: Series, book: Series) -> None:
    """At a close: what is held, traded today and was not chosen is to be sold; what did not trade stays as it is."""
    place, traded = today
    wanted = np.zeros(place.size, dtype=np.bool_)
    for symbol in ranked:
        if symbol >= 0:
            wanted[symbol] = True
    for symbol in range(wanted.size):
        row = place[symbol]
        if state[symbol, core.HELD] > 0 and row >= 0 and traded[row]:
            if not wanted[symbol] and book[symbol, LEAVING] == 0:
                book[symbol, LEAVING] = core.BY_SIGNAL + 1
            elif wanted[symbol] and book[symbol, LEAVING] == core.BY_SIGNAL + 1:
                book[symbol, LEAVING] = 0


@njit(nogil=True, error_model="numpy")
def _sell_at_open(
    state: Series,
    book: Series,
    bars: Market,
    rules: tuple[Rates, Ticks, Bands],
    now: tuple[Wish, float, bool],
    out: tuple[Series, Series],
) -> None:
    """Sell what is to leave; of what stays, when there was a choice, what is above its target.

    What was still held of a symbol when it left the exchange goes for its last close.
    """
    row = int(book[LAST])
    if book[GONE] > 0:
        _book_sale(state, book, (state[core.HELD], bars[0][3][row], rules[0][1][row]), (row, core.BY_DELISTING), out)
    if book[LEFT] == 0.0:
        return
    wish, target, is_rebalancing = now
    opening = bars[0][0][row]
    if book[LEAVING] > 0:
        _sell(state, book, (state[core.HELD], opening), bars, rules, (int(book[LEAVING]) - 1, out[0], out[1]))
    elif is_rebalancing and state[core.HELD] * opening > target * (1 + wish[3]):
        excess = state[core.HELD] - np.floor(target / opening)
        if 0 < excess < state[core.HELD]:
            _sell(state, book, (excess, opening), bars, rules, (core.BY_SIGNAL, out[0], out[1]))


@njit(nogil=True, error_model="numpy")
def _buy(
    state: Series,
    book: Series,
    bars: Market,
    rules: tuple[Rates, Ticks, Bands],
    now: tuple[Wish, float],
    sums: Series,
) -> None:
    """Buy up to the target, as far as cash, volume and the price limit allow."""
    row = int(book[LAST])
    wish, target = now
    opening = bars[0][0][row]
    held = state[core.HELD]
    is_near = held > 0 and held * opening >= target * (1 - wish[3])
    if not bars[2][row] or is_near or book[LEAVING] > 0:
        return
    rates, ticks, bands = rules
    price = opening * (1 + rates[2])
    each = price * (1 + rates[0][row])
    shares = min(np.floor(target / each) - held, core.affordable(sums[CASH], 1.0, each))
    if shares <= 0:
        return
    upper = _limit(row, ticks, bands, core.UP)
    done = 0.0 if bars[0][2][row] >= upper else min(shares, book[LEFT])
    sums[UNFILLED] += done < shares
    if done <= 0:
        return
    cost = done * price * rates[0][row]
    sums[CASH] -= done * price + cost
    sums[BOUGHT_VALUE] += done * price
    book[LEFT] -= done
    if held == 0:
        book[BOUGHT : SALE_COST + 1] = 0.0
        book[ENTERED], book[PRICE] = row, price
        state[core.PEAK], state[core.AGE], state[core.TRAIL] = price, 0.0, 0.0
    book[BOUGHT] += done
    book[PAID] += done * price
    book[BUYS] += 1
    book[BUY_COST] += cost
    state[core.HELD] = held + done
    entry = _mean_price(book)
    state[core.STOP] = core.on_tick(entry * (1 - wish[5]), row, ticks, core.DOWN) if wish[5] > 0 else 0.0
    state[core.TARGET] = core.on_tick(entry * (1 + wish[6]), row, ticks, core.UP) if wish[6] > 0 else np.inf


@njit(nogil=True, error_model="numpy")
def _protect(
    state: Series,
    book: Series,
    bars: Market,
    rules: tuple[Rates, Ticks, Bands],
    out: tuple[Series, Series],
) -> None:
    """Within the bar: stops before targets, as in `core`; what a stop could not sell leaves at the next open."""
    row = int(book[LAST])
    if not bars[2][row] or book[LEAVING] > 0:
        return
    opens, highs, lows, _ = bars[0]
    price, reason = core.protection(opens[row], highs[row], lows[row], state)
    if price > 0:
        _sell(state, book, (state[core.HELD], price), bars, rules, (reason, out[0], out[1]))
        if state[core.HELD] > 0 and reason != core.BY_TAKE_PROFIT:
            book[LEAVING] = reason + 1


@njit(nogil=True, error_model="numpy")
def _sell(
    state: Series,
    book: Series,
    order: tuple[float, float],
    bars: Market,
    rules: tuple[Rates, Ticks, Bands],
    out: tuple[int, Series, Series],
) -> None:
    """Sell `order` (shares, price shown) as far as volume and the price limit allow."""
    row = int(book[LAST])
    rates, ticks, bands = rules
    reason, trades, sums = out
    shares, shown = order
    lower = _limit(row, ticks, bands, core.DOWN)
    done = 0.0 if bars[0][1][row] <= lower else min(shares, book[LEFT])
    sums[UNFILLED] += done < shares
    if done > 0:
        book[LEFT] -= done
        _book_sale(state, book, (done, shown * (1 - rates[2]), rates[1][row]), (row, reason), (trades, sums))


@njit(nogil=True, error_model="numpy")
def _book_sale(
    state: Series,
    book: Series,
    sale: tuple[float, float, float],
    why: tuple[int, int],
    out: tuple[Series, Series],
) -> None:
    """Take shares from a position at a price and a rate of cost; write the trade when none is left."""
    shares, price, rate = sale
    trades, sums = out
    cost = shares * price * rate
    sums[CASH] += shares * price - cost
    sums[SOLD_VALUE] += shares * price
    book[SOLD] += shares
    book[RECEIVED] += shares * price
    book[SALES] += 1
    book[SALE_COST] += cost
    state[core.HELD] -= shares
    if state[core.HELD] <= 0:
        _write(book, (why[0], why[1], price), trades[int(sums[TRADES])])
        sums[TRADES] += 1
        state[:] = 0.0
        book[LEAVING] = 0.0


@njit(nogil=True, error_model="numpy")
def _mean_price(book: Series) -> float:
    price: float = book[PRICE] if book[BUYS] == 1 else book[PAID] / book[BOUGHT]
    return price


@njit(nogil=True, error_model="numpy")
def _write(book: Series, last: tuple[int, int, float], trade: Series) -> None:
    """One round trip, from flat to flat; several purchases or sales have their mean price."""
    row, reason, price = last
    trade[core.ENTRY], trade[core.EXIT], trade[core.SHARES] = book[ENTERED], row, book[BOUGHT]
    trade[core.ENTRY_PRICE] = _mean_price(book)
    trade[core.EXIT_PRICE] = price if book[SALES] <= 1 else book[RECEIVED] / book[SOLD]
    trade[core.ENTRY_COST], trade[core.EXIT_COST], trade[core.REASON] = book[BUY_COST], book[SALE_COST], reason


@njit(nogil=True, error_model="numpy")
def _value_what_is_held(state: Series, book: Series, bars: Market, out: tuple[Series, Series]) -> None:
    """At the end: positions at their last close, without the costs of selling them."""
    trades, sums = out
    for symbol in range(state.shape[0]):
        held = state[symbol, core.HELD]
        if held > 0:
            row = int(book[symbol, LAST])
            close = bars[0][3][row]
            book[symbol, SOLD] += held
            book[symbol, RECEIVED] += held * close
            book[symbol, SALES] += 1
            _write(book[symbol], (row, core.STILL_OPEN, close), trades[int(sums[TRADES])])
            sums[TRADES] += 1


@njit(nogil=True, error_model="numpy")
def _limit(row: int, ticks: Ticks, bands: Bands, direction: int) -> float:
    """The day's highest (UP) or lowest (DOWN) price, by the formula of `quant.markets.bands`; none: out of reach."""
    base, rate = bands[0][row], bands[1][row]
    if base == 0 or rate == 0:
        return np.inf if direction == core.UP else -np.inf
    tick = core.tick_at(base, row, ticks)
    width = core.whole(base * rate / tick, core.DOWN) * tick
    if direction == core.UP:
        return core.on_tick(base + width, row, ticks, core.DOWN)
    return core.on_tick(base - width, row, ticks, core.UP)
