"""Dangerous acts in other services stand in the audit log, once, in one chain with everything else."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from auth.store import audit
from auth.store.audit import Wanted
from auth.subscriptions import subscriptions
from auth.usecases.verify_audit import verify_audit
from kit import context
from kit.clock import now
from kit.consumer import take
from kit.db import Database
from kit.events import Envelope

EXAMPLES = Path(__file__).resolve().parents[3] / "contracts" / "events"
ACCOUNT, HALT = "0193ccc8-ed99-7ba4-be00-708c993b9b96", "trading.halt.changed.v1"
SAID = {
    "trading.halt.changed.v1": ("trading_halted", ACCOUNT, {"level": "account", "mode": "halted"}),
    "trading.limits.changed.v1": (
        "limits_loosened",
        ACCOUNT,
        {
            "scope": "account",
            "currency": "KRW",
            "from": "2024-12-17T02:52:04.118000+00:00",
            "order_value_max": "5000000",
        },
    ),
    "trading.account.opened.v1": ("account_opened", None, {"kind": "paper"}),
    "trading.account.reset.v1": ("account_reset", None, {}),
    "trading.ledger.disproved.v1": ("ledger_disproved", None, {}),
    "broker.doubt.answered.v1": (
        "doubt_answered",
        "0193cd70-8a11-7c3e-9b1f-6c2d8e4f0a31",
        {"broker": "kis", "broker_order_id": "20261102-00950-0000000003"},
    ),
    "broker.connection.changed.v1": ("connection_saved", None, {"broker": "kis", "environment": "paper"}),
}


def example(event_type: str, **changes: Any) -> Envelope:
    message = json.loads((EXAMPLES / f"{event_type}.example.json").read_text())
    return Envelope.model_validate({**message, "data": message["data"] | changes})


async def heard(database: Database, message: Envelope) -> None:
    """Handle a message as the consumer does: in one transaction of its owner, if it is new."""
    subscription = subscriptions.handlers[message.type]
    fact = subscription.model.model_validate(message.data)
    async with database.system() if message.owner is None else database.owned(message.owner) as session:
        if await take(session, message.id, subscriptions.consumer):
            context.correlation.set(message.correlation_id)
            await subscription.handler(session, fact, message)


@pytest.mark.requirement("R-57")
@pytest.mark.parametrize("event_type", sorted(name for name in subscriptions.handlers if ".owner.erased." not in name))
async def test_a_dangerous_act_elsewhere_is_kept_once_with_who_when_and_by_which_request(
    database: Database, event_type: str
) -> None:
    message = example(event_type)
    for _ in range(2):
        await heard(database, message)
    async with database.system() as session:
        (kept,) = await audit.list_entries(session, Wanted(None, 10))
        assert (await verify_audit(session, [], now()))[1] is None
    action, subject, new = SAID[event_type]
    assert (kept.entry.action, kept.entry.new) == (action, new)
    assert kept.entry.old == message.data.get("old", {})
    assert kept.entry.subject == (subject or message.data.get("account_id") or message.data["connection_id"])
    assert kept.entry.actor == ("" if action == "ledger_disproved" else str(message.owner))
    assert (kept.occurred_at, kept.request_id) == (message.time, str(message.correlation_id))


@pytest.mark.requirement("R-57")
async def test_a_brokers_keys_that_are_taken_away_are_told_of_too(database: Database) -> None:
    await heard(database, example("broker.connection.changed.v1", change="deleted"))
    async with database.system() as session:
        (kept,) = await audit.list_entries(session, Wanted(None, 10))
    assert kept.entry.action == "connection_deleted"


@pytest.mark.requirement("R-57")
async def test_a_halt_of_the_whole_platform_names_the_admin_who_threw_and_released_it(database: Database) -> None:
    admin = "0193ccc5-bf05-7f1f-b569-eaf3a6354999"
    for message_id, mode in ((1, "halted"), (2, None)):
        thrown = example(HALT, level="global", scope_id=None, mode=mode, by=admin)
        await heard(database, thrown.model_copy(update={"owner": None, "id": UUID(int=message_id)}))
    async with database.system() as session:
        entries = [each.entry for each in await audit.list_entries(session, Wanted(None, 10))]
    assert [(each.actor, each.action, each.subject) for each in reversed(entries)] == [
        (admin, "trading_halted", "platform"),
        (admin, "trading_resumed", "platform"),
    ]


@pytest.mark.requirement("R-57")
async def test_a_live_account_is_kept_with_the_connection_whose_money_it_moves(database: Database) -> None:
    connection = "0193cd70-8a11-7c3e-9b1f-6c2d8e4f0a31"
    await heard(database, example("trading.account.opened.v1", kind="live", connection_id=connection))
    async with database.system() as session:
        (kept,) = await audit.list_entries(session, Wanted(None, 10))
    assert (kept.entry.action, kept.entry.new) == ("account_opened", {"kind": "live", "connection": connection})
