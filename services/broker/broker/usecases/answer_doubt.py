"""Answer a doubt: the owner of an order has looked at the broker, and says which one it is there, or none."""

from kit.db import Database
from kit.events import record

from broker.adapters.port import Remote
from broker.domain.attempt import Attempt
from broker.domain.doubt import is_in_doubt
from broker.domain.order import Accepted, Refused
from broker.errors import DoubtNotFound, NotACandidate
from broker.events import DoubtAnswered
from broker.store import system
from broker.usecases.read_candidates import read_candidates
from broker.usecases.settle_attempt import settle_attempt

NOT_PLACED = Refused("not_placed", "Its owner has looked at the broker, and says that the order was not placed.")


async def answer_doubt(
    database: Database, attempt: Attempt, remote: Remote | None, broker_order_id: str | None
) -> None:
    """Settle an order by its owner's word: as the one of this number, or (None) as never placed.

    `remote` may be missing where nobody is asked: when it was never placed.

    Raises:
        NotACandidate: when the broker shows no such row that could be it.
        DoubtNotFound: when somebody else has answered meanwhile.
        NotSent, Unreachable: when the broker does not show its list now; nothing is settled then.
    """
    answer: Accepted | Refused = NOT_PLACED
    if broker_order_id is not None:
        assert remote is not None, "a number is looked for at the broker"
        rows = {each.broker_order_id: each for each in await read_candidates(database, attempt, remote)}
        if broker_order_id not in rows:
            raise NotACandidate("The broker shows no order of this number that could be yours: look again.")
        answer = await remote.told(rows[broker_order_id])
    intent = attempt.intent
    async with database.system() as session:
        before = await system.lock_attempt(session, intent.key)
        if before is None or not is_in_doubt(before):
            raise DoubtNotFound("This order was answered for in the meantime.")
        if broker_order_id is not None and await system.list_keys(
            session, attempt.broker, intent.connection_id, [broker_order_id]
        ):
            raise NotACandidate("This number belongs to another order of yours by now.")
        await settle_attempt(session, intent.key, answer)
        fact = DoubtAnswered(
            order_id=intent.order_id,
            account_id=intent.account_id,
            broker=attempt.broker,
            broker_order_id=broker_order_id,
        )
        await record(session, fact, owner=intent.owner)
