"""Commands by Telegram: of the linked person alone, once each, and the kill switch in one message."""

import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from kit.clock import now
from kit.events import Envelope
from kit.ids import new_id
from notification.config import Settings
from notification.domain import reply
from notification.domain.notice import Notice
from notification.domain.preference import Preferences
from notification.domain.signal_notice import SignalSeen, of_signal
from notification.domain.stream import Entry
from notification.resources import Resources
from notification.sender import Sender
from notification.store import preferences
from notification.subscriptions import subscriptions
from notification.telegram_reader import TelegramReader
from notification.usecases.tell_owner import Told, tell_owner
from pydantic import SecretStr
from sqlalchemy import text

from services.notification.tests.outside import BOT_TOKEN, Outside, outside_world, refusal
from services.notification.tests.people import Person, unheard

EXAMPLES = Path(__file__).parents[3] / "contracts" / "events"
CHANNELS = "/api/v1/notifications/channels"
SEND = f"/bot{BOT_TOKEN}/sendMessage"
ACCOUNT = {"account_id": "a", "currency": "KRW"}
BALANCE = Entry("balance", {**ACCOUNT, "cash": "10000000", "available": "9438916"})
POSITION = Entry("position", {**ACCOUNT, "symbol": "005930", "quantity": "10", "average_price": "56008.3"})
OPEN = {"id": "o", **ACCOUNT, "symbol": "005930", "side": "buy", "limit_price": "56000", "remaining_quantity": "10"}


@pytest_asyncio.fixture
async def world() -> AsyncIterator[Outside]:
    async with outside_world() as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, world: Outside) -> Settings:
    changes = {"telegram_token": SecretStr(BOT_TOKEN), "telegram_api_url": world.url}
    return settings.model_copy(update=changes)


def writes(world: Outside, words: str, chat: int = 4711, sender: int | None = None, kind: str = "private") -> None:
    message = {"chat": {"id": chat, "type": kind}, "from": {"id": sender or chat, "is_bot": False}, "text": words}
    world.updates.append({"update_id": 100 + len(world.updates), "message": message})


async def reads(worker: Resources) -> None:
    assert worker.catalogue.bot is not None
    assert await TelegramReader(worker, worker.catalogue.bot, now).read_once(0)


def answers(world: Outside) -> list[tuple[int, str]]:
    return [(each.json["chat_id"], each.json["text"]) for each in world.at(SEND)]


async def links(person: Person, worker: Resources, world: Outside, chat: int = 4711) -> str:
    """Link a chat of somebody who reads English."""
    async with worker.database.owned(person.id) as session:
        await preferences.save(session, person.id, Preferences(language="en"))
    async with person.asks() as client:
        added = (await client.post(CHANNELS, json={"kind": "telegram", "name": "phone"})).json()
    assert added["status"] == "pending"
    writes(world, added["start_command"], chat)
    await reads(worker)
    start: str = added["start_command"]
    return start


async def happens(worker: Resources, person: Person, *entries: Entry) -> None:
    async with worker.database.owned(person.id) as session:
        for entry in entries:
            tell_owner(session, person.id, Told(new_id(), (entry,), None, now()), unheard)


async def requests_of_halts(worker: Resources) -> list[Any]:
    async with worker.database.system() as session:
        found = text("SELECT owner_id FROM events WHERE type = 'notification.halt.requested.v1'")
        return list((await session.scalars(found)).all())


async def test_a_linked_chat_is_told_of_what_happens(haneul: Person, worker: Resources, world: Outside) -> None:
    await links(haneul, worker, world)
    assert answers(world)[0][1].startswith("Linked. ")
    async with worker.database.owned(haneul.id) as session:
        tell_owner(session, haneul.id, Told(new_id(), (), Notice("order_filled", "Bought", "Fee.", {}), now()), unheard)
    sender = Sender(worker, worker.catalogue.ports, now)
    await sender.send_due()
    await sender.finish()
    assert answers(world)[1] == (4711, "Bought\nFee.")


async def test_the_linked_person_sees_status_positions_and_open_orders(
    haneul: Person, worker: Resources, world: Outside
) -> None:
    await links(haneul, worker, world)
    await happens(worker, haneul, BALANCE, POSITION, Entry("order", {**OPEN, "status": "accepted"}))
    for command in ("/status", "/positions", "/orders@exodus_bot"):
        writes(world, command)
    await reads(worker)
    assert [words for _, words in answers(world)[1:]] == [
        "Cash ₩10,000,000, available ₩9,438,916\n1 positions, 1 open orders",
        "005930: 10 at ₩56,008.3",
        "005930 buy 10 @ ₩56,000 (accepted)",
    ]
    sold = Entry("position", {**POSITION.data, "quantity": "0"})
    await happens(worker, haneul, Entry("order", {**OPEN, "status": "filled"}), sold)
    for command in ("/positions", "/orders"):
        writes(world, command)
    await reads(worker)
    assert [words for _, words in answers(world)[4:]] == ["No positions.", "No open orders."]


