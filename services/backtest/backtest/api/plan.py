"""What a strategy does besides its two rules, as it is asked for and shown."""

from decimal import Decimal
from typing import Annotated, Any, Self

from kit.money import Money
from pydantic import BaseModel, ConfigDict, Field
from quant.backtest import FACTORS_MAX, HOLDING_BARS_MAX, POSITIONS_MAX, Every
from quant.markets.listing import Board, Kind, Market
from quant.markets.symbols import SYMBOL_TEXT_MAX

from backtest.api.types import RuleText, StopLoss
from backtest.domain.strategy import FeeSchedule, Portfolio, Ranked, Rules

TAKE_PROFIT_MAX = 100
WEIGHT_MAX = 100
SYMBOLS_MAX = 3_000

TakeProfit = Annotated[
    Money, Field(gt=0, le=TAKE_PROFIT_MAX, description="A fraction of the entry price: 0.1 sells 10 % above it.")
]
TrailingStop = Annotated[
    Money, Field(gt=0, lt=1, description="A fraction of the highest price since the entry: 0.1 sells 10 % below it.")
]
HoldingBars = Annotated[
    int, Field(ge=1, le=HOLDING_BARS_MAX, description="Sells at the open after so many bars, the entry's included.")
]
Portion = Annotated[Money, Field(gt=0, le=1, description="The share of the cash that goes into a position.")]
Slippage = Annotated[
    Money, Field(ge=0, le=Decimal("0.1"), description="By which fraction orders at market trade worse.")
]
VolumeShare = Annotated[
    Money,
    Field(
        gt=0,
        le=1,
        description="The part of a bar's volume that may be ours; for one symbol the event-driven engine only.",
    ),
]
PlainSymbol = Annotated[str, Field(min_length=1, max_length=SYMBOL_TEXT_MAX, examples=["005930"])]


class RankedIn(BaseModel):
    """A number to rank a universe by, such as `roc(252)` or `per`; a weight below zero ranks the lowest first."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    factor: RuleText
    weight: Annotated[Money, Field(ge=-WEIGHT_MAX, le=WEIGHT_MAX)] = Decimal(1)


class PortfolioIn(BaseModel):
    """What makes a strategy one of many symbols; empty lists mean all. Delisted names are part of every universe.

    At the first close of each period the symbols for which `entry` holds and `exit` does not are ranked; the best are
    bought at the next open, in equal parts, and what is not among them any more is sold. Rules may read `per`, `pbr`,
    `eps`, `bps`, `roe`, `roa`, `dividend_yield`, `debt_ratio` and `current_ratio`, as they were known on each day.
    """

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    market: Market
    boards: Annotated[list[Board], Field(max_length=4)] = []
    kinds: Annotated[list[Kind], Field(max_length=2)] = []
    symbols: Annotated[list[PlainSymbol], Field(max_length=SYMBOLS_MAX)] = []
    ranking: Annotated[list[RankedIn], Field(min_length=1, max_length=FACTORS_MAX)]
    positions: Annotated[int, Field(ge=1, le=POSITIONS_MAX)]
    every: Every = "month"
    tolerance: Annotated[
        Money, Field(ge=0, le=1, description="By which part of its target a position may be off before it is traded.")
    ] = Decimal("0.2")

    @property
    def portfolio(self) -> Portfolio:
        ranking = tuple(Ranked(each.factor, each.weight) for each in self.ranking)
        lists = {name: tuple(getattr(self, name)) for name in ("boards", "kinds", "symbols")}
        return Portfolio(self.market, ranking, self.positions, self.every, self.tolerance, **lists)


class RulesIn(BaseModel):
    """Two rules, protection, size and costs. Everything but the rules may be left out."""

    entry: RuleText
    exit: RuleText
    stop_loss: StopLoss | None = None
    take_profit: TakeProfit | None = None
    trailing_stop: TrailingStop | None = None
    holding_bars: HoldingBars | None = None
    portion: Portion = Decimal(1)
    fee_schedule: FeeSchedule = "default"
    slippage: Slippage = Decimal(0)

    @property
    def rules(self) -> Rules:
        return Rules(**{name: getattr(self, name) for name in RulesIn.model_fields})


class RulesOut(BaseModel):
    """Two rules, protection, size and costs; null for what is absent."""

    entry: str
    exit: str
    stop_loss: Money | None
    take_profit: Money | None
    trailing_stop: Money | None
    holding_bars: int | None
    portion: Money
    fee_schedule: FeeSchedule
    slippage: Money
    volume_share: Money | None
    portfolio: PortfolioIn | None = Field(description="Null for a strategy of one symbol.")

    @classmethod
    def showing(cls, rules: Rules, **others: Any) -> Self:
        """These rules, and the fields a subclass adds."""
        return cls(**shown(rules), **others)


def shown(rules: Rules) -> dict[str, Any]:
    """The fields of `RulesOut`."""
    return {name: getattr(rules, name) for name in RulesOut.model_fields}
