"""Submit an order to its broker, once: the only module that crosses the wire with an order.

Three phases, each safe to die after. (1) The attempt is committed as `sending`: from now on the order can be looked up.
(2) The connector is called with no transaction open. (3) The answer, its events and the message's inbox row are
committed together. Whoever comes back to an attempt without an answer (the same message again, or the recovery) asks
the broker for evidence first, and sends again only where absence is certain.

At an exchange of our own (1) and (2) are one transaction, as its books are in our database (decision 150), and orders
that come to one book at once share it.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from uuid import UUID

from kit import context, traces
from kit.consumer import take
from kit.errors import Unavailable
from kit.events import record

from broker.adapters.port import Connector, InHouse, LineFailure, LineGone, NotSent
from broker.desk import Desk
from broker.domain.attempt import Attempt, AttemptState
from broker.domain.capabilities import Capabilities, refuse_beyond
from broker.domain.hours import refuse_out_of_hours
from broker.domain.order import Absent, Accepted, Ambiguous, Answer, OrderIntent, Refused, Unanswered, Unaskable
from broker.events import OrderNeedsHuman
from broker.pit import Newcomer
from broker.store import attempts, portions
from broker.store.portions import Seen
from broker.usecases.settle_attempt import settle_attempt
from broker.usecases.settle_first import Answered, settle_first

CONSUMER = "broker"
AGAIN_AFTER_MILLISECONDS = (200, 600, 1_800)
"""Pauses before trying again what was certainly not sent, where only this very call can be certain of it."""
_TWIN = Refused(
    "duplicate_order",
    "It is not known yet whether an equal order is at the broker, which could not tell the two apart: wait for it.",
)

_TOO_OLD = Refused(
    "not_placed", "The platform was restored from a backup before the order was sent: it is too old to send now."
)


async def submit_order(
    desk: Desk, intent: OrderIntent, message_id: UUID | None, asked_at: datetime | None = None
) -> None:
    """Have an order at its broker and announce the answer, however often this is called.

    Args:
        desk: connectors and database.
        intent: what to send.
        message_id: the message that asks for it; None when the recovery comes back to an attempt.
        asked_at: when the order was submitted. One from before a restore may be at its broker: it is not sent.

    Raises:
        Unavailable: when the order was certainly not sent and there is patience left to try again.
    """
    if message_id is not None and await _submit_in_house(desk, intent, message_id, asked_at):
        return
    before, is_new = await _begin(desk, intent, asked_at)
    attempt, answer = await _ask(desk, before, is_new=is_new)
    if is_new and message_id is not None and await _settle_at_once(desk, before, answer, message_id):
        return
    async with desk.database.system() as session:
        if message_id is not None:
            await take(session, message_id, CONSUMER)
        if attempt.looks:
            await attempts.save_looks(session, intent.owner, attempt)
        if attempt.needs_human and not before.needs_human and isinstance(answer, Unanswered):
            await record(session, _call_for_help(attempt, answer), owner=intent.owner)
        if answer is not None:
            await settle_attempt(session, intent.key, answer)


async def _settle_at_once(desk: Desk, attempt: Attempt, answer: Answer | None, message_id: UUID) -> bool:
    """Keep the plain first answer by one statement; False, with nothing kept, when it is not plain or not the first."""
    if not isinstance(answer, Accepted | Refused) or (isinstance(answer, Accepted) and answer.progress is not None):
        return False
    async with desk.database.system(single=True) as session:
        [is_kept] = await settle_first(session, [Answered(attempt, answer, Seen(message_id, CONSUMER))])
    return is_kept


async def _submit_in_house(desk: Desk, intent: OrderIntent, message_id: UUID, asked_at: datetime | None) -> bool:
    """Have an order at an exchange of ours, together with those that come to the same book at the same time.

    Whatever is out of the ordinary takes the long way, which looks first what there is: False then.
    """
    connector = desk.connector_for(intent)
    if not isinstance(connector, InHouse) or refuse_beyond(connector.capabilities, intent):
        return False
    if asked_at is not None and desk.settings.is_from_a_backup(asked_at):
        return False
    attempt = _new_attempt(intent, connector.capabilities.broker, desk.clock())
    newcomer, book = Newcomer(attempt, Seen(message_id, CONSUMER)), connector.book_of(intent)
    with suppress(TimeoutError), traces.span("submit", traces.CLIENT, broker=attempt.broker):
        async with asyncio.timeout(desk.settings.submit_timeout_seconds):
            return await desk.pit.enter(book, newcomer, partial(_place_together, desk, connector, book))
    return False


async def _place_together(
    desk: Desk, connector: InHouse, book: str, newcomers: Sequence[Newcomer]
) -> Collection[Newcomer]:
    """Have orders of one book placed: attempts and books in one transaction, the answers in another; who is settled.

    The books cannot be right without the attempts, nor be lost without them. Who comes with an order that has an
    attempt already is not placed.
    """
    begun: list[Newcomer] = []
    async with asyncio.timeout(desk.settings.submit_timeout_seconds):
        enter = await connector.approach(newcomers[0].attempt.intent.symbol)
        async with desk.database.system() as session:
            new = await portions.save_new_at(session, [each.attempt for each in newcomers], book)
            for each in newcomers:
                if each.attempt.intent.order_id in new:
                    new.discard(each.attempt.intent.order_id)  # of one that has come twice only the first is placed
                    begun.append(each)
            if not begun:
                return ()
            answers = await enter(session, [each.attempt.intent for each in begun])
    answered = [
        Answered(each.attempt, answer, each.seen, each.context) for each, answer in zip(begun, answers, strict=True)
    ]
    async with desk.database.system(single=True) as session:
        kept = await settle_first(session, answered)
    return [each for each, is_kept in zip(begun, kept, strict=True) if is_kept]


def _call_for_help(attempt: Attempt, answer: Unanswered) -> OrderNeedsHuman:
    intent = attempt.intent
    return OrderNeedsHuman(
        order_id=intent.order_id, account_id=intent.account_id, broker=attempt.broker, text=answer.text
    )


async def _begin(desk: Desk, intent: OrderIntent, asked_at: datetime | None) -> tuple[Attempt, bool]:
    """The attempt at this order, and whether it may be sent: when it is new, and not out of a backup."""
    able = desk.connector_for(intent).capabilities
    old = asked_at is not None and desk.settings.is_from_a_backup(asked_at)
    attempt = _new_attempt(intent, able.broker, asked_at if asked_at is not None and old else desk.clock())
    async with desk.database.system() as session:
        if able.identifies_by_key:
            twin, is_new = None, await attempts.save_new(session, intent.owner, attempt, quickly=able.books_are_ours)
        else:
            is_new, twin = await attempts.save_new_beside_twin(session, intent.owner, attempt)
        if twin is AttemptState.SENDING:  # what was kept is given up with this transaction
            raise Unavailable("An equal order is being sent: only one at a time can be told from the others.")
        if is_new:
            if twin is None:
                return attempt, not old
            await settle_attempt(session, intent.key, _TWIN)  # kept and refused in one: it must never be looked for
        earlier = await attempts.find(session, intent.owner, intent.order_id)
    assert earlier is not None, "an attempt is never deleted, and an order never changes its owner"
    return earlier, False


def _new_attempt(intent: OrderIntent, broker: str, begun_at: datetime) -> Attempt:
    return Attempt(
        intent=intent,
        broker=broker,
        state=AttemptState.SENDING,
        broker_order_id=None,
        correlation_id=context.correlation_id(),
        begun_at=begun_at,
    )


async def _ask(desk: Desk, attempt: Attempt, *, is_new: bool) -> tuple[Attempt, Answer | None]:
    """The broker's answer, by sending or by looking; None when it is known already."""
    connector = desk.connector_for(attempt.intent)
    if is_new:
        return attempt, await _send(desk, connector, attempt)
    if attempt.is_settled or not attempt.is_due(desk.clock()):
        return attempt, None
    evidence = await _look(desk, connector, attempt)
    if isinstance(evidence, Absent) and connector.capabilities.absence_is_certain:
        if desk.settings.is_from_a_backup(attempt.begun_at):
            return attempt, _TOO_OLD
        return attempt, await _send(desk, connector, attempt)
    if isinstance(evidence, Absent | Ambiguous | Unaskable):
        return attempt.looked(evidence, connector.capabilities.title, desk.clock())
    return attempt, evidence