async def test_one_message_throws_the_kill_switch_once_however_often_it_is_read(
    haneul: Person, worker: Resources, world: Outside
) -> None:
    await links(haneul, worker, world)
    writes(world, "/halt")
    await reads(worker)
    assert await requests_of_halts(worker) == [haneul.id]
    assert "Halting all your trading" in answers(world)[-1][1]
    async with worker.database.system() as session:
        place = await session.scalar(text("SELECT next_update FROM telegram_reading"))
    assert place == 102
    world.updates.append({**world.updates[-1], "update_id": 101})
    await reads(worker)
    assert await requests_of_halts(worker) == [haneul.id]


async def test_a_linked_chat_answers_a_signal_that_asks_first(
    haneul: Person, worker: Resources, world: Outside
) -> None:
    await links(haneul, worker, world)
    asked = SignalSeen(
        "0193cfa1-2b3c-7a10-8d2e-3f4a5b6c7d8e", "RSI", "005930", "buy", "entry", Decimal(1), "asked", (), None
    )
    commands = re.findall(r"/\w+", of_signal(asked).body)
    assert len(commands) == 2
    for command in (*commands, "/approve_nonsense"):
        writes(world, command)
    await reads(worker)
    decided = text("SELECT owner_id, data FROM events WHERE type = 'notification.signal.decided.v1' ORDER BY position")
    async with worker.database.system() as session:
        rows = (await session.execute(decided)).all()
    assert [(row.owner_id, row.data["decision"], row.data["code"]) for row in rows] == [
        (haneul.id, "approve", "3f4a5b6c7d8e"),
        (haneul.id, "decline", "3f4a5b6c7d8e"),
    ]
    assert "/status" in answers(world)[-1][1], "what is no code asks for help"


@pytest.mark.parametrize(
    ("chat", "sender", "kind"), [(666, None, "private"), (-4711, 4711, "group"), (4711, 666, "private")]
)
async def test_nobody_else_gives_commands(
    haneul: Person, worker: Resources, world: Outside, chat: int, sender: int | None, kind: str
) -> None:
    await links(haneul, worker, world)
    writes(world, "/halt", chat, sender, kind)
    await reads(worker)
    assert await requests_of_halts(worker) == []
    assert all("not linked" in words for _, words in answers(world)[1:])


async def test_a_code_links_one_chat_once(haneul: Person, worker: Resources, world: Outside) -> None:
    start = await links(haneul, worker, world)
    writes(world, start, chat=666)
    writes(world, f"{start[:-3]}AAA", chat=667)
    writes(world, "/start nonsense", chat=668)
    await reads(worker)
    assert [words[:9] for _, words in answers(world)[1:]] == ["This code"] * 3
    await links(haneul, worker, world)
    assert "linked already" in answers(world)[-1][1]


async def test_a_blocked_bot_is_told_to_its_owner(haneul: Person, worker: Resources, world: Outside) -> None:
    await links(haneul, worker, world)
    world.next_answers(SEND, refusal(403, "Forbidden: bot was blocked by the user"))
    async with worker.database.owned(haneul.id) as session:
        tell_owner(session, haneul.id, Told(new_id(), (), Notice("order_filled", "Bought", "", {}), now()), unheard)
    sender = Sender(worker, worker.catalogue.ports, now)
    await sender.send_due()
    await sender.finish()
    async with haneul.asks() as client:
        (channel,) = (await client.get(CHANNELS)).json()
        assert (channel["status"], "blocked" in channel["trouble"]) == ("broken", True)
        assert (await client.get("/api/v1/notifications")).json()["items"][0]["kind"] == "channel_broken"


@pytest.mark.requirement("R-28")
async def test_one_process_reads_at_a_time(worker: Resources, world: Outside) -> None:
    async with worker.database.system() as session:
        await session.execute(text("UPDATE telegram_reading SET lease_until = now() + interval '1 minute'"))
    assert worker.catalogue.bot is not None
    assert not await TelegramReader(worker, worker.catalogue.bot, now).read_once(0)
    assert world.heard == []


async def test_a_chat_of_somebody_who_is_locked_gives_no_commands_until_the_account_is_opened(
    haneul: Person, worker: Resources, world: Outside
) -> None:
    await links(haneul, worker, world)
    subscription = subscriptions.handlers["auth.permissions.changed.v1"]
    for locked, halts in ((True, 0), (True, 0), (False, 1), (False, 2)):
        async with worker.database.owned(haneul.id) as session:
            fact = subscription.model.model_validate({"locked": locked})
            await subscription.handler(session, fact, announced(haneul))
        writes(world, "/halt")
        await reads(worker)
        assert len(await requests_of_halts(worker)) == halts
        assert (answers(world)[-1][1] == reply.UNKNOWN_CHAT) is locked


def announced(person: Person) -> Envelope:
    example = json.loads((EXAMPLES / "auth.permissions.changed.v1.example.json").read_text())
    return Envelope.model_validate({**example, "id": new_id(), "owner": person.id})
