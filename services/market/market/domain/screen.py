"""Screens: a rule asked of a universe on one day, and the ones we offer ready-made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType
from uuid import UUID

from quant.markets.listing import Board, Kind, Market

ScreenId = NewType("ScreenId", UUID)
OwnerId = NewType("OwnerId", UUID)

# What a rule may read beside the fields of a bar, as known on that day.
RATIOS: Final = ("per", "pbr", "eps", "bps", "roe", "roa", "dividend_yield", "debt_ratio", "current_ratio")
SCREENS_PER_USER_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Universe:
    """Which instruments are looked at; an empty list means all."""

    market: Market
    boards: tuple[Board, ...] = ()
    kinds: tuple[Kind, ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen somebody keeps."""

    id: ScreenId
    name: str
    rule: str
    universe: Universe
    created_at: datetime
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A screen we offer, in both languages."""

    key: str
    name_en: str
    name_ko: str
    description_en: str
    description_ko: str
    rule: str


TEMPLATES: Final = (
    Template(
        "momentum_breakout",
        "Momentum breakout",
        "모멘텀 돌파",
        "A close above the highest of 20 days before, on twice the usual volume, in a rising trend",
        "직전 20일 고가를 평소 두 배의 거래량으로 넘어선 상승 추세 종목",
        "close > donchian(20).upper and volume > 2 * sma(volume, 20) and close > sma(50)",
    ),
    Template(
        "oversold_rebound",
        "Oversold rebound",
        "과매도 반등",
        "RSI comes back above 30 while the long trend still rises",
        "장기 추세가 살아 있는 가운데 RSI가 30을 다시 넘어선 종목",
        "crosses_above(rsi(14), 30) and close > sma(200) * 0.9 and close > open",
    ),
    Template(
        "steady_trend",
        "Steady trend",
        "꾸준한 상승 추세",
        "Averages in order, a strong trend, and no overheating",
        "이동평균이 정배열이고 추세가 강하며 과열되지 않은 종목",
        "sma(20) > sma(50) and sma(50) > sma(200) and adx(14).adx > 20 and rsi(14) < 70",
    ),
    Template(
        "macd_cross",
        "MACD cross",
        "MACD 상향 돌파",
        "MACD crosses above its signal on a rising day",
        "상승일에 MACD가 시그널선을 상향 돌파한 종목",
        "crosses_above(macd(12, 26, 9).macd, macd(12, 26, 9).signal) and close > open",
    ),
)
