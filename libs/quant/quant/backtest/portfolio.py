"""Portfolios: on set days the best of a universe by rank are chosen, and held in equal parts until the next choice."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from quant.backtest import core, portfolio_core
from quant.backtest.costs import sale_taxes, tick_lines
from quant.backtest.guard import Refused
from quant.backtest.strategy import RoundTrip, figures_from, round_trip_of
from quant.backtest.venue import OffCalendar
from quant.bars import Series
from quant.choices import Choosing, Universe, choices_of
from quant.fees import commission_rate, settlement_date
from quant.markets.bands import LIMIT_RATES
from quant.markets.listing import Market, market_of


@dataclass(frozen=True, slots=True)
class PortfolioSpec(Choosing):
    """Which symbols are held, and how much of each.

    Attributes:
        positions: each has `1 / positions` of what is invested; the rest is cash.
        tolerance: by which part of its target a position may be off before a choice trades it back.
        portion: the part of the account's worth that is invested.
        stop_loss, take_profit: fractions of the mean entry price, watched within each bar.
        volume_share: the part of a bar's volume that may be ours; None for no bound.
        slippage: by which fraction every order trades worse.
    """

    tolerance: float = 0.2
    portion: float = 1.0
    stop_loss: float | None = None
    take_profit: float | None = None
    volume_share: float | None = None
    slippage: float = 0.0
    schedule: str = "default"
    initial_cash: float = 10_000_000.0

    @property
    def wish(self) -> portfolio_core.Wish:
        """The numbers as the compiled loop takes them."""
        bounds = (self.volume_share or 0.0, self.stop_loss or 0.0, self.take_profit or 0.0)
        return (float(self.initial_cash), float(self.portion), float(self.positions), float(self.tolerance), *bounds)


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioResult:
    """What holding the best came to.

    Attributes:
        trades: (symbol, round trip) from flat to flat, in order of their end; several fills have their mean price.
        equity, settled_cash: one value for each of `dates`, at the close.
        turnover: purchases or sales, whichever is less, over the mean equity, of the whole time.
        unfilled: orders of which something stayed open: at a price limit, or beyond our share of the volume.
        chosen: the symbols of the last choice, best first.
        refused: orders that the account's bounds did not let through.
    """

    trades: tuple[tuple[str, RoundTrip], ...]
    dates: NDArray[np.datetime64]
    equity: Series
    settled_cash: Series
    metrics: dict[str, float | None]
    turnover: float
    unfilled: int
    choices: int
    chosen: tuple[str, ...]
    refused: tuple[Refused, ...] = ()


def run_portfolio(universe: Universe, spec: PortfolioSpec) -> PortfolioResult:
    """Test a portfolio. RuleError for rules that cannot be read, ValueError for fewer than two days.

    Sales come before purchases, purchases in order of rank, as far as there is cash; what a purchase cannot get at the
    open is not bought, what a sale cannot is sold at the next. A symbol that does not trade on the day of a choice is
    neither chosen nor given up.
    """
    return hold_choices(universe, spec, choices_of(universe, spec))


def hold_choices(
    universe: Universe, spec: PortfolioSpec, choices: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> PortfolioResult:
    """Hold what was chosen, by rules as `run_portfolio` has them."""
    made, chosen = choices
    capacity = spec.positions * len(chosen) + 1
    columns = np.zeros((len(universe.days), portfolio_core.DAY_COLUMNS))
    table, sums = np.zeros((capacity, core.TRADE_COLUMNS)), np.zeros(portfolio_core.SUMS_SIZE)
    portfolio_core.simulate(
        universe.place,
        _bars_of(universe),
        _rules_of(universe, spec),
        spec.wish,
        (made, chosen, ends_of(universe)),
        (columns, table, sums),
    )
    trades = [_trade(universe, row) for row in table[: int(sums[portfolio_core.TRADES])]]
    bought, sold, unfilled = (
        float(sums[place])
        for place in (portfolio_core.BOUGHT_VALUE, portfolio_core.SOLD_VALUE, portfolio_core.UNFILLED)
    )
    return result_of(universe, spec, (trades, columns, (bought, sold, int(unfilled))), chosen)


def result_of(
    universe: Universe,
    spec: PortfolioSpec,
    made: tuple[list[tuple[str, RoundTrip]], Series, tuple[float, float, int]],
    chosen: NDArray[np.int64],
) -> PortfolioResult:
    """The result of (trades, days, (value bought, value sold, orders not filled whole)), by either engine."""
    trades, days, (bought, sold, unfilled) = made
    equity, flows = days[:, portfolio_core.EQUITY], days[:, portfolio_core.FLOW]
    profits = np.array([trade.profit for _, trade in trades if trade.reason != "open"], dtype=np.float64)
    return PortfolioResult(
        trades=tuple(trades),
        dates=universe.days,
        equity=equity,
        settled_cash=_settled(universe, spec.initial_cash, flows),
        metrics=figures_from(universe.days, equity, profits, spec.initial_cash, spec.look_back),
        turnover=min(bought, sold) / float(equity.mean()),
        unfilled=unfilled,
        choices=len(chosen),
        chosen=tuple(universe.panel.symbols[symbol] for symbol in chosen[-1] if symbol >= 0),
    )


def ends_of(universe: Universe) -> NDArray[np.int64]:
    """For each symbol the place of the first day on which it is listed no more; beyond the last for most."""
    left = np.where(np.isnat(universe.delisted), np.datetime64("9999-12-31"), universe.delisted)
    return np.searchsorted(universe.days, left.astype("datetime64[D]")).astype(np.int64)


def _bars_of(universe: Universe) -> portfolio_core.Market:
    opens, highs, lows, closes, volumes = (
        np.ascontiguousarray(universe.panel.frame[name], dtype=np.float64)
        for name in ("open", "high", "low", "close", "volume")
    )
    return (opens, highs, lows, closes), volumes, universe.traded


def _rules_of(universe: Universe, spec: PortfolioSpec) -> tuple[core.Rates, core.Ticks, portfolio_core.Bands]:
    """Dated costs, ticks and price limits of every row."""
    panel, size = universe.panel, len(universe.panel.dates)
    listings = list(zip(universe.boards, universe.kinds, strict=True))
    listed = sorted(set(listings))
    which = np.array([listed.index(listing) for listing in listings], dtype=np.int64)[universe.symbol_of]
    buy, sell, limits = np.zeros(size), np.zeros(size), np.zeros(size)
    for number, (board, kind) in enumerate(listed):
        mine = which == number
        commission = float(commission_rate(market_of(board), spec.schedule))
        buy[mine] = commission
        sell[mine] = commission + sale_taxes(panel.dates[mine], board, kind)
        if market_of(board) == "KRX":
            changes = LIMIT_RATES[::-1]
            starts = np.array([since for since, _ in changes], dtype="datetime64[D]")
            rates = np.array([float(rate) for _, rate in changes])
            limits[mine] = rates[np.searchsorted(starts, panel.dates[mine], side="right") - 1]
    before = np.append(0.0, panel.frame["close"][:-1])
    before[panel.starts] = 0.0
    ticks = tick_lines(panel.dates, listed, which)
    return (buy, sell, float(spec.slippage)), ticks, (before, limits)


def _settled(universe: Universe, cash: float, flows: Series) -> Series:
    """Cash that has changed hands by each close: what was traded counts from the day on which it settles."""
    market = market_of(universe.boards[0])
    settles = np.array([_settlement(market, day) for day in universe.days[flows != 0].tolist()], dtype="datetime64[D]")
    arriving = np.zeros(len(flows) + 1)
    np.add.at(arriving, np.searchsorted(universe.days, settles), flows[flows != 0])
    return np.asarray(cash + np.cumsum(arriving)[:-1], dtype=np.float64)


def _settlement(market: Market, day: date) -> date:
    try:
        return settlement_date(market, day)
    except ValueError as outside:
        raise OffCalendar(f"nothing settles that is traded on {day}: {outside}") from outside


def _trade(universe: Universe, row: Series) -> tuple[str, RoundTrip]:
    panel = universe.panel
    return panel.symbols[int(universe.symbol_of[int(row[core.ENTRY])])], round_trip_of(panel.dates, row)