async def _send(desk: Desk, connector: Connector, attempt: Attempt) -> Answer:
    if refusal := await _refusal(desk, connector.capabilities, attempt.intent):
        return refusal
    pauses = () if connector.capabilities.absence_is_certain else AGAIN_AFTER_MILLISECONDS
    for pause in (*pauses, None):
        try:
            with traces.span("submit", traces.CLIENT, broker=attempt.broker):
                async with asyncio.timeout(desk.settings.submit_timeout_seconds):
                    return await connector.submit(attempt.intent, attempt.intent.key)
        except NotSent as failed:
            if pause is None:
                return _give_up(desk, connector, attempt, failed)
            await desk.pause(pause / 1_000)
        except (LineFailure, TimeoutError) as failed:
            return Unanswered(_doubt(desk, failed))
    raise AssertionError("the last try has no pause after it")


async def _refusal(desk: Desk, able: Capabilities, intent: OrderIntent) -> Refused | None:
    """Why the order is not sent at all; the simulator judges hours by itself, with the quote it matches against."""
    if (refusal := refuse_beyond(able, intent)) is not None or able.books_are_ours:
        return refusal
    return refuse_out_of_hours(able, intent, await desk.markets.now(desk.cache, intent.symbol, desk.clock()))


def _give_up(desk: Desk, connector: Connector, attempt: Attempt, failed: NotSent) -> Refused:
    """What follows when nothing was sent: patience where a later look is certain, else an end while we are."""
    waited = desk.clock() - attempt.begun_at
    patience = desk.settings.not_sent_patience_seconds
    if connector.capabilities.absence_is_certain and waited.total_seconds() < patience:
        raise Unavailable(str(failed)) from failed
    return Refused("broker_unreachable", f"The order was never sent: {failed}")


async def _look(
    desk: Desk, connector: Connector, attempt: Attempt
) -> Accepted | Refused | Absent | Ambiguous | Unaskable | Unanswered:
    try:
        async with asyncio.timeout(desk.settings.submit_timeout_seconds):
            return await connector.find(attempt.intent, attempt.intent.key, attempt.begun_at)
    except LineGone:
        return Unaskable()
    except (LineFailure, TimeoutError) as failed:
        return Unanswered(_doubt(desk, failed))


def _doubt(desk: Desk, failed: Exception) -> str:
    why = str(failed) or f"No answer within {desk.settings.submit_timeout_seconds} seconds"
    return f"{why.rstrip('.')}; the order list is being asked."
