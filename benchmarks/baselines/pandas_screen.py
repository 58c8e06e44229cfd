"""The screen as it is usually written: pandas, one symbol after another."""

from collections.abc import Mapping

import pandas as pd

PERIOD = 14
AVERAGE = 20


def matches(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Symbols with rsi(14) < 45, a close above its 20-day average less 2 %, and more than the usual volume."""
    return [symbol for symbol, frame in frames.items() if _holds(frame)]


def _holds(frame: pd.DataFrame) -> bool:
    close, volume = frame["close"], frame["volume"]
    change = close.diff()
    gain = change.clip(lower=0).ewm(alpha=1 / PERIOD, adjust=False).mean()
    loss = (-change).clip(lower=0).ewm(alpha=1 / PERIOD, adjust=False).mean()
    strength = 100 - 100 / (1 + gain / loss)
    average, usual = close.rolling(AVERAGE).mean(), volume.rolling(AVERAGE).mean()
    return bool((strength < 45).iloc[-1] and (close > average * 0.98).iloc[-1] and (volume > usual).iloc[-1])
