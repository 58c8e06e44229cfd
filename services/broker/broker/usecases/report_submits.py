"""Report what brokers were sent, so that trading can hold it against what it approved."""

from itertools import groupby
from operator import attrgetter

from kit.db import Database
from kit.events import record

from broker.events import SubmitSeen, SubmitsReported
from broker.store import submits

AT_ONCE = 500


async def report_submits(database: Database) -> int:
    """Announce the orders that were sent since the last report, by broker; return how many."""
    async with database.system() as session:
        found = sorted(await submits.take_unreported(session, most=AT_ONCE), key=attrgetter("broker"))
        for broker, sent in groupby(found, key=attrgetter("broker")):
            seen = [SubmitSeen.model_validate(each) for each in sent]
            await record(session, SubmitsReported(broker=broker, submits=seen), owner=None)
    return len(found)
