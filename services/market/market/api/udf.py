"""`/udf`: the read-only feed that TradingView's charting library asks for, in its own words and numbers.

Such a library sends no token, so these routes are open: they show bars and names, which belong to nobody. Its protocol
wants numbers where we write decimal strings, and errors as `{"s": "error"}` with status 200.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse
from kit.clock import now
from kit.db import PublicSession
from kit.json import loads
from pydantic import BaseModel
from quant.markets.symbols import SYMBOL_TEXT_MAX, normalise

from market.domain.instrument import Instrument
from market.store import charts, instruments
from market.store.charts import Interval

RESOLUTIONS: Final[dict[str, Interval]] = {
    "1": "1m",
    "5": "5m",
    "15": "15m",
    "60": "1h",
    "1D": "1d",
    "D": "1d",
    "1W": "1w",
    "W": "1w",
    "1M": "1M",
    "M": "1M",
}
OFFERED: Final = ["1", "5", "15", "60", "1D", "1W", "1M"]
DAYS_EACH: Final[dict[Interval, int]] = {"1d": 2, "1w": 8, "1M": 32}
"""How many days may be needed for one bar, halts and holidays included."""

BARS_MAX = 10_000
RESULTS_MAX = 100
RESULTS_DEFAULT = 30
QUERY_LENGTH_MAX = 100
SECONDS_MAX = 32_503_680_000
SECONDS_MIN = -2_208_988_800
"""The years 1900 to 3000."""

router = APIRouter(prefix="/api/v1/udf", tags=["udf"])

Seconds = Annotated[int, Query(ge=SECONDS_MIN, le=SECONDS_MAX)]


class UdfConfig(BaseModel):
    """What this feed can do."""

    supports_search: bool
    supports_group_request: bool
    supports_marks: bool
    supports_timescale_marks: bool
    supports_time: bool
    supported_resolutions: list[str]
    exchanges: list[dict[str, str]]
    symbols_types: list[dict[str, str]]


class UdfFound(BaseModel):
    """A search result."""

    symbol: str
    full_name: str
    description: str
    exchange: str
    ticker: str
    type: str


@router.get("/config")
async def udf_config() -> UdfConfig:
    """Tell what this feed can do."""
    markets = [("", "All"), ("KRX", "KRX"), ("US", "US")]
    return UdfConfig(
        supports_search=True,
        supports_group_request=False,
        supports_marks=False,
        supports_timescale_marks=False,
        supports_time=True,
        supported_resolutions=OFFERED,
        exchanges=[{"value": value, "name": name, "desc": name} for value, name in markets],
        symbols_types=[
            {"name": "All", "value": ""},
            {"name": "Stock", "value": "stock"},
            {"name": "ETF", "value": "etf"},
        ],
    )


@router.get("/time", response_class=PlainTextResponse)
async def udf_time() -> str:
    """Tell the seconds since 1970."""
    return str(int(now().timestamp()))


@router.get("/symbols")
async def udf_symbols(
    session: PublicSession, symbol: Annotated[str, Query(max_length=SYMBOL_TEXT_MAX)]
) -> dict[str, Any]:
    """Describe a symbol."""
    found = await _instrument(session, symbol)
    return {"s": "error", "errmsg": "unknown_symbol"} if found is None else _described(found)


@router.get("/search")
async def udf_search(
    session: PublicSession,
    query: Annotated[str, Query(max_length=QUERY_LENGTH_MAX)] = "",
    exchange: Annotated[str, Query(max_length=SYMBOL_TEXT_MAX)] = "",
    type: Annotated[str, Query(max_length=SYMBOL_TEXT_MAX)] = "",  # noqa: A002 - the protocol's word
    limit: Annotated[int, Query(ge=1, le=RESULTS_MAX)] = RESULTS_DEFAULT,
) -> list[UdfFound]:
    """Find symbols by code, name or initial consonants."""
    wanted = instruments.Wanted(query=query, market=exchange or None, kind=type or None)
    return [
        UdfFound(
            symbol=one.symbol,
            full_name=f"{one.market}:{one.symbol}",
            description=one.name,
            exchange=one.market,
            ticker=one.symbol,
            type=one.kind,
        )
        for one in await instruments.list_matching(session, wanted, "", limit)
    ]


@router.get("/history")
async def udf_history(
    session: PublicSession,
    symbol: Annotated[str, Query(max_length=SYMBOL_TEXT_MAX)],
    resolution: Annotated[str, Query(max_length=SYMBOL_TEXT_MAX)],
    from_seconds: Annotated[Seconds, Query(alias="from")],
    to_seconds: Annotated[Seconds, Query(alias="to")],
    countback: Annotated[int | None, Query(ge=1, le=BARS_MAX)] = None,
) -> dict[str, Any]:
    """Give the adjusted bars between two moments, or as many as wanted before the end; halted days are left out."""
    interval, found = RESOLUTIONS.get(resolution), await _instrument(session, symbol)
    if interval is None or found is None:
        return {"s": "error", "errmsg": "unknown_resolution" if interval is None else "unknown_symbol"}
    last = datetime.fromtimestamp(to_seconds, UTC)
    first = min(datetime.fromtimestamp(from_seconds, UTC), last)
    if countback is not None:
        first = last - timedelta(days=min(countback * DAYS_EACH.get(interval, 1) + 14, 36_500))
    if interval in charts.DAYS_MAX:
        first = max(first, last - timedelta(days=charts.DAYS_MAX[interval]))
    bars = [bar for bar in await _bars(session, found, interval, (first.date(), last.date())) if bar["t"] < to_seconds]
    bars = bars[-countback:] if countback else [bar for bar in bars if bar["t"] >= from_seconds]
    if not bars:
        return {"s": "no_data", **await _next_time(session, found, interval, first.date())}
    return {"s": "ok", **{name: [bar[name] for bar in bars] for name in ("t", "o", "h", "l", "c", "v")}}


async def _bars(
    session: PublicSession, found: Instrument, interval: Interval, days: tuple[date, date], bars_max: int = BARS_MAX
) -> list[dict[str, Any]]:
    text = await charts.find_chart(session, found.symbol, interval, days, adjusted=True, bars_max=bars_max)
    return [
        {
            "t": int(datetime.fromisoformat(bar["time"]).replace(tzinfo=UTC).timestamp()),
            "o": float(bar["open"]),
            "h": float(bar["high"]),
            "l": float(bar["low"]),
            "c": float(bar["close"]),
            "v": bar["volume"],
        }
        for bar in loads(text)
        if not bar["halted"]
    ]


async def _next_time(session: PublicSession, found: Instrument, interval: Interval, before: date) -> dict[str, int]:
    """When the newest bar before the gap is, so that the chart asks for that next."""
    if interval in charts.DAYS_MAX or before <= found.first_day:
        return {}
    earlier = await _bars(session, found, interval, (found.first_day, before - timedelta(days=1)), RESULTS_MAX)
    return {"nextTime": earlier[-1]["t"]} if earlier else {}


async def _instrument(session: PublicSession, symbol: str) -> Instrument | None:
    try:
        return await instruments.find(session, normalise(symbol).code)
    except ValueError:
        return None


def _described(found: Instrument) -> dict[str, Any]:
    korean = found.market == "KRX"
    return {
        "name": found.symbol,
        "ticker": found.symbol,
        "full_name": f"{found.market}:{found.symbol}",
        "description": found.name,
        "type": found.kind,
        "session": "0900-1530" if korean else "0930-1600",
        "timezone": "Asia/Seoul" if korean else "America/New_York",
        "exchange": found.market,
        "listed_exchange": found.board,
        "currency_code": found.currency,
        "minmov": 1,
        "pricescale": 1 if korean else 100,
        "has_intraday": True,
        "has_daily": True,
        "has_weekly_and_monthly": True,
        "intraday_multipliers": ["1", "5", "15", "60"],
        "supported_resolutions": OFFERED,
        "volume_precision": 0,
        "data_status": "endofday",
    }
