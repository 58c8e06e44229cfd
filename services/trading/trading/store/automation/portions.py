"""What several signals of one owner need, and what becomes of them: one statement each, however many they are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.json import dumps_text
from kit.sql import Statement
from quant.markets.listing import Side
from sqlalchemy import text

from trading.domain.automation import Automation, AutomationId
from trading.domain.signal import Signal, SignalId
from trading.domain.trip import Holdings, Trip, TripId
from trading.store.automations import NAMES as AUTOMATION_NAMES
from trading.store.automations import automation_of
from trading.store.rows import values_of
from trading.store.runs import LEASE
from trading.store.signals import (
    CHANGING,
    HOLDINGS_COLUMNS,
    MONEY_OF_ONE,
    NAMES,
    TRIP_NAMES,
    Money,
    signal_of,
    trip_of,
)
from trading.store.together import Write

About = tuple[AutomationId, str]
"""An automation and one of its symbols."""

_ABOUT = "unnest(CAST(:automations AS uuid[]), CAST(:symbols AS text[])) AS given (automation_id, symbol)"
_OPEN_TRIP = """
    t.owner_id = :owner AND t.automation_id = given.automation_id AND t.symbol = given.symbol AND t.closed_at IS NULL
"""
_SIGNAL_ABOUT = "s.owner_id = :owner AND s.automation_id = given.automation_id AND s.symbol = given.symbol"


def _of(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


SETTLE = Statement(
    text(
        """
        UPDATE automation_runs r
           SET status = 'done', outcome = given.outcome, epoch = :epoch, settled_at = :now
          FROM unnest(CAST(:automations AS uuid[]), CAST(:symbols AS text[]), CAST(:scheduled AS timestamptz[]),
                      CAST(:outcomes AS jsonb[])) AS given (automation_id, symbol, scheduled_at, outcome)
         WHERE r.owner_id = :owner AND r.automation_id = given.automation_id AND r.phase = 'evaluate'
           AND r.symbol = given.symbol AND r.scheduled_at = given.scheduled_at AND r.status = 'due'
           AND (SELECT epoch FROM leases WHERE name = :lease) = :epoch
        RETURNING r.automation_id, r.symbol
        """
    )
)
AGE_TRIPS = Statement(
    text(
        f"UPDATE trips t SET bars_held = t.bars_held + 1 FROM {_ABOUT} WHERE {_OPEN_TRIP}"  # noqa: S608 - our own names
        f" RETURNING {_of('t', TRIP_NAMES)}"
    )
)
LOCK_TRIPS = Statement(
    text(
        f"SELECT {_of('t', TRIP_NAMES)} FROM trips t JOIN {_ABOUT} ON {_OPEN_TRIP}"  # noqa: S608 - our own names
        " ORDER BY t.id FOR UPDATE OF t"
    )
)
STANDS = Statement(
    text(
        f"""
        SELECT given.symbol AS about, {_of("a", AUTOMATION_NAMES)},
               EXISTS (SELECT FROM signals s WHERE {_SIGNAL_ABOUT} AND s.status IN ('asked', 'waiting')) AS is_pending,
               CASE WHEN a.mode = 'notify' THEN
                   (SELECT s.side FROM signals s WHERE {_SIGNAL_ABOUT} ORDER BY s.id DESC LIMIT 1) END AS last_side
          FROM {_ABOUT} JOIN automations a ON a.owner_id = :owner AND a.id = given.automation_id
        """  # noqa: S608 - our own names
    )
)
LOCK_AUTOMATIONS = Statement(
    text(
        f"SELECT {_of('a', AUTOMATION_NAMES)} FROM automations a"  # noqa: S608 - our own names
        " WHERE a.owner_id = :owner AND a.id = ANY(CAST(:ids AS uuid[])) ORDER BY a.id FOR UPDATE"
    )
)
LOCK_SIGNALS = Statement(
    text(
        f"SELECT {_of('s', NAMES)} FROM signals s"  # noqa: S608 - our own names
        " WHERE s.owner_id = :owner AND s.id = ANY(CAST(:ids AS uuid[])) ORDER BY s.id FOR UPDATE"
    )
)
MONEY = Statement(
    text(
        f"""
        SELECT given.automation AS of_automation, money.*
          FROM unnest(CAST(:automations AS uuid[]), CAST(:began AS timestamptz[])) AS given (automation, day_began),
               LATERAL ({MONEY_OF_ONE.format(automation="given.automation", day_began="given.day_began")}) AS money
        """  # noqa: S608 - our own names
    )
)
HOLDINGS = Statement(
    text(
        f"""
        SELECT s.trip_id, {HOLDINGS_COLUMNS}
          FROM signals s JOIN orders o ON o.owner_id = s.owner_id AND o.id = s.order_id
         WHERE s.owner_id = :owner AND s.trip_id = ANY(CAST(:ids AS uuid[])) GROUP BY s.trip_id
        """  # noqa: S608 - our own names
    )
)
_ROWS = "jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb)) AS given"
ADD_SIGNALS = Statement(
    text(
        f"INSERT INTO signals (owner_id, {', '.join(NAMES)})"  # noqa: S608 - our own names
        f" SELECT :owner, {_of('given', NAMES)} FROM {_ROWS.format(table='signals')}"
    )
)
CHANGE_SIGNALS = Statement(
    text(
        f"UPDATE signals s SET {', '.join(f'{name} = given.{name}' for name in CHANGING)}"  # noqa: S608 - our own names
        f" FROM {_ROWS.format(table='signals')} WHERE s.owner_id = :owner AND s.id = given.id"
    )
)
ADD_TRIPS = Statement(
    text(
        f"INSERT INTO trips (owner_id, {', '.join(TRIP_NAMES)})"  # noqa: S608 - our own names
        f" SELECT :owner, {_of('given', TRIP_NAMES)} FROM {_ROWS.format(table='trips')}"
    )
)


@dataclass(frozen=True, slots=True)
class Stand:
    """An automation as it is now, whether a signal of it about a symbol waits, and what it last said of the symbol.

    The last is known of those that only note their signals.
    """

    automation: Automation
    is_pending: bool
    last_side: Side | None


async def settle(
    session: Session, owner: UUID, ends: Mapping[About, tuple[datetime, dict[str, Any]]], epoch: int, now: datetime
) -> set[About]:
    """End the due runs about bars (when each began, and what the run's end says); return those that were due still.

    None is when a later epoch has begun.
    """
    given = _about(owner, ends) | {
        "scheduled": [scheduled_at for scheduled_at, _ in ends.values()],
        "outcomes": [dumps_text(outcome) for _, outcome in ends.values()],
        "lease": LEASE,
        "epoch": epoch,
        "now": now,
    }
    return {(AutomationId(row.automation_id), row.symbol) for row in await SETTLE.all(session, given)}


async def age_trips(session: Session, owner: UUID, about: Collection[About]) -> dict[About, Trip]:
    """Count one more bar for what is held of these, and return it, kept as it is until the transaction ends."""
    return _trips(await AGE_TRIPS.all(session, _about(owner, about)))


async def lock_trips(session: Session, owner: UUID, about: Collection[About]) -> dict[About, Trip]:
    """Return what is held of these, kept as it is until the transaction ends."""
    return _trips(await LOCK_TRIPS.all(session, _about(owner, about)))


async def list_stands(session: Session, owner: UUID, about: Collection[About]) -> dict[About, Stand]:
    """Return where these stand; an automation that is gone stands nowhere."""
    return {
        (AutomationId(row.id), row.about): Stand(automation_of(row), row.is_pending, row.last_side)
        for row in await STANDS.all(session, _about(owner, about))
    }


async def lock_automations(
    session: Session, owner: UUID, ids: Collection[AutomationId]
) -> dict[AutomationId, Automation]:
    """Return automations, and keep them as they are until the transaction ends."""
    rows = await LOCK_AUTOMATIONS.all(session, {"owner": owner, "ids": list(ids)})
    return {automation.id: automation for automation in map(automation_of, rows)}


async def lock_signals(session: Session, owner: UUID, ids: Collection[SignalId]) -> dict[SignalId, Signal]:
    """Return signals, and keep them as they are until the transaction ends."""
    rows = await LOCK_SIGNALS.all(session, {"owner": owner, "ids": list(ids)})
    return {signal.id: signal for signal in map(signal_of, rows)}


async def list_money(
    session: Session, owner: UUID, began: Mapping[AutomationId, datetime]
) -> dict[AutomationId, Money]:
    """Return where automations' money is, each by when its day began; an open buy counts with what it holds."""
    given = {"owner": owner, "automations": list(began), "began": list(began.values())}
    return {
        AutomationId(row.of_automation): Money(**{name: row[name] for name in Money.__slots__})
        for row in await MONEY.all(session, given)
    }


async def list_holdings(session: Session, owner: UUID, ids: Collection[TripId]) -> dict[TripId, Holdings]:
    """Return what the orders of trips have come to; every trip has one."""
    return {
        TripId(row.trip_id): Holdings(**{name: row[name] for name in Holdings.__slots__})
        for row in await HOLDINGS.all(session, {"owner": owner, "ids": list(ids)})
    }


def adding(owner: UUID, new: Sequence[Signal]) -> Write:
    """Add signals."""
    reasons = {each.id: [asdict(reason) for reason in each.reasons] for each in new}
    rows = [row | {"reasons": reasons[row["id"]]} for row in _rows(new, NAMES)]
    return Write(ADD_SIGNALS, {"owner": owner, "rows": dumps_text(rows)})


def changing(owner: UUID, changed: Sequence[Signal]) -> Write:
    """Write what has become of signals. They are locked."""
    return Write(CHANGE_SIGNALS, {"owner": owner, "rows": dumps_text(_rows(changed, ("id", *CHANGING)))})


def beginning(owner: UUID, new: Sequence[Trip]) -> Write:
    """Add trips; an automation has one of each symbol at a time."""
    return Write(ADD_TRIPS, {"owner": owner, "rows": dumps_text(_rows(new, TRIP_NAMES))})


def _rows(things: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Their fields; the names of columns are of a kind of text that JSON is not written of."""
    return [{str(name): value for name, value in values_of(each, names).items()} for each in things]


def _about(owner: UUID, about: Collection[About]) -> dict[str, Any]:
    return {
        "owner": owner,
        "automations": [automation_id for automation_id, _ in about],
        "symbols": [symbol for _, symbol in about],
    }


def _trips(rows: Sequence[Any]) -> dict[About, Trip]:
    return {(trip.automation_id, trip.symbol): trip for trip in map(trip_of, rows)}
