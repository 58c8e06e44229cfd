"""Signals, and the round trips that some of them become."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import Text, bindparam, cast, func, insert, or_, select, text, update

from trading.domain.automation import AutomationId
from trading.domain.order import OPEN
from trading.domain.signal import Reason, Signal, SignalId, SignalStatus
from trading.domain.trip import Holdings, Trip, TripId
from trading.store.automation_tables import signals, trips
from trading.store.rows import columns_of, values_of
from trading.store.together import Write, write

COLUMNS = columns_of(signals, Signal)
NAMES = tuple(column.name for column in COLUMNS)
CHANGING = ("status", "decided_by", "trip_id", "order_id", "detail", "settled_at", "act_on", "valid_until")
TRIP_COLUMNS = columns_of(trips, Trip)
TRIP_NAMES = tuple(column.name for column in TRIP_COLUMNS)
TRIP_CHANGING = ("stop_price", "target_price", "trail_price", "peak_price", "bars_held", "closed_at")
ZERO = Decimal(0)

_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))
HOLDINGS_COLUMNS: Final = f"""
           coalesce(sum(o.filled_quantity) FILTER (WHERE o.side = 'buy'), 0) AS bought,
           coalesce(sum(o.filled_quantity) FILTER (WHERE o.side = 'sell'), 0) AS sold,
           coalesce(sum(o.filled_value) FILTER (WHERE o.side = 'buy'), 0) AS spent,
           coalesce(sum(o.filled_value - o.fee - o.tax) FILTER (WHERE o.side = 'sell'), 0) AS received,
           coalesce(sum(o.fee) FILTER (WHERE o.side = 'buy'), 0) AS fees,
           coalesce(bool_or(o.status IN ({_OPEN})) FILTER (WHERE o.side = 'buy'), false) AS is_entering,
           coalesce(bool_or(o.status IN ({_OPEN})) FILTER (WHERE o.side = 'sell'), false) AS is_leaving
"""
_HOLDINGS = text(
    f"""
    SELECT {HOLDINGS_COLUMNS}
      FROM signals s JOIN orders o ON o.owner_id = s.owner_id AND o.id = s.order_id
     WHERE s.owner_id = :owner AND s.trip_id = :trip
    """  # noqa: S608 - the statuses are our own
)
MONEY_OF_ONE: Final = f"""
    SELECT coalesce(sum(spent) FILTER (WHERE is_open), 0) AS invested,
           coalesce(sum(received) FILTER (WHERE is_open), 0) AS returned,
           coalesce(sum(received - spent) FILTER (WHERE NOT is_open), 0) AS profit,
           coalesce(sum(received - spent) FILTER (WHERE NOT is_open AND closed_at >= {{day_began}}), 0) AS profit_today,
           count(*) FILTER (WHERE is_open) AS open_trips,
           count(*) FILTER (WHERE NOT is_open AND spent > 0) AS closed_trips,
           coalesce((SELECT count(*) FROM signals
                      WHERE owner_id = :owner AND automation_id = {{automation}} AND order_id IS NOT NULL
                        AND raised_at >= {{day_began}}), 0) AS orders_today
      FROM (SELECT t.closed_at IS NULL AS is_open, t.closed_at,
                   coalesce(sum(CASE WHEN o.side = 'buy' THEN
                       CASE WHEN o.status IN ({_OPEN}) THEN greatest(o.held + o.filled_value + o.fee, o.filled_value)
                            ELSE o.filled_value + o.fee END END), 0) AS spent,
                   coalesce(sum(o.filled_value - o.fee - o.tax) FILTER (WHERE o.side = 'sell'), 0) AS received
              FROM trips t
              JOIN signals s ON s.owner_id = t.owner_id AND s.trip_id = t.id
              JOIN orders o ON o.owner_id = s.owner_id AND o.id = s.order_id
             WHERE t.owner_id = :owner AND t.automation_id = {{automation}}
             GROUP BY t.id, t.closed_at) AS one
    """  # noqa: S608 - the statuses are our own
"""Where one automation's money is: format it with what says which, and when its day began."""
HOLDINGS = Statement(_HOLDINGS)
MONEY = Statement(text(MONEY_OF_ONE.format(automation=":automation", day_began=":day_began")))

