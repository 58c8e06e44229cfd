"""Bars of every interval as JSON that PostgreSQL wrote: longer ones are rolled up while they are read.

The same statements run on partitions and on hypertables.
"""

from datetime import date
from typing import Final, Literal

from kit.db import Session
from sqlalchemy import TextClause, text

SHARED = "prices are the same for every user"

Interval = Literal["1m", "5m", "15m", "1h", "1d", "1w", "1M"]

# How many days of minutes one question may read, so that none reads for ever.
DAYS_MAX: Final[dict[Interval, int]] = {"1m": 31, "5m": 92, "15m": 184, "1h": 732}

_STEPS: Final[dict[Interval, str]] = {"1m": "1 minute", "5m": "5 minutes", "15m": "15 minutes", "1h": "1 hour"}
_UNITS: Final[dict[Interval, str]] = {"1d": "day", "1w": "week", "1M": "month"}


def _adjusted(column: str) -> str:
    """A price times its factor; the factor of the newest prices is 1, and they keep every digit."""
    return f"CASE WHEN f.price = 1 THEN {column} ELSE trim_scale(round({column} * f.price, 4)) END AS {column}"


_FACTORS = """
    CROSS JOIN LATERAL (SELECT
        CASE WHEN :adjusted THEN coalesce(a.price_factor, 1) ELSE 1 END AS price,
        CASE WHEN :adjusted THEN coalesce(a.volume_factor, 1) ELSE 1 END AS volume) f
"""
_PRICES = ", ".join(_adjusted(name) for name in ("open", "high", "low", "close"))
_DAYS = f"""
    SELECT b.day AS at, {_PRICES}, round(b.volume * f.volume)::bigint AS volume, b.halted
      FROM bars b
      LEFT JOIN adjustments a ON a.symbol = b.symbol AND b.day BETWEEN a.first_day AND a.last_day {_FACTORS}
     WHERE b.symbol = :symbol AND b.day BETWEEN CAST(:first AS date) AND CAST(:last AS date)
"""  # noqa: S608 - made of our own constants, as all below
_MINUTES = f"""
    SELECT b.at, {_PRICES}, round(b.volume * f.volume)::bigint AS volume, false AS halted
      FROM minute_bars b
      LEFT JOIN adjustments a ON a.symbol = b.symbol
           AND (b.at AT TIME ZONE 'UTC')::date BETWEEN a.first_day AND a.last_day {_FACTORS}
     WHERE b.symbol = :symbol
       AND b.at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'
       AND b.at < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE 'UTC'
"""  # noqa: S608


# Numbers, days and booleans need no escaping, and gluing them is twice as fast as json_agg.
_AS_JSON = (
    """'{"time"\\:"' || bar.time::text"""
    + "".join(f""" || '","{name}"\\:"' || {name}::text""" for name in ("open", "high", "low", "close"))
    + """ || '","volume"\\:' || volume::text || ',"halted"\\:' || halted::text || '}'"""
)


def _rolled_up(bars: str, bucket: str) -> str:
    """One bar for each bucket; halted days give only their close, and a bucket of nothing else is halted."""
    return f"""
        SELECT {bucket} AS at,
               coalesce((array_agg(open ORDER BY at) FILTER (WHERE NOT halted))[1], 0) AS open,
               coalesce(max(high) FILTER (WHERE NOT halted), 0) AS high,
               coalesce(min(low) FILTER (WHERE NOT halted), 0) AS low,
               (array_agg(close ORDER BY at DESC))[1] AS close,
               sum(volume)::bigint AS volume, bool_and(halted) AS halted
          FROM ({bars}) one GROUP BY 1
    """  # noqa: S608


def _statement(interval: Interval) -> TextClause:
    if interval in _UNITS:
        unit = _UNITS[interval]
        whole = _DAYS.replace("CAST(:first AS date)", f"date_trunc('{unit}', CAST(:first AS date))::date")
        bars = _DAYS if interval == "1d" else _rolled_up(whole, f"date_trunc('{unit}', at)::date")
        time = "at"
    else:
        step = f"date_bin('{_STEPS[interval]}', at, TIMESTAMPTZ '2000-01-01 00:00+00')"
        bars = _MINUTES if interval == "1m" else _rolled_up(_MINUTES, step)
        time = """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    return text(
        f"""
        SELECT '[' || coalesce(string_agg({_AS_JSON}, ',' ORDER BY bar.time), '') || ']' FROM (
            SELECT {time} AS time, open, high, low, close, volume, halted
              FROM ({bars}) every ORDER BY at DESC LIMIT :bars_max
        ) bar
        """  # noqa: S608
    )


STATEMENTS: Final[dict[Interval, TextClause]] = {
    interval: _statement(interval) for interval in ("1m", "5m", "15m", "1h", "1d", "1w", "1M")
}


async def find_chart(
    session: Session, symbol: str, interval: Interval, days: tuple[date, date], *, adjusted: bool, bars_max: int
) -> str:
    """The bars of one symbol, oldest first, as a JSON list; the newest `bars_max` when there are more."""
    values = {"symbol": symbol, "first": days[0], "last": days[1], "adjusted": adjusted, "bars_max": bars_max}
    return str((await session.execute(STATEMENTS[interval], values)).scalar_one())
