"""What auth listens to: services that have forgotten somebody."""

from uuid import UUID

from kit.consumer import Subscriptions, take
from kit.events import Envelope
from pydantic import BaseModel

from auth.resources import Resources
from auth.usecases.record_erased import record_erased

CONSUMER = "auth"
TOLD_BY = ("trading", "market", "backtest", "broker", "notification")

subscriptions = Subscriptions(CONSUMER)


class ErasedFact(BaseModel):
    """Who is forgotten."""

    user_id: UUID


async def _owner_erased(resources: Resources, fact: ErasedFact, message: Envelope) -> None:
    """Remember that the service which tells it is done, as the worker role: nobody owns that list any more."""
    async with resources.database.system() as session:
        if await take(session, message.id, CONSUMER):
            await record_erased(session, fact.user_id, message.source, message.time)


for service in TOLD_BY:
    subscriptions.on(f"{service}.owner.erased.v1", ErasedFact, phases=True)(_owner_erased)
