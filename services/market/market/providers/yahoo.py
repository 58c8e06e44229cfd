"""Yahoo Finance charts: daily bars of US and KRX symbols, prices adjusted for splits. Unofficial, for one's own use.

Parallel arrays, oldest first, with null on halted days; the last element may be a session that still runs, stamped
after the range asked for. Days are those of the exchange: the stamps are session opens in UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from quant.markets.listing import Board, Market

from market.domain.adjustment import CorporateAction
from market.providers.caller import Caller
from market.providers.port import NotOffered, Provenance, RawBar, UnknownSymbol, Unreadable

PACE_SECONDS: Final = 0.5
SUFFIXES: Final = {"KRX": (".KS", ".KQ"), "US": ("",)}
INDICES: Final = {"KOSPI": "^KS11", "KOSPI200": "^KS200", "KOSDAQ": "^KQ11"}
NAMES: Final = ("open", "high", "low", "close", "volume")
NOT_FOUND: Final = "Not Found"
PLACES: Final = Decimal("0.0001")
FACTOR_PLACES: Final = Decimal("0.00000001")
FACTOR_MAX: Final = 10_000


class Yahoo:
    """The chart feed of the web site."""

    provenance = Provenance("yahoo", "adjusted", "personal", frozenset({"KRX", "US"}), whole_days=False, series=True)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """Try the main board of KRX first, then KOSDAQ: Yahoo wants to be told which."""
        for name in _names(symbol, market):
            told = await self._caller.call_json("GET", f"/v8/finance/chart/{quote(name)}", params=_asked(first, last))
            if (bars := read_chart(symbol, told)) is not None:
                return [bar for bar in bars if str(first) <= bar.date <= str(last)]
        raise UnknownSymbol(f"Yahoo knows no {symbol}")

    async def fetch_splits(self, symbol: str, market: Market, first: date, last: date) -> Sequence[CorporateAction]:
        """The splits and merges of a symbol whose first day at the new price lies in a range.

        Raises:
            ProviderError: a subclass says what to do next.
        """
        for name in _names(symbol, market):
            told = await self._caller.call_json("GET", f"/v8/finance/chart/{quote(name)}", params=_asked(first, last))
            if (splits := read_splits(symbol, told)) is not None:
                return [split for split in splits if first <= split.ex_day <= last]
        raise UnknownSymbol(f"Yahoo knows no {symbol}")

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Not offered."""
        raise NotOffered(f"Yahoo gives one symbol at a time, not {board} on {day}")


def _names(symbol: str, market: Market) -> list[str]:
    return [INDICES[symbol]] if symbol in INDICES else [f"{symbol}{suffix}" for suffix in SUFFIXES[market]]


def _asked(first: date, last: date) -> dict[str, str]:
    return {
        "period1": str(_seconds(first - timedelta(days=1))),
        "period2": str(_seconds(last + timedelta(days=1))),
        "interval": "1d",
        "includePrePost": "false",
        "events": "div,splits",
    }


def _result(told: Any) -> Mapping[str, Any] | None:
    chart = told["chart"]
    if (error := chart["error"]) is None:
        result: Mapping[str, Any] = chart["result"][0]
        return result
    if error["code"] == NOT_FOUND:
        return None
    raise Unreadable(f"Yahoo says {error['code']}: {error['description']}")


def read_splits(symbol: str, told: Any) -> list[CorporateAction] | None:
    """The splits of a reply, oldest first; None when the symbol is not known.

    Raises:
        Unreadable: when one of them makes no sense.
    """
    try:
        if (result := _result(told)) is None:
            return None
        offset = timedelta(seconds=int(result["meta"]["gmtoffset"]))
        found = [_split(symbol, each, offset) for each in (result.get("events") or {}).get("splits", {}).values()]
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as wrong:
        raise Unreadable(f"Yahoo sent another shape: {wrong!r}") from wrong
    return sorted(found, key=lambda action: action.ex_day)


def _split(symbol: str, told: Mapping[str, Any], offset: timedelta) -> CorporateAction:
    after, before = (Decimal(str(told[name])) for name in ("numerator", "denominator"))
    if not 0 < before / after < FACTOR_MAX or not 0 < after / before < FACTOR_MAX:
        raise ValueError(f"a split of {before} into {after}")
    return CorporateAction(
        symbol=symbol,
        ex_day=(datetime.fromtimestamp(told["date"], UTC) + offset).date(),
        kind="split" if after > before else "merge",
        price_factor=(before / after).quantize(FACTOR_PLACES),
        volume_factor=(after / before).quantize(FACTOR_PLACES),
        source="yahoo",
    )


def read_chart(symbol: str, told: Any) -> list[RawBar] | None:
    """The bars of a reply, days without a price left out; None when the symbol is not known.

    Raises:
        Unreadable: when the arrays are missing, or not equally long.
    """
    try:
        if (result := _result(told)) is None:
            return None
        stamps = result.get("timestamp") or []
        offset = timedelta(seconds=int(result["meta"]["gmtoffset"]))
        told_quote: Mapping[str, list[float | None]] = result["indicators"]["quote"][0]
        columns = [told_quote.get(name) or [] for name in NAMES]
        rows = list(zip(stamps, *columns, strict=True))
    except (KeyError, IndexError, TypeError, ValueError) as wrong:
        raise Unreadable(f"Yahoo sent another shape: {wrong!r}") from wrong
    return [
        _bar(symbol, datetime.fromtimestamp(stamp, UTC) + offset, [value for value in values if value is not None])
        for stamp, *values in rows
        if all(value is not None for value in values)
    ]


def _bar(symbol: str, opened: datetime, values: Sequence[float]) -> RawBar:
    open_, high, low, close = map(_text, values[:4])
    return RawBar(symbol, str(opened.date()), open_, high, low, close, str(int(values[4])))


def _text(number: float) -> str:
    """A price in four places at most: Yahoo's floats carry the dust of their adjustment."""
    text = format(Decimal(repr(number)).quantize(PLACES), "f")
    return text.rstrip("0").rstrip(".")


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
