"""What market listens to: people who leave."""

from uuid import UUID

from kit.consumer import Subscriptions, take
from kit.events import Envelope
from pydantic import BaseModel

from market.resources import Resources
from market.usecases.erase_owner import erase_owner

CONSUMER = "market"

subscriptions = Subscriptions(CONSUMER)


class UserErasedFact(BaseModel):
    """Who has left."""

    user_id: UUID


@subscriptions.on("auth.user.erased.v1", UserErasedFact, phases=True)
async def user_erased(resources: Resources, fact: UserErasedFact, message: Envelope) -> None:
    """Forget them, as the worker role: what is theirs may not all be theirs to delete."""
    async with resources.database.system() as session:
        if await take(session, message.id, CONSUMER):
            await erase_owner(session, fact.user_id)
