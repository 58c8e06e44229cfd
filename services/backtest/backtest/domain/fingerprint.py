"""The fingerprint of a result: equal data, task and code give equal fingerprints, and then equal figures to the bit."""

import hashlib
import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from quant.bars import FIELDS

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


def _text(value: Any) -> str:
    """Decimals by value: 0.050 is 0.05."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
