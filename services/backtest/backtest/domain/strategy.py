"""A strategy: what it is called and what it does; a published version of it never changes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, NewType
from uuid import UUID

from quant.backtest import Every, number_of
from quant.markets.listing import Board, Kind, Market, market_of
from quant.markets.symbols import Listing, normalise
from quant.rules import RuleError, compile_rule

FeeSchedule = Literal["default", "institutions_only", "free"]
FIGURES: Final = frozenset({"per", "pbr", "eps", "bps", "roe", "roa", "dividend_yield", "debt_ratio", "current_ratio"})
"""Of companies, by the names market has for them; read as they were known on each day."""
StrategyId = NewType("StrategyId", UUID)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A number of the rule language to rank by; a weight below zero ranks the lowest first."""

    factor: str
    weight: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What makes a strategy one of many symbols: from which universe, by which ranking, how many, how often.

    Attributes:
        market, boards, kinds, symbols: the universe; what is empty means all. Names that left the exchange are in it.
        ranking: the mean of these ranks, weighted, decides.
        positions: how many symbols are held at most, in equal parts.
        every: choices are made at the first close of each such period.
        tolerance: by which part of its target a position may be off before a choice trades it back.
    """

    market: Market
    ranking: tuple[Ranked, ...]
    positions: int
    every: Every = "month"
    tolerance: Decimal = Decimal("0.2")
    boards: tuple[Board, ...] = ()
    kinds: tuple[Kind, ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a strategy does: two rules of the rule language, where it protects itself, how much it buys, at what cost.

    Attributes:
        stop_loss, take_profit: fractions of the entry price, 0.05 = 5 %; `trailing_stop` one of the highest since.
        holding_bars: sell at the open after so many bars, the entry's included.
        portion: the share of the cash that goes into a position.
        fee_schedule: one of `quant.fees.SCHEDULES`.
        slippage: by which fraction orders at market trade worse.
        volume_share: the part of a bar's volume that may be ours; None for no bound.
        portfolio: None for one symbol. In a portfolio what `entry` holds for and `exit` does not may be chosen, and
            `portion` is the share of the account's worth that is invested.
    """

    entry: str
    exit: str
    stop_loss: Decimal | None
    take_profit: Decimal | None = None
    trailing_stop: Decimal | None = None
    holding_bars: int | None = None
    portion: Decimal = Decimal(1)
    fee_schedule: FeeSchedule = "default"
    slippage: Decimal = Decimal(0)
    volume_share: Decimal | None = None
    portfolio: Portfolio | None = None

    @property
    def fields(self) -> frozenset[str]:
        """What the rules may read beside a bar: figures of companies, where a universe is ranked."""
        return frozenset() if self.portfolio is None else FIGURES


@dataclass(frozen=True, slots=True)
class Content:
    """Everything an author writes. Publishing equal content again makes no new version."""

    name: str
    description: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy as its author sees it; `version` is the latest published one."""

    id: StrategyId
    content: Content
    version: int | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """Content as it was published, numbered from 1."""

    strategy_id: StrategyId
    number: int
    content: Content
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Mistake:
    """A field that cannot be used, and why; the message of a rule names the column."""

    field: str
    message: str


def mistakes_on(rules: Rules, engine: str) -> list[Mistake]:
    """What keeps rules from being tested by an engine."""
    if rules.volume_share is not None and engine == "compiled" and rules.portfolio is None:
        said = "the compiled engine fills every order whole: ask for the engine event_driven, or leave this out"
        return [Mistake("volume_share", said)]
    return []


def mistakes_in(rules: Rules) -> list[Mistake]:
    """Everything that keeps the rules from being compiled, by field."""
    found: list[Mistake] = []
    for field, text in (("entry", rules.entry), ("exit", rules.exit)):
        try:
            compile_rule(text, rules.fields)
        except RuleError as error:
            found.append(Mistake(field, str(error)))
    return found if rules.portfolio is None else found + _mistakes_in_portfolio(rules, rules.portfolio)


def _mistakes_in_portfolio(rules: Rules, portfolio: Portfolio) -> list[Mistake]:
    found: list[Mistake] = []
    for place, ranked in enumerate(portfolio.ranking):
        field = f"portfolio.ranking.{place}"
        try:
            number_of(ranked.factor, rules.fields)
        except RuleError as error:
            found.append(Mistake(f"{field}.factor", str(error)))
        if not ranked.weight:
            found.append(
                Mistake(f"{field}.weight", "a weight of zero ranks nothing: use 1, or -1 for the lowest first")
            )
    unknown = [field for field in ("trailing_stop", "holding_bars") if getattr(rules, field) is not None]
    found += [Mistake(field, "a portfolio gives up at its next choice: leave this out") for field in unknown]
    for place, symbol in enumerate(portfolio.symbols):
        if not _is_of(symbol, portfolio.market):
            said = f"{symbol} is no symbol of {portfolio.market}: write 005930 or AAPL, of one market"
            found.append(Mistake(f"portfolio.symbols.{place}", said))
    if any(market_of(board) != portfolio.market for board in portfolio.boards):
        found.append(Mistake("portfolio.boards", f"a universe has one market: list boards of {portfolio.market} only"))
    return found


def _is_of(symbol: str, market: Market) -> bool:
    try:
        return normalise(symbol) == Listing(symbol, market)
    except ValueError:
        return False
