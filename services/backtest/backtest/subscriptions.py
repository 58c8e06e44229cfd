"""What the backtest worker listens to: its own requests."""

from uuid import UUID

from kit.consumer import Later, Subscriptions, take
from kit.events import Envelope
from pydantic import BaseModel

from backtest.domain.run import RunId
from backtest.usecases.erase_owner import erase_owner
from backtest.usecases.execute_run import CONSUMER, Errand, execute_run
from backtest.workshop import Workshop

subscriptions = Subscriptions(CONSUMER)


class RunRequestedFact(BaseModel):
    """What we read of a request."""

    run_id: UUID


@subscriptions.on("backtest.run.requested.v1", RunRequestedFact, phases=True)
async def run_requested(workshop: Workshop, fact: RunRequestedFact, message: Envelope) -> None:
    """Compute a run; the same request twice computes it once."""
    assert message.owner is not None, "a run always has an owner"
    await execute_run(workshop, Errand(message.owner, RunId(fact.run_id), message.id))


class UserErasedFact(BaseModel):
    """Who has left."""

    user_id: UUID


@subscriptions.on("auth.user.erased.v1", UserErasedFact, phases=True)
async def user_erased(workshop: Workshop, fact: UserErasedFact, message: Envelope) -> None:
    """Forget them, as the worker role: what is theirs may not all be theirs to delete."""
    async with workshop.database.system() as session:
        if not await take(session, message.id, CONSUMER):
            return
        if not await erase_owner(session, fact.user_id):
            raise Later("facts of theirs are still being published")
