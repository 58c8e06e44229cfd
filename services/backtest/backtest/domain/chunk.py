"""A chunk: the piece of a run that one computer takes at a time, and the bars it is computed on."""

from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

import numpy as np
from quant.bars import FIELDS, Bars
from quant.markets.listing import currency_of, market_of

from backtest.domain.prices import Prices
from backtest.domain.run import RunId

TRIES_MAX = 3
"""A chunk whose computers die each time is to blame itself."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Trials `first` to `first + size` of a run's search; `tries` counts how often it was begun."""

    run_id: RunId
    number: int
    owner: UUID
    first: int
    size: int
    tries: int
    is_done: bool


def material_of(prices: Prices) -> bytes:
    """Bars and what decides their costs, as bytes that give them back to the bit."""
    body = BytesIO()
    columns = {name: getattr(prices.bars, name) for name in FIELDS}
    np.savez_compressed(
        body, dates=prices.bars.dates.astype(np.int64), listed=np.array([prices.board, prices.kind]), **columns
    )
    return body.getvalue()


def prices_of(material: bytes) -> Prices:
    """The prices a material was made of."""
    with np.load(BytesIO(material), allow_pickle=False) as stored:
        board, kind = stored["listed"].tolist()
        dates = stored["dates"].astype("datetime64[D]")
        bars = Bars.of(dates, {name: stored[name] for name in FIELDS})
    return Prices(bars, board, kind, currency_of(market_of(board)))