_OF_OWNER = signals.c.owner_id == bindparam("owner")
_ABOUT = (
    _OF_OWNER,
    signals.c.automation_id == bindparam("automation"),
    signals.c.symbol == bindparam("of_symbol"),
)
_IS_PENDING = or_(signals.c.status == SignalStatus.ASKED, signals.c.status == SignalStatus.WAITING)
_ONE = select(*COLUMNS).where(_OF_OWNER, signals.c.id == bindparam("signal"))
ONE, LOCKED = Statement(_ONE), Statement(_ONE.with_for_update())
LATEST = Statement(select(*COLUMNS).where(*_ABOUT).order_by(signals.c.id.desc()).limit(1))
PENDING = Statement(select(*COLUMNS).where(*_ABOUT, _IS_PENDING).limit(1))
ADD = Statement(insert(signals))
CHANGE = Statement(
    update(signals)
    .where(_OF_OWNER, signals.c.id == bindparam("signal"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING})
)
BOUGHT = Statement(
    text(
        """
        SELECT symbol FROM (SELECT DISTINCT ON (symbol) symbol, side, target FROM signals
                             WHERE owner_id = :owner AND automation_id = :automation AND kind IN ('entry', 'exit')
                             ORDER BY symbol, id DESC) AS latest
         WHERE side = 'buy'
        """
    )
)
UNFINISHED_SALES = Statement(
    text(
        f"""
        SELECT EXISTS (
            SELECT FROM signals s LEFT JOIN orders o ON o.owner_id = s.owner_id AND o.id = s.order_id
             WHERE s.owner_id = :owner AND s.automation_id = :automation AND s.bar = :bar AND s.side = 'sell'
               AND (s.status IN ('asked', 'waiting') OR o.status IN ({_OPEN}))) AS any
        """  # noqa: S608 - the statuses are our own
    )
)
_TRIP_OF_OWNER = trips.c.owner_id == bindparam("owner")
OPEN_TRIP = Statement(
    select(*TRIP_COLUMNS)
    .where(
        _TRIP_OF_OWNER,
        trips.c.automation_id == bindparam("automation"),
        trips.c.symbol == bindparam("of_symbol"),
        trips.c.closed_at.is_(None),
    )
    .with_for_update()
)
OPEN_TRIPS = Statement(
    select(*TRIP_COLUMNS).where(
        _TRIP_OF_OWNER, trips.c.automation_id == bindparam("automation"), trips.c.closed_at.is_(None)
    )
)
ADD_TRIP = Statement(insert(trips))
CHANGE_TRIP = Statement(
    update(trips)
    .where(_TRIP_OF_OWNER, trips.c.id == bindparam("trip"))
    .values({name: bindparam(f"new_{name}") for name in TRIP_CHANGING})
)


@dataclass(frozen=True, slots=True)
class Money:
    """Where an automation's money is: in open trips, and what closed ones have brought, net of fees and taxes.

    `returned` is what was sold of open trips.
    """

    invested: Decimal
    returned: Decimal
    profit: Decimal
    profit_today: Decimal
    open_trips: int
    closed_trips: int
    orders_today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which signals to list: those that have all that is given."""

    automation_id: UUID | None = None
    status: SignalStatus | None = None
    symbol: str | None = None


def signal_of(row: Any) -> Signal:
    """Return the signal of a row that has all of its columns."""
    values = {name: row._mapping[name] for name in NAMES}
    reasons = tuple(Reason(**each) for each in values["reasons"])
    return Signal(**{**values, "reasons": reasons, "status": SignalStatus(values["status"])})


def trip_of(row: Any) -> Trip:
    """Return the trip of a row that has all of its columns."""
    return Trip(**{name: row._mapping[name] for name in TRIP_NAMES})


async def find(session: Session, owner: UUID, signal_id: SignalId) -> Signal | None:
    """Return a signal of this owner."""
    row = await ONE.first(session, {"owner": owner, "signal": signal_id})
    return signal_of(row) if row else None


async def lock(session: Session, owner: UUID, signal_id: SignalId) -> Signal | None:
    """Return a signal, and keep it as it is until the transaction ends."""
    row = await LOCKED.first(session, {"owner": owner, "signal": signal_id})
    return signal_of(row) if row else None


async def list_page(session: Session, owner: UUID, wanted: Wanted, *, before: UUID | None, limit: int) -> list[Signal]:
    """List signals, newest first."""
    query = select(*COLUMNS).where(signals.c.owner_id == owner).order_by(signals.c.id.desc()).limit(limit)
    for name in ("automation_id", "status", "symbol"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(signals.c[name] == value)
    if before is not None:
        query = query.where(signals.c.id < before)
    return [signal_of(row) for row in await session.execute(query)]


async def find_latest(session: Session, owner: UUID, automation_id: AutomationId, symbol: str) -> Signal | None:
    """Return the newest signal of an automation about a symbol."""
    row = await LATEST.first(session, {"owner": owner, "automation": automation_id, "of_symbol": symbol})
    return signal_of(row) if row else None


async def list_raised(
    session: Session, owner: UUID, automation_id: AutomationId, since: datetime, until: datetime
) -> list[Signal]:
    """List the signals of an automation about bars within a time, or raised in it when they are about none."""
    about = (signals.c.bar.between(since, until)) | (
        signals.c.bar.is_(None) & signals.c.raised_at.between(since, until)
    )
    mine = (signals.c.owner_id == owner, signals.c.automation_id == automation_id)
    query = select(*COLUMNS).where(*mine, about).order_by(signals.c.id)
    return [signal_of(row) for row in await session.execute(query)]


def adding(owner: UUID, signal: Signal) -> Write:
    """Add a signal."""
    row = {"owner_id": owner, **values_of(signal, NAMES), "reasons": [asdict(each) for each in signal.reasons]}
    return Write(ADD, row)


def changing(owner: UUID, signal: Signal) -> Write:
    """Write what has become of a signal. It is locked."""
    changed = {f"new_{name}": value for name, value in values_of(signal, CHANGING).items()}
    return Write(CHANGE, {"owner": owner, "signal": signal.id, **changed})


async def save(session: Session, owner: UUID, signal: Signal) -> None:
    """Write what has become of a signal. It is locked."""
    await write(session, changing(owner, signal))


async def find_money(session: Session, owner: UUID, automation_id: AutomationId, day_began: datetime) -> Money:
    """Return where an automation's money is; an open buy counts with what it holds."""
    given = {"owner": owner, "automation": automation_id, "day_began": day_began}
    (row,) = await MONEY.all(session, given)
    return Money(**row)


