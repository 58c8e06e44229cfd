"""Answer a command that came by a linked chat."""

from kit.db import Session
from kit.events import record

from notification.domain import reply
from notification.domain.owner import OwnerId
from notification.events import HaltRequested, SignalDecided
from notification.store import preferences, standing


async def answer_command(session: Session, owner: OwnerId, name: str) -> str:
    """Do what an owner asks, and return what to answer; a halt is certain once this transaction is."""
    language = (await preferences.find(session, owner)).language
    if (asked := reply.decision_of(name)) is not None:
        decision, code = asked
        await record(session, SignalDecided(code=code, decision=decision, channel="telegram"), owner=owner)
        return reply.DECIDED[decision][language]
    match name:
        case "halt":
            await record(session, HaltRequested(channel="telegram"), owner=owner)
            return reply.HALTING[language]
        case "positions":
            return reply.on_positions(await standing.list_all(session, owner, "position"), language)
        case "orders":
            return reply.on_orders(await standing.list_all(session, owner, "order"), language)
        case "status":
            kinds = ("balance", "position", "order")
            balances, positions, orders = [await standing.list_all(session, owner, kind) for kind in kinds]
            return reply.on_status(balances, (len(positions), len(orders)), language)
    return reply.HELP[language]
