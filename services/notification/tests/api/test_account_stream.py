"""/ws/account behind a real socket: everything once and in order, whatever is lost on the way."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from kit import cache
from kit.clock import now
from kit.db import Session
from kit.ids import new_id
from kit.testing.tokens import Tokens
from notification.app import create_app
from notification.config import Settings
from notification.domain.owner import OwnerId
from notification.domain.stream import REPLAY_MAX, Entry
from notification.hints import ENTRIES_MAX, WAITING_MAX
from notification.hub import Audience, Hub
from notification.resources import Resources, open_resources
from notification.store import stream
from notification.store.stream import Numbered
from notification.usecases.tell_owner import Told, tell_owner
from pydantic import SecretStr
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from services.notification.tests.people import PATIENCE_SECONDS, Ear, Person, eventually, serve, tell, unheard


async def closed(ear: Any, seconds: float = PATIENCE_SECONDS) -> int:
    """The code the server closes with."""

    async def hear_out() -> None:
        while True:
            await ear.recv()

    with pytest.raises(ConnectionClosed) as caught:
        await asyncio.wait_for(hear_out(), seconds)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


class TestDelivery:
    async def test_what_happens_is_told_at_once_and_in_order(self, hinted: Person) -> None:
        await hinted.is_told(0)
        async with hinted.listens() as ear:
            assert ear.ready == 1
            await hinted.is_told(1)
            assert await ear.hears(1) == [(2, 1)]
            await hinted.is_told(*range(2, 30))
            assert await ear.hears(28) == [(number + 1, number) for number in range(2, 30)]

    async def test_what_happens_while_a_client_connects_is_not_lost(self, haneul: Person) -> None:
        async with haneul.listens() as ear:
            await haneul.is_told(1, 2)
            assert await ear.hears(2) == [(1, 1), (2, 2)]

    async def test_a_lost_hint_costs_a_second_and_nothing_else(self, haneul: Person) -> None:
        async with haneul.listens() as ear:
            await asyncio.sleep(0.3)
            await haneul.is_told(1, 2, publish=unheard)
            assert await ear.hears(2) == [(1, 1), (2, 2)]

    async def test_notices_come_with_the_order_that_caused_them(self, haneul: Person) -> None:
        async with haneul.listens() as ear:
            await haneul.is_told(1, notice=True)
            order, notice = await ear.next(), await ear.next()
        assert order == {"type": "order", "seq": 1, "data": {"number": 1}}
        assert (notice["type"], notice["seq"], notice["data"]["title"]) == ("notice", 2, "Bought 1")

    @pytest.mark.requirement("R-38")
    async def test_nobody_hears_of_somebody_else(self, haneul: Person) -> None:
        stranger = Person(haneul.port, haneul.tokens, haneul.worker)
        async with haneul.listens() as mine, stranger.listens() as theirs:
            await stranger.is_told(1)
            assert await theirs.hears(1) == [(1, 1)]
            assert await mine.silence(1.2)


@pytest_asyncio.fixture
async def hinted(
    app: FastAPI, tokens: Tokens, worker: Resources, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Person]:
    """A person to whom only hints bring anything: the look each second never comes."""
    monkeypatch.setattr("notification.hub.LOOK_SECONDS", 600)
    async with serve(app) as port, cache.connect(redis_url) as redis:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await redis.pubsub_numpat():  # noqa: ASYNC110 - until the hub hears them
                await asyncio.sleep(0.01)
        yield Person(port, tokens, worker)


class Looks(list[int]):
    """From where the table has been looked at, look by look."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.audiences: list[Audience] = []

    async def begin_now(self, clients: int) -> None:
        """Wait until so many clients have begun and nothing is being looked up, and count from here."""

        def at_rest() -> bool:
            begun = {client for each in self.audiences for client in each.clients if client.sent is not None}
            return (
                len(begun) == clients and not self.under_way and not any(each.due.is_set() for each in self.audiences)
            )

        await eventually(at_rest)
        self.clear()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    made, find, deliver = Looks(), stream.list_after, Hub._deliver

    async def counted(session: Session, owner: OwnerId, after: int, limit: int) -> list[Numbered]:
        made.append(after)
        return await find(session, owner, after, limit)

    async def watched(hub: Hub, owner: OwnerId, audience: Audience) -> None:
        made.audiences[:] = hub._audiences.values()
        made.under_way += 1
        try:
            await deliver(hub, owner, audience)
        finally:
            made.under_way -= 1

    monkeypatch.setattr("notification.store.stream.list_after", counted)
    monkeypatch.setattr(Hub, "_deliver", watched)
    return made


