"""Announce what the drift alarm has found."""

from collections.abc import Sequence

from kit.db import Session
from kit.events import record

from broker.adapters.drift import Drift
from broker.events import FramesDrifted


async def announce_drifts(session: Session, found: Sequence[Drift]) -> None:
    """One event for each shape that was never seen before."""
    facts = [
        FramesDrifted(broker=each.broker, frame=each.frame, fields=each.fields, before=each.before) for each in found
    ]
    await record(session, *facts, owner=None)
