"""The bars a run is computed on, and the reasons they cannot be used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from quant.bars import Bars
from quant.markets.listing import Board, Currency, Kind, Market, currency_of

from backtest.domain.run import Refusal, Terms

BARS_MIN = 30
"""Fewer daily bars say nothing about a strategy."""
BARS_MAX = 12_000

DEFAULT_BOARDS: Mapping[Market, Board] = {"KRX": "KOSPI", "US": "US"}
"""Where a symbol is listed if market does not say; KOSPI and KOSDAQ tax a sale alike in total."""


@dataclass(frozen=True, slots=True)
class History:
    """Daily bars as market answers them: columns of numbers, with board and kind where it names them."""

    dates: Sequence[date]
    columns: Mapping[str, Sequence[float]]
    board: Board | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """Bars fit for a simulation, and what decides the costs of trading them."""

    bars: Bars
    board: Board
    kind: Kind
    currency: Currency

    @property
    def first_date(self) -> date:
        return _day(self.bars, 0)

    @property
    def last_date(self) -> date:
        return _day(self.bars, -1)


def examine(terms: Terms, history: History | None) -> Prices | Refusal:
    """The bars of a run, or why it cannot be computed on them."""
    code, period = terms.listing.code, _period(terms)
    if history is None or not history.dates:
        return Refusal("no_bars", f"There are no daily bars of {code} {period}; import them, or choose other days.")
    if (count := len(history.dates)) < BARS_MIN:
        said = f"{code} has {count} daily bars {period}, a backtest needs at least {BARS_MIN}; choose a longer period."
        return Refusal("period_too_short", said)
    if count > BARS_MAX:
        said = f"{code} has {count:,} daily bars {period}, a backtest takes at most {BARS_MAX:,}; choose fewer days."
        return Refusal("period_too_long", said)
    try:
        bars = Bars.of(list(history.dates), history.columns)
    except ValueError as error:
        return Refusal("bars_unusable", f"The stored bars of {code} cannot be used ({error}); import them again.")
    market = terms.listing.market
    return Prices(bars, history.board or DEFAULT_BOARDS[market], history.kind or "stock", currency_of(market))


def with_days(refused: Refusal, whole: History | None) -> Refusal:
    """A refusal for want of bars in a period, and the days on which there are any."""
    if whole is None or not whole.dates:
        return refused
    said = f"There are {len(whole.dates):,} daily bars from {whole.dates[0]} to {whole.dates[-1]}."
    return replace(refused, detail=f"{refused.detail} {said}")


def _period(terms: Terms) -> str:
    if terms.start is None and terms.end is None:
        return "at all"
    return f"from {terms.start or 'the first'} to {terms.end or 'the last'}"


def _day(bars: Bars, place: int) -> date:
    day: date = bars.dates[place].item()
    return day