class TestHints:
    @pytest.mark.requirement("R-33")
    async def test_clients_are_served_by_the_hint_without_a_look_at_the_table(
        self, hinted: Person, looks: Looks
    ) -> None:
        async with hinted.listens() as one, hinted.listens() as two:
            await looks.begin_now(2)
            await hinted.is_told(1, 2, 3)
            await hinted.is_told_at_once(4, 5, 6)
            for ear in (one, two):
                assert await ear.hears(6) == [(number, number) for number in range(1, 7)]
            assert looks == []

    @pytest.mark.requirement("R-14")
    async def test_many_writers_and_two_clients(self, hinted: Person, looks: Looks) -> None:
        async with hinted.listens() as one, hinted.listens() as two:
            await looks.begin_now(2)
            count = 200
            await asyncio.gather(*(hinted.is_told(*range(part, count, 4)) for part in range(4)))
            heard = await asyncio.gather(one.hears(count), two.hears(count))
            assert heard[0] == heard[1]
            assert [seq for seq, _ in heard[0]] == list(range(1, count + 1))
            assert len(looks) < count, "far less than one for each message and client"

    async def test_after_a_lost_hint_the_next_one_brings_everything(self, hinted: Person, looks: Looks) -> None:
        async with hinted.listens() as ear:
            await looks.begin_now(1)
            _lost, found = await hinted.is_told_with_hints(1, 2)
            hinted.gets_hint(found)
            assert await ear.hears(2) == [(1, 1), (2, 2)]
            assert looks[0] == 0

    async def test_hints_in_the_wrong_order_and_repeated_change_nothing(self, hinted: Person) -> None:
        async with hinted.listens() as ear:
            hints = await hinted.is_told_with_hints(*range(1, 11))
            for hint in (*reversed(hints), *hints):
                hinted.gets_hint(hint)
            assert await ear.hears(10) == [(number, number) for number in range(1, 11)]
            hinted.gets_hint(hints[9])
            assert await ear.silence()
            await hinted.is_told(11)
            assert await ear.hears(1) == [(11, 11)]

    async def test_what_is_too_much_for_a_hint_is_looked_up(self, hinted: Person, looks: Looks) -> None:
        async with hinted.listens() as ear:
            await looks.begin_now(1)
            await hinted.is_told_at_once(*range(ENTRIES_MAX + 1))
            heard = await ear.hears(ENTRIES_MAX + 1)
            assert heard == [(number + 1, number) for number in range(ENTRIES_MAX + 1)]
            assert looks

    async def test_a_hint_that_makes_no_sense_is_a_hint_to_look(self, hinted: Person, redis_url: str) -> None:
        async with hinted.listens() as ear, cache.connect(redis_url) as redis:
            for number, nonsense in enumerate(("{", "[1]", '[["x","order",{}]]', '{"seq":1}', "7", "null")):
                await hinted.is_told(number, publish=unheard)
                await redis.publish(f"account:{hinted.id}", nonsense)
                assert await ear.hears(1) == [(number + 1, number)]

    async def test_a_client_that_is_behind_does_not_hold_up_one_that_is_not(self, hinted: Person, looks: Looks) -> None:
        await hinted.is_told(*range(1, 21))
        async with hinted.listens() as ahead, hinted.listens() as behind:
            writing = asyncio.create_task(hinted.is_told(*range(21, 61)))
            await behind.says(action="resume", seq=3)
            assert await ahead.hears(40) == [(number, number) for number in range(21, 61)]
            assert await behind.hears(57) == [(number, number) for number in range(4, 61)]
            await writing
            await looks.begin_now(2)
            await hinted.is_told(61)
            assert await ahead.hears(1) == [(61, 61)]
            assert looks == []


