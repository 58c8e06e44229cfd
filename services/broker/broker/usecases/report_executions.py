"""Report what a broker tells by itself: executions and endings of orders that rested there."""

from contextlib import aclosing

import structlog

from broker.adapters.port import Connector, Report
from broker.desk import Desk
from broker.domain.attempt import ImpossibleTransition
from broker.usecases.settle_attempt import settle_attempt

log = structlog.get_logger()


async def report_executions(desk: Desk, connector: Connector) -> None:
    """Settle every report of a connector's stream, for ever; the stream repeats what was not settled."""
    async with aclosing(connector.reports()) as stream:
        async for reports in stream:
            for report in reports:
                await _settle(desk, connector, report)


async def _settle(desk: Desk, connector: Connector, report: Report) -> None:
    broker = connector.capabilities.broker
    try:
        async with desk.database.system() as session:
            known = await settle_attempt(session, report.key, report.news)
    except ImpossibleTransition:
        log.exception("a broker contradicts itself", broker=broker, key=str(report.key))
        return
    if not known:
        log.error("a broker reports an order we never sent", broker=broker, key=str(report.key))