async def find_open_trip(session: Session, owner: UUID, automation_id: AutomationId, symbol: str) -> Trip | None:
    """Return what an automation has of a symbol, kept as it is until the transaction ends."""
    row = await OPEN_TRIP.first(session, {"owner": owner, "automation": automation_id, "of_symbol": symbol})
    return trip_of(row) if row else None


async def list_open_trips(session: Session, owner: UUID, automation_id: AutomationId) -> list[Trip]:
    """List everything that an automation has."""
    return [trip_of(row) for row in await OPEN_TRIPS.all(session, {"owner": owner, "automation": automation_id})]


async def list_bought(session: Session, owner: UUID, automation_id: AutomationId) -> list[str]:
    """List the symbols of which an automation last said that they should be bought."""
    return [row.symbol for row in await BOUGHT.all(session, {"owner": owner, "automation": automation_id})]


async def find_unfinished_sales(session: Session, owner: UUID, automation_id: AutomationId, bar: datetime) -> bool:
    """Whether a sale that a bar asked for waits still, or its order is open."""
    given = {"owner": owner, "automation": automation_id, "bar": bar}
    return bool(await UNFINISHED_SALES.value(session, given))


async def lock_trip(session: Session, owner: UUID, trip_id: TripId) -> Trip | None:
    """Return a trip, and keep it as it is until the transaction ends."""
    query = select(*TRIP_COLUMNS).where(trips.c.owner_id == owner, trips.c.id == trip_id).with_for_update()
    row = (await session.execute(query)).first()
    return trip_of(row) if row else None


async def save_new_trip(session: Session, owner: UUID, trip: Trip) -> None:
    """Add a trip; an automation has one of each symbol at a time."""
    await ADD_TRIP.count(session, {"owner_id": owner, **values_of(trip, TRIP_NAMES)})


async def save_trip(session: Session, owner: UUID, trip: Trip) -> None:
    """Write how a trip goes on. It is locked."""
    changed = {f"new_{name}": value for name, value in values_of(trip, TRIP_CHANGING).items()}
    await CHANGE_TRIP.count(session, {"owner": owner, "trip": trip.id, **changed})


async def find_holdings(session: Session, owner: UUID, trip_id: TripId) -> Holdings:
    """Return what the orders of a trip have come to."""
    (row,) = await HOLDINGS.all(session, {"owner": owner, "trip": trip_id})
    return Holdings(**row)


async def find_pending(session: Session, owner: UUID, automation_id: AutomationId, symbol: str) -> Signal | None:
    """Return the signal of an automation about a symbol that nothing has become of yet."""
    row = await PENDING.first(session, {"owner": owner, "automation": automation_id, "of_symbol": symbol})
    return signal_of(row) if row else None


async def find_asked(session: Session, owner: UUID, code: str) -> Signal | None:
    """Return the signal that asks and whose id ends like this."""
    ends = func.right(func.replace(cast(signals.c.id, Text), "-", ""), len(code)) == code
    asked = signals.c.status == SignalStatus.ASKED
    row = (await session.execute(select(*COLUMNS).where(signals.c.owner_id == owner, asked, ends))).first()
    return signal_of(row) if row else None
