"""From a notice to every channel: each against a server that speaks its protocol."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Response
from kit.clock import now
from kit.ids import new_id
from notification.channels.webhook import signature
from notification.config import Settings
from notification.domain.delivery import AGE_MAX, HOURLY_MAX, PAUSES
from notification.domain.notice import Notice
from notification.resources import Resources
from notification.sender import OWNER_SLOTS, SLOTS, Sender
from notification.usecases.tell_owner import Told, tell_owner
from notification.usecases.try_channel import TITLES
from pydantic import SecretStr
from sqlalchemy import text

from services.notification.tests.mailbox import Mailbox, mail_server
from services.notification.tests.outside import BOT_TOKEN, Browser, Outside, hanging_receiver, outside_world, vapid_of
from services.notification.tests.people import Person, running, unheard, until

CHANNELS = "/api/v1/notifications/channels"
DELIVERIES = "/api/v1/notifications/deliveries"
FILLED = Notice("order_filled", "Bought 10 005930 at ₩56,000", "Fee ₩83, tax ₩0.", {"symbol": "005930"})
RUN = Notice("run_finished", "Backtest is done", "", {"run_id": "r"})


@pytest_asyncio.fixture
async def world() -> AsyncIterator[Outside]:
    async with outside_world() as opened:
        yield opened


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as (box, port):
        box.port = port
        yield box


@pytest.fixture
def settings(settings: Settings, world: Outside, mailbox: Mailbox) -> Settings:
    changes = {
        "smtp_host": "127.0.0.1",
        "smtp_port": mailbox.port,
        "smtp_security": "none",
        "telegram_token": SecretStr(BOT_TOKEN),
        "telegram_api_url": world.url,
        "kakao_client_id": "rest-api-key",
        "kakao_auth_url": world.url,
        "kakao_api_url": world.url,
        "slack_url": f"{world.url}/slack/",
        "discord_url": f"{world.url}/discord/",
    }
    return settings.model_copy(update=changes)


@pytest_asyncio.fixture
async def client(app: FastAPI, haneul: Person) -> AsyncIterator[httpx.AsyncClient]:
    async with haneul.asks() as opened:
        yield opened


def a_sender(worker: Resources, clock: Any = now) -> Sender:
    return Sender(worker, worker.catalogue.ports, clock)


async def is_told(worker: Resources, person: Person, *notices: Notice, at: Any = None) -> None:
    async with worker.database.owned(person.id) as session:
        for notice in notices:
            tell_owner(session, person.id, Told(new_id(), (), notice, at or now()), unheard)


async def adds(client: httpx.AsyncClient, **wish: Any) -> dict[str, Any]:
    answer = await client.post(CHANNELS, json={"name": "mine", **wish})
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


async def log_of(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get(DELIVERIES, params=query)).json()["items"]
    return items


async def sends(worker: Resources, clock: Any = now) -> None:
    """Send what is due, once."""
    sender = a_sender(worker, clock)
    await sender.send_due()
    await sender.finish()


def later(**delta: float) -> Any:
    return lambda: now() + timedelta(**delta)


async def test_a_webhook_gets_the_notice_signed_so_that_its_receiver_can_tell_it_is_ours(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    added = await adds(client, kind="webhook", url=f"{world.url}/mine")
    await is_told(worker, haneul, FILLED)
    async with running(a_sender(worker).run()):
        log = await until(lambda: log_of(client), lambda found: bool(found) and found[0]["status"] == "sent")
    assert [(each["status"], each["tries"], each["error"]) for each in log] == [("sent", 1, None)]
    (heard,) = world.at("/mine")
    assert (heard.json["title"], heard.json["id"]) == (FILLED.title, log[0]["id"])
    expected = signature(added["signing_secret"], heard.headers["exodus-timestamp"], heard.body)
    assert heard.headers["exodus-signature"] == f"v1={expected}"
    assert "signing_secret" not in (await client.get(f"{CHANNELS}/{added['id']}")).json()


async def test_slack_and_discord_get_plain_text_that_mentions_nobody(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="slack", url=f"{world.url}/slack/T/B/x")
    await adds(client, kind="discord", url=f"{world.url}/discord/1/y")
    await is_told(worker, haneul, Notice("order_filled", "<!channel> @everyone", "Fee.", {}))
    await sends(worker)
    slack, discord = world.at("/slack/T/B/x")[0].json, world.at("/discord/1/y")[0].json
    assert slack["text"] == "&lt;!channel&gt; @everyone"
    assert slack["blocks"][0]["text"] == {"type": "plain_text", "text": "<!channel> @everyone\nFee.", "emoji": False}
    assert discord["embeds"][0]["title"] == "<!channel> @everyone"
    assert discord["allowed_mentions"] == {"parse": []}


async def test_a_push_can_be_read_by_the_browser_and_names_its_sender(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    browser = Browser()
    offered = (await client.get(f"{CHANNELS}/offered")).json()
    await adds(client, kind="web_push", **browser.subscription(world))
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    (heard,) = world.at("/push/1")
    assert browser.reads(heard.body)["title"] == FILLED.title
    assert FILLED.title.encode() not in heard.body
    vapid = vapid_of(heard, world)
    assert (vapid["k"], vapid["sub"]) == (offered["web_push_key"], "mailto:exodus@localhost")
    assert (heard.headers["content-encoding"], heard.headers["ttl"]) == ("aes128gcm", "86400")


async def test_a_mailbox_is_used_only_after_its_code_came_back(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, mailbox: Mailbox
) -> None:
    added = await adds(client, kind="email", address="haneul@example.com")
    assert added["status"] == "pending"
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    (mail,) = mailbox.mails
    assert "Confirm" in mail["Subject"]
    code = mail.get_content().split("code is ")[1][:12]
    assert (await client.post(f"{CHANNELS}/{added['id']}/confirm", json={"code": "WRONGCODE234"})).status_code == 422
    confirmed = await client.post(f"{CHANNELS}/{added['id']}/confirm", json={"code": code})
    assert confirmed.json()["status"] == "active"
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    second: EmailMessage = mailbox.mails[1]
    assert (second["Subject"], second["To"]) == (FILLED.title, "haneul@example.com")


async def test_kakao_renews_its_token_on_the_way_and_keeps_the_new_one(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    tokens = Response('{"access_token":"access-1","refresh_token":"refresh-1"}', media_type="application/json")
    world.next_answers("/oauth/token", tokens)
    await adds(client, kind="kakao", code="consented", redirect_uri="https://exodus.example/kakao")
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    world.access_token = "access-2"
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    assert [each["status"] for each in await log_of(client)] == ["sent"] * 3
    assert len(world.at("/oauth/token")) == 2, "the renewed token was kept"
    assert b"refresh_token=refresh-1" in world.at("/oauth/token")[1].body


async def test_what_fails_is_tried_again_later_and_later_and_then_is_a_dead_letter_that_can_be_replayed(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="webhook", url=f"{world.url}/down")
    world.next_answers("/down", *(Response(status_code=503) for _ in range(len(PAUSES) + 1)))
    await is_told(worker, haneul, FILLED)
    waited = timedelta(0)
    for pause in PAUSES:
        await sends(worker, later(seconds=waited.total_seconds() + 1))
        (entry,) = await log_of(client)
        assert (entry["status"], entry["error"]) == ("waiting", "answered HTTP 503")
        await sends(worker, later(seconds=(waited + pause).total_seconds() - 1))
        assert len(world.at("/down")) == entry["tries"], "not before the pause is over"
        waited += pause + timedelta(seconds=2)
    await sends(worker, later(seconds=waited.total_seconds() + 1))
    (entry,) = await log_of(client, status="dead")
    assert entry["tries"] == len(PAUSES) + 1
    async with worker.database.system() as session:
        kinds = await session.scalars(text("SELECT type FROM events WHERE owner_id = :o"), {"o": haneul.id})
        assert list(kinds) == ["notification.delivery.failed.v1"]
    replayed = await client.post(f"{DELIVERIES}/{entry['id']}/replay")
    assert replayed.json()["status"] == "waiting"
    await sends(worker, later(hours=5))
    assert [each["status"] for each in await log_of(client)] == ["sent"]
    assert (await client.post(f"{DELIVERIES}/{entry['id']}/replay")).json()["code"] == "not_replayable"


async def test_what_is_too_old_gets_no_second_try(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="webhook", url=f"{world.url}/down")
    world.next_answers("/down", Response(status_code=500))
    await is_told(worker, haneul, FILLED, at=now() - AGE_MAX)
    await sends(worker)
    assert [(each["status"], each["tries"]) for each in await log_of(client)] == [("dead", 1)]


async def test_a_receiver_that_asks_for_a_pause_gets_it(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="webhook", url=f"{world.url}/busy")
    world.next_answers("/busy", Response(status_code=429, headers={"Retry-After": "120"}))
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    await sends(worker, later(seconds=110))
    assert len(world.at("/busy")) == 1
    await sends(worker, later(seconds=130))
    assert [each["status"] for each in await log_of(client)] == ["sent"]


async def test_an_expired_subscription_is_told_to_its_owner_and_left_alone(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    added = await adds(client, kind="web_push", **Browser().subscription(world))
    world.next_answers("/push/1", Response(status_code=410))
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    shown = (await client.get(f"{CHANNELS}/{added['id']}")).json()
    assert (shown["status"], shown["trouble"]) == ("broken", "the address does not exist any more (HTTP 410)")
    inbox = (await client.get("/api/v1/notifications")).json()["items"]
    assert [each["kind"] for each in inbox] == ["channel_broken", "order_filled"]
    await is_told(worker, haneul, FILLED)
    await sends(worker)
    assert len(world.at("/push/1")) == 1


async def test_a_hanging_channel_delays_no_other_and_no_notice(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notification.sender.SEND_SECONDS_MAX", 600)  # it hangs until we let it go
    async with running(a_sender(worker).run()), hanging_receiver() as receiver:
        await adds(client, kind="webhook", url=receiver.url)
        await adds(client, kind="webhook", url=f"{world.url}/fine")
        for _ in range(5):
            await is_told(worker, haneul, FILLED)
        await until(lambda: _count(world, "/fine"), lambda count: count == 5)
        assert len(world.at("/fine")) == 5


@pytest.mark.requirement("R-32")
async def test_an_owner_whose_receivers_all_hang_holds_up_no_neighbour(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("sender.SEND_SECONDS_MAX", "channels.outward.SECONDS_MAX"):
        monkeypatch.setattr(f"notification.{bound}", 600)
    minsu = Person(haneul.port, haneul.tokens, worker)
    async with running(a_sender(worker).run()), hanging_receiver() as receiver, minsu.asks() as neighbour:
        for _ in range(SLOTS + OWNER_SLOTS):
            await adds(client, kind="webhook", url=receiver.url)
        await adds(neighbour, kind="webhook", url=f"{world.url}/fine")
        await is_told(worker, haneul, FILLED)
        async with asyncio.timeout(30):
            for _ in range(OWNER_SLOTS):
                await receiver.asked.acquire()
        await is_told(worker, minsu, FILLED)
        await until(lambda: _count(world, "/fine"), lambda count: count == 1)
        assert receiver.asked.locked(), "nobody else has asked it meanwhile"


async def _count(world: Outside, path: str) -> int:
    return len(world.at(path))


@pytest.mark.requirement("R-28")
async def test_two_senders_send_each_message_once_and_in_order(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="webhook", url=f"{world.url}/mine")
    for number in range(20):
        await is_told(worker, haneul, Notice("order_filled", f"Bought {number}", "", {}))
    async with running(a_sender(worker).run(), a_sender(worker).run()):
        await until(lambda: log_of(client, status="sent"), lambda found: len(found) == 20, 20)
    assert [each.json["title"] for each in world.at("/mine")] == [f"Bought {number}" for number in range(20)]


async def test_a_sender_that_dies_while_sending_leaves_the_message_to_the_next_with_the_same_id(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="webhook", url=f"{world.url}/mine")
    await is_told(worker, haneul, FILLED)
    dying = a_sender(worker)

    async def never(*_: Any) -> None:
        raise asyncio.CancelledError

    dying._settle = never  # type: ignore[method-assign]
    await dying.send_due()
    with pytest.raises(asyncio.CancelledError):
        await dying.finish()
    await sends(worker, later(seconds=30))
    assert len(world.at("/mine")) == 1, "the lease still holds"
    await sends(worker, later(seconds=90))
    first, second = world.at("/mine")
    assert first.json["id"] == second.json["id"]
    assert [each["status"] for each in await log_of(client)] == ["sent"]


@pytest.mark.requirement("R-32")
async def test_more_than_the_hourly_limit_is_dropped_and_the_log_says_so(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="webhook", url=f"{world.url}/mine")
    await is_told(worker, haneul, *([FILLED] * (HOURLY_MAX + 2)))
    await is_told(worker, haneul, FILLED)
    dropped = await log_of(client, status="dropped")
    assert [each["error"] for each in dropped] == [f"more than {HOURLY_MAX} deliveries in an hour"] * 3
    tried = await client.post(f"{CHANNELS}/{(await client.get(CHANNELS)).json()[0]['id']}/test")
    assert (tried.status_code, tried.json()["code"]) == (429, "too_many_deliveries")


async def test_quiet_hours_hold_back_all_but_orders_and_end_with_a_digest_in_ones_language(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    await adds(client, kind="webhook", url=f"{world.url}/mine")
    here = now() + timedelta(hours=9)
    quiet = {"quiet_from": f"{here - timedelta(hours=1):%H:%M}", "quiet_to": f"{here + timedelta(hours=1):%H:%M}"}
    body = {"language": "ko", "time_zone": "Asia/Seoul", "digest_at": "18:00", **quiet}
    assert (await client.put("/api/v1/notifications/preferences", json=body)).status_code == 200
    await is_told(worker, haneul, RUN, RUN, FILLED)
    await sends(worker)
    assert [each.json["kind"] for each in world.at("/mine")] == ["order_filled"]
    await sends(worker, later(minutes=61))
    digest = world.at("/mine")[1].json
    assert (digest["kind"], digest["title"]) == ("digest", "알림 2건")
    assert digest["body"] == "• Backtest is done\n• Backtest is done"


async def test_a_test_message_can_be_asked_for_and_is_in_the_log(
    client: httpx.AsyncClient, worker: Resources, world: Outside
) -> None:
    added = await adds(client, kind="discord", url=f"{world.url}/discord/1/y")
    assert (await client.post(f"{CHANNELS}/{added['id']}/test")).status_code == 202
    await sends(worker)
    assert world.at("/discord/1/y")[0].json["embeds"][0]["title"] == TITLES["ko"]
    assert [(each["kind"], each["status"]) for each in await log_of(client)] == [("test", "sent")]


async def test_choices_decide_what_a_channel_is_told(
    client: httpx.AsyncClient, worker: Resources, haneul: Person, world: Outside
) -> None:
    added = await adds(client, kind="webhook", url=f"{world.url}/mine")
    chosen = {"choices": {"order_filled": "off"}}
    assert (await client.put(f"{CHANNELS}/{added['id']}/choices", json=chosen)).json() == chosen
    await is_told(worker, haneul, FILLED, RUN)
    await sends(worker)
    assert [each.json["kind"] for each in world.at("/mine")] == ["run_finished"]
    await client.patch(f"{CHANNELS}/{added['id']}", json={"enabled": False})
    await is_told(worker, haneul, RUN)
    await sends(worker)
    assert len(world.at("/mine")) == 1


@pytest.mark.requirement("R-54")
async def test_secrets_of_channels_are_sealed_in_the_database(
    client: httpx.AsyncClient, worker: Resources, world: Outside
) -> None:
    await adds(client, kind="slack", url=f"{world.url}/slack/T/B/canary-4711")
    async with worker.database.system() as session:
        rows = (await session.execute(text("SELECT channels::text AS whole, sealed FROM channels"))).all()
    assert rows
    for row in rows:
        assert "canary-4711" not in row.whole
        assert b"canary-4711" not in row.sealed