class TestResume:
    async def test_a_client_goes_on_where_it_was(self, haneul: Person) -> None:
        await haneul.is_told(*range(1, 6))
        async with haneul.listens() as ear:
            await ear.says(action="resume", seq=2)
            assert await ear.hears(3) == [(3, 3), (4, 4), (5, 5)]
            await haneul.is_told(6)
            assert await ear.hears(1) == [(6, 6)]

    async def test_a_resume_amid_traffic_loses_and_doubles_nothing(self, haneul: Person) -> None:
        await haneul.is_told(*range(1, 20))
        writing = asyncio.create_task(haneul.is_told(*range(20, 60)))
        async with haneul.listens() as ear:
            await ear.says(action="resume", seq=5)
            assert await ear.hears(54) == [(number, number) for number in range(6, 60)]
        await writing

    async def test_nothing_missed_is_nothing_replayed(self, haneul: Person) -> None:
        await haneul.is_told(1)
        async with haneul.listens() as ear:
            await ear.says(action="resume", seq=1)
            assert await ear.silence()

    async def test_who_cannot_resume_is_told_to_start_anew(self, haneul: Person) -> None:
        await haneul.is_told(1, 2, 3)
        async with haneul.worker.database.system() as session:
            await session.execute(text("DELETE FROM stream WHERE seq <= 2"))
        async with haneul.listens() as ear:
            for after in (0, 1, 99):
                await ear.says(action="resume", seq=after)
                assert await ear.next() == {"type": "reset", "seq": 3}
            await haneul.is_told(4)
            assert await ear.hears(1) == [(4, 4)]

    async def test_the_longest_replay_fits_and_a_longer_one_is_a_reset(self, haneul: Person) -> None:
        async with haneul.worker.database.system() as session:
            await session.execute(
                text(
                    "INSERT INTO stream SELECT CAST(:owner AS uuid), n, 'order', jsonb_build_object('number', n), now()"
                    " FROM generate_series(1, :count) n"
                ),
                {"owner": haneul.id, "count": REPLAY_MAX + 1},
            )
            await session.execute(
                text("INSERT INTO stream_heads VALUES (:owner, :count)"), {"owner": haneul.id, "count": REPLAY_MAX + 1}
            )
        async with haneul.listens() as ear:
            await ear.says(action="resume", seq=1)
            assert await ear.hears(REPLAY_MAX) == [(number, number) for number in range(2, REPLAY_MAX + 2)]
            await ear.says(action="resume", seq=0)
            assert await ear.next() == {"type": "reset", "seq": REPLAY_MAX + 1}


