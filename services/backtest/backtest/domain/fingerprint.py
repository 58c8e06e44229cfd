"""The fingerprint of a result: equal data, task and code give equal fingerprints, and then equal figures to the bit."""

import hashlib
import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, cast

import numpy as np
from quant.backtest import Universe
from quant.bars import FIELDS
from quant.markets.listing import currency_of

from backtest.domain.outcome import Basis
from backtest.domain.prices import Prices
from backtest.domain.run import Task


def fingerprint(task: Task, prices: Prices, code_version: str) -> str:
    """SHA-256 over the task, the instrument, every bar and the version of the code, in hexadecimal."""
    bars = prices.bars
    asked = {"task": asdict(task), "board": prices.board, "kind": prices.kind, "code": code_version}
    digest = hashlib.sha256(json.dumps(asked, default=_text, sort_keys=True).encode())
    digest.update(bars.dates.tobytes())
    for field in FIELDS:
        digest.update(getattr(bars, field).tobytes())
    return digest.hexdigest()


def basis_of_many(task: Task, universe: Universe, code_version: str) -> Basis:
    """What a portfolio's result rests on: the same over every bar of its universe, and what is known of its symbols."""
    panel = universe.panel
    asked = {"task": asdict(task), "symbols": panel.symbols, "boards": universe.boards, "kinds": universe.kinds}
    digest = hashlib.sha256(json.dumps(asked | {"code": code_version}, default=_text, sort_keys=True).encode())
    for column in (panel.starts, panel.dates, universe.delisted, *(panel.frame[name] for name in sorted(panel.frame))):
        digest.update(np.ascontiguousarray(column).tobytes())
    first, last = (cast("date", universe.days[place].item()) for place in (0, -1))
    currency = currency_of(task.terms.listing.market)
    return Basis(digest.hexdigest(), None, None, currency, len(universe.days), first, last)


def basis_of(task: Task, prices: Prices, code_version: str) -> Basis:
    """What a result of this task on these prices rests on."""
    return Basis(
        fingerprint=fingerprint(task, prices, code_version),
        board=prices.board,
        kind=prices.kind,
        currency=prices.currency,
        bars=len(prices.bars),
        first_date=prices.first_date,
        last_date=prices.last_date,
    )


def _text(value: Any) -> str:
    """Decimals by value: 0.050 is 0.05."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
