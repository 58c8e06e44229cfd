"""Dated costs as rates per bar, for loops that know no Decimal."""

from dataclasses import dataclass

import numpy as np

from quant.bars import Bars, Series
from quant.fees import commission_rate, sale_rate_changes
from quant.markets.listing import Board, Kind, market_of


@dataclass(frozen=True, slots=True, eq=False)
class CostRates:
    """Shares of the traded value, one per bar: `buy` and `sell` in money, `slippage` as a worse price on both sides."""

    buy: Series
    sell: Series
    slippage: float = 0.0

    @classmethod
    def free(cls, bars: Bars) -> "CostRates":
        """No costs at all."""
        return cls(np.zeros(len(bars)), np.zeros(len(bars)))


def cost_rates(
    bars: Bars, board: Board, kind: Kind = "stock", schedule: str = "default", slippage: float = 0.0
) -> CostRates:
    """The commission and sale tax of each bar's date, as `quant.fees` has them before rounding to won or cents."""
    if not 0 <= slippage < 1:
        raise ValueError(f"slippage is a fraction from 0 to less than 1, not {slippage}")
    commission = float(commission_rate(market_of(board), schedule))
    changes = sale_rate_changes(board, kind)
    starts = np.array([since for since, _ in changes], dtype="datetime64[D]")
    rates = np.array([float(rate) for _, rate in changes])
    taxes = rates[np.searchsorted(starts, bars.dates, side="right") - 1]
    return CostRates(np.full(len(bars), commission), commission + taxes, slippage)