@pytest.mark.requirement("R-34")
class TestManners:
    async def test_a_ping_is_answered_and_nonsense_is_explained(self, haneul: Person) -> None:
        async with haneul.listens() as ear:
            await ear.says(action="ping")
            assert await ear.next() == {"type": "pong"}
            nonsense = ["not json", "[]", "1", '{"action":"dance"}', '{"action":"resume"}']
            nonsense += [f'{{"action":"resume","seq":{seq}}}' for seq in ("true", "-1", '"1"', "1.5", "null", "[]")]
            for text_frame in nonsense:
                await ear.socket.send(text_frame)
                assert (await ear.next())["code"] == "bad_message"
            await ear.socket.send(b"bytes")
            assert (await ear.next())["code"] == "bad_message"
            await haneul.is_told(1)
            assert await ear.hears(1) == [(1, 1)]

    async def test_a_token_may_come_as_a_subprotocol(self, haneul: Person) -> None:
        async with haneul.connects(subprotocols=["bearer", haneul.token]) as socket:
            assert socket.subprotocol == "bearer"
            assert (await Ear(socket).next())["type"] == "authenticated"

    async def test_without_a_good_token_there_is_nothing(self, haneul: Person, tokens: Tokens) -> None:
        claims = tokens.claims(haneul.id)
        expired = tokens.sign({**claims, "exp": now() - timedelta(minutes=1)})
        foreign = Tokens().for_user(haneul.id)
        auths = [{"action": "auth", "token": token} for token in (expired, foreign, "", None)]
        for first in (*auths, {"action": "ping"}, 7):
            async with haneul.connects() as socket:
                await socket.send(json.dumps(first))
                assert await closed(socket) == 4401

    async def test_a_services_token_opens_no_persons_stream(self, haneul: Person, tokens: Tokens) -> None:
        async with haneul.connects() as socket:
            await socket.send(json.dumps({"action": "auth", "token": tokens.for_user(haneul.id, "service")}))
            assert await closed(socket) == 4403

    async def test_an_expired_token_ends_the_connection(self, haneul: Person, tokens: Tokens) -> None:
        soon = tokens.sign({**tokens.claims(haneul.id), "exp": now() + timedelta(seconds=2)})
        async with haneul.listens(soon) as ear:
            assert await closed(ear.socket, 4) == 4401

    @pytest.mark.requirement("R-32", "R-34")
    async def test_the_sixth_connection_of_one_user_is_refused(self, haneul: Person) -> None:
        async with haneul.listens(), haneul.listens(), haneul.listens(), haneul.listens(), haneul.listens() as fifth:
            async with haneul.connects() as sixth:
                await sixth.send(json.dumps({"action": "auth", "token": haneul.token}))
                assert await closed(sixth) == 4429
            await haneul.is_told(1)
            assert await fifth.hears(1) == [(1, 1)]
        async with haneul.listens() as again:
            assert again.ready == 1

    async def test_a_client_that_talks_too_much_is_let_go(self, haneul: Person) -> None:
        async with haneul.listens() as ear:
            for _ in range(101):
                await ear.says(action="ping")
            assert await closed(ear.socket) == 4429

    async def test_a_restart_says_so(self, haneul: Person, app: FastAPI) -> None:
        async with haneul.listens() as ear:
            app.state.server.should_exit = True
            assert await closed(ear.socket) == 1012

    @pytest.mark.requirement("R-33")
    async def test_a_client_that_does_not_read_is_let_go_and_disturbs_nobody(
        self, haneul: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("notification.api.account_stream.QUEUE_MAX", 20)
        monkeypatch.setattr("notification.api.account_stream.REPLAY_MAX", 0)
        filler = "x" * 50_000
        async with haneul.listens() as good, haneul.connects(max_queue=1) as stalled:
            await stalled.send(json.dumps({"action": "auth", "token": haneul.token}))
            await asyncio.sleep(0.4)
            for number in range(250):
                async with haneul.worker.database.owned(haneul.id) as session:
                    entry = Entry("order", {"number": number, "filler": filler})
                    publish = haneul.worker.hints.owner_was_told
                    tell_owner(session, haneul.id, Told(new_id(), (entry,), None, now()), publish)
                assert (await good.next())["seq"] == number + 1
            assert await closed(stalled) == 1013


async def test_a_person_without_history_starts_at_zero(haneul: Person) -> None:
    newcomer = Person(haneul.port, haneul.tokens, haneul.worker, OwnerId(new_id()))
    async with newcomer.listens() as ear:
        assert ear.ready == 0


@pytest.mark.requirement("R-26")
async def test_without_redis_everything_still_arrives_a_little_later(
    settings: Settings, tokens: Tokens, worker: Resources
) -> None:
    app = create_app(settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:9/0")}), tokens.verifier)
    async with serve(app) as port:
        person = Person(port, tokens, worker)
        async with person.listens() as ear, person.asks() as http:
            await person.is_told(1)
            await person.is_told_at_once(2, 3)
            assert await ear.hears(3) == [(1, 1), (2, 2), (3, 3)]
            wish = {"symbol": "005930", "condition": "price_above", "value": "1"}
            assert (await http.post("/api/v1/alerts", json=wish)).status_code == 201
            assert (await http.get("/health/ready")).status_code == 200


@pytest.mark.requirement("R-26")
async def test_a_worker_without_redis_tells_as_quickly_and_forgets_the_oldest_hints(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:9/0")})
    async with open_resources(nowhere) as worker:
        owner = OwnerId(new_id())
        async with asyncio.timeout(1):
            for number in range(10):
                async with worker.database.owned(owner) as session:
                    tell(session, owner, number, publish=worker.hints.owner_was_told)
        for seq in range(WAITING_MAX + 100):
            worker.hints.owner_was_told(owner, [Numbered(seq, "order", "{}")])
        assert worker.hints.waiting == WAITING_MAX
        await eventually(lambda: worker.hints.waiting == 0)
