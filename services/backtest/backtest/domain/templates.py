"""Strategies to begin with: known ideas, written in the rule language, each to be changed by whoever takes it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from backtest.domain.strategy import Content, Portfolio, Ranked, Rules


@dataclass(frozen=True, slots=True)
class Template:
    """A strategy to copy; `key` never changes, the name in Korean is for the screen."""

    key: str
    name_ko: str
    content: Content


def _template(key: str, names: tuple[str, str], description: str, rules: Rules) -> Template:
    return Template(key, names[1], Content(names[0], description, rules))


NEVER: Final = "close <= 0"
TEMPLATES: Final = (
    _template(
        "rsi_with_trend",
        ("RSI with the trend", "RSI 과매도와 추세"),
        "Buys weakness in a rising market, sells strength, and gives up 5 % below the entry.",
        Rules("rsi(14) < 30 and sma(20) > sma(50)", "rsi(14) > 70", Decimal("0.05")),
    ),
    _template(
        "golden_cross",
        ("Golden cross", "골든크로스"),
        "Holds while the 50-day average lies above the 200-day average.",
        Rules("crosses_above(sma(50), sma(200))", "crosses_below(sma(50), sma(200))", None),
    ),
    _template(
        "bollinger_reversion",
        ("Bollinger reversion", "볼린저밴드 회귀"),
        "Buys below the lower band and sells at the middle one; gives up 8 % below the entry, or after 20 bars.",
        Rules("close < bbands(20, 2).lower", "close > bbands(20, 2).middle", Decimal("0.08"), holding_bars=20),
    ),
    _template(
        "breakout",
        ("Breakout", "신고가 돌파"),
        "Buys the highest close of 55 days and sells the lowest of 20, or 10 % below the highest price since.",
        Rules("close >= highest(close, 55)", "close <= lowest(close, 20)", None, trailing_stop=Decimal("0.1")),
    ),
    _template(
        "absolute_momentum",
        ("Absolute momentum", "절대 모멘텀"),
        "Holds while the price is above that of a year ago: the half of dual momentum that looks at one symbol.",
        Rules("roc(252) > 0", "roc(252) <= 0", None),
    ),
    _template(
        "volatility_breakout",
        ("Volatility breakout", "변동성 돌파"),
        "After a close above the open by half of the day before's range, holds from the next open to the one after it.",
        Rules("close > open + 0.5 * (high - low - mom(high - low, 1))", "close <= 0", None, holding_bars=1),
    ),
    _template(
        "momentum_ranking",
        ("Momentum ranking", "모멘텀 상위 종목"),
        "Each month the twenty that rose most in a year but for the last month, of what trades enough to be bought.",
        Rules(
            "sma(volume, 20) * close > 1000000000 and close > sma(200)",
            NEVER,
            None,
            volume_share=Decimal("0.05"),
            portfolio=Portfolio("KRX", (Ranked("roc(252)"), Ranked("roc(21)", Decimal("-0.5"))), 20, kinds=("stock",)),
        ),
    ),
    _template(
        "factor_ranking",
        ("Factor ranking: value and quality", "팩터 순위: 가치와 우량"),
        "Each quarter the twenty with the best mean rank of low PER, low PBR and high ROE, by what was known that day.",
        Rules(
            "per > 0 and pbr > 0.2 and roe > 0 and sma(volume, 20) * close > 500000000",
            NEVER,
            None,
            volume_share=Decimal("0.05"),
            portfolio=Portfolio(
                "KRX",
                (Ranked("per", Decimal(-1)), Ranked("pbr", Decimal(-1)), Ranked("roe")),
                20,
                "quarter",
                kinds=("stock",),
            ),
        ),
    ),
    _template(
        "dual_momentum",
        ("Dual momentum", "듀얼 모멘텀"),
        "Each month the strongest three funds of a year, as long as they rose at all; cash for those that did not.",
        Rules("roc(252) > 0", NEVER, None, portfolio=Portfolio("KRX", (Ranked("roc(252)"),), 3, kinds=("etf",))),
    ),
    _template(
        "volatility_breakout_ranking",
        ("Volatility breakout of many", "변동성 돌파 다종목"),
        "Each day up to ten that closed above the open by half of the day before's range, from one open to the next.",
        Rules(
            "close > open + 0.5 * (high - low - mom(high - low, 1)) and sma(volume, 20) * close > 1000000000",
            NEVER,
            None,
            volume_share=Decimal("0.05"),
            portfolio=Portfolio("KRX", (Ranked("sma(volume, 20) * close"),), 10, "day", kinds=("stock",)),
        ),
    ),
)
