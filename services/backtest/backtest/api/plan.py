"""What a strategy does besides its two rules, as it is asked for and shown."""

from decimal import Decimal
from typing import Annotated, Any, Self

from kit.money import Money
from pydantic import BaseModel, Field
from quant.backtest import HOLDING_BARS_MAX

from backtest.api.types import RuleText, StopLoss
from backtest.domain.strategy import FeeSchedule, Rules

TAKE_PROFIT_MAX = 100

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
    Money, Field(gt=0, le=1, description="The part of a bar's volume that may be ours; event-driven engine only.")
]


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

    @classmethod
    def showing(cls, rules: Rules, **others: Any) -> Self:
        """These rules, and the fields a subclass adds."""
        return cls(**{name: getattr(rules, name) for name in RulesOut.model_fields}, **others)
