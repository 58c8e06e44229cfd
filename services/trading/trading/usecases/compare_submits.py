"""Hold what a broker was sent against what was approved; on any difference halt everything that goes there."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from kit.db import Session
from kit.events import record
from prometheus_client import Counter

from trading.domain.comparison import Submit, fault_of
from trading.domain.halt import ITSELF, Halt, HaltMode
from trading.store import system
from trading.switch_events import SubmitsMismatched
from trading.usecases.halt_platform import halt_platform

REASON = "orders were sent that nobody approved"
mismatched = Counter("submits_mismatched_total", "Orders a broker was sent that were not approved so", ["broker"])

log = structlog.get_logger()


async def compare_submits(session: Session, broker: str, submits: Sequence[Submit], now: datetime) -> list[str]:
    """Return what is wrong. Halt and alarm are committed together; a human has to resume, after the cool-off."""
    approved = await system.read_orders(session, [(seen.owner, seen.order_id) for seen in submits if seen.owner])
    faults = {}
    for seen in submits:
        if fault := fault_of(seen, approved.get((seen.owner, seen.order_id)) if seen.owner else None):
            faults[seen.order_id] = fault
    if not faults:
        return []
    words = [f"{order_id}: {fault}" for order_id, fault in faults.items()]
    log.critical("a broker was sent what was not approved: it is halted", broker=broker, faults=words)
    mismatched.labels(broker).inc(len(faults))
    halt = Halt(level="broker", scope_id=None, broker=broker, mode=HaltMode.HALTED, reason=REASON, halted_at=now)
    await halt_platform(session, halt, ITSELF)
    await record(session, SubmitsMismatched(broker=broker, order_ids=list(faults), faults=words), owner=None)
    return words
