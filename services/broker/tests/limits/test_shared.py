"""What processes share of a key: its one token and its turns, through PostgreSQL and Redis."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from broker.adapters.line import Tokens, in_lane
from broker.adapters.port import NotSent, RateLimited, Unreachable
from broker.shared_turns import SharedTurns
from broker.store.tokens import delete_old, find_token
from broker.token_room import TokenRoom
from broker.vault import DoesNotOpen, Vault
from kit.db import Database
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.clock import Clock

VAULT = Vault(os.urandom(32).hex())
FOREVER = timedelta(hours=24)


class Issuer:
    """A broker's desk that issues tokens, and counts how often it is asked."""

    def __init__(self, clock: Clock, *, works: bool = True) -> None:
        self.clock = clock
        self.asked: list[datetime] = []
        self.works = works

    async def issue(self) -> tuple[str, datetime]:
        self.asked.append(self.clock())
        if not self.works:
            raise NotSent("no token now")
        return f"token-{len(self.asked)}", self.clock() + FOREVER


def a_process(database: Database, redis: "Redis | None" = None) -> Tokens:
    turns = None if redis is None else SharedTurns(redis)
    return Tokens(TokenRoom(database, VAULT), VAULT.print_of, turns)


def a_clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.mark.requirement("R-27")
async def test_ten_restarts_ask_for_one_token(database: Database) -> None:
    clock = a_clock()
    issuer, texts = Issuer(clock), set()
    for _ in range(10):
        token = a_process(database).of("kis", ("restarts",), 0)
        texts.add(await token.current(clock, issuer.issue))
    assert (len(issuer.asked), texts) == (1, {"token-1"})


@pytest.mark.requirement("R-27")
async def test_ten_processes_at_once_ask_for_one_token_and_all_get_it(database: Database) -> None:
    clock = a_clock()
    issuer = Issuer(clock)
    tokens = [a_process(database).of("kis", ("at once",), 0) for _ in range(10)]
    texts = await asyncio.gather(*(token.current(clock, issuer.issue) for token in tokens))
    assert (len(issuer.asked), set(texts)) == (1, {"token-1"})


@pytest.mark.requirement("R-27")
async def test_ten_restarts_within_a_minute_ask_once_even_when_no_token_comes(database: Database) -> None:
    clock = a_clock()
    issuer = Issuer(clock, works=False)
    for _ in range(10):
        with pytest.raises(NotSent):
            await a_process(database).of("kis", ("refused",), 0).current(clock, issuer.issue)
        clock.passes(5)
    assert len(issuer.asked) == 1
    clock.passes(11)
    issuer.works = True
    assert await a_process(database).of("kis", ("refused",), 0).current(clock, issuer.issue) == "token-2"


@pytest.mark.requirement("R-27")
async def test_a_token_the_broker_refused_is_replaced_once_the_minute_is_over(database: Database) -> None:
    clock = a_clock()
    issuer = Issuer(clock)
    token = a_process(database).of("kis", ("ended",), 0)
    token.forget(await token.current(clock, issuer.issue))
    with pytest.raises(NotSent, match="one token a minute"):
        await token.current(clock, issuer.issue)
    clock.passes(61)
    assert await token.current(clock, issuer.issue) == "token-2"
    assert await a_process(database).of("kis", ("ended",), 0).current(clock, issuer.issue) == "token-2"


@pytest.mark.requirement("R-53", "R-54")
async def test_the_database_holds_no_token_in_the_clear_and_a_box_opens_only_for_its_key(database: Database) -> None:
    clock = a_clock()
    await a_process(database).of("kis", ("sealed",), 0).current(clock, Issuer(clock).issue)
    async with database.system() as session:
        rows = (await session.execute(text("SELECT * FROM broker_tokens"))).all()
    assert not [row for row in rows if row.box and b"token-1" in bytes(row.box)]
    sealed = next(row for row in rows if bytes(row.key_print) == VAULT.print_of("kis|sealed"))
    assert VAULT.open_token(bytes(sealed.key_print), bytes(sealed.box)) == "token-1"
    with pytest.raises(DoesNotOpen):
        VAULT.open_token(VAULT.print_of("kis|another"), bytes(sealed.box))


@pytest.mark.requirement("R-27")
async def test_processes_take_turns_with_one_another(database: Database, redis: "Redis") -> None:
    turns, key = SharedTurns(redis), os.urandom(8)
    waits = [await turns.wait_seconds(key, 10, 100) for _ in range(4)]
    assert all(wait is not None and wait >= 0 for wait in waits)
    gaps = [later - earlier for earlier, later in pairwise(wait for wait in waits if wait is not None)]
    assert all(5 < gap < 10.1 for gap in gaps), gaps


@pytest.mark.requirement("R-27")
async def test_processes_that_ask_at_the_same_moment_come_one_after_the_other(redis: "Redis") -> None:
    turns, key = SharedTurns(redis), os.urandom(8)
    waits = await asyncio.gather(*(turns.wait_seconds(key, 10, 1_000) for _ in range(8)))
    in_turn = sorted(wait for wait in waits if wait is not None and wait >= 0)
    assert len(in_turn) == 8
    assert all(5 < later - earlier < 10.1 for earlier, later in pairwise(in_turn)), in_turn


@pytest.mark.requirement("R-27", "R-31")
async def test_a_flood_of_questions_leaves_room_for_a_cancel(database: Database, redis: "Redis") -> None:
    token = a_process(database, redis).of("kis", (os.urandom(8).hex(),), 1)

    async def asks(lane: str) -> bool:
        with in_lane(lane):  # type: ignore[arg-type]  # one of the lanes
            return await token._wait({"history": 0.5, "query": 2.0, "cancel": 4.0}[lane]) >= 0

    began = time.monotonic()
    answered = [await asks("query") for _ in range(20)]
    passed = int(time.monotonic() - began) + 1  # turns that came free while we asked
    assert 2 <= sum(answered) <= 2 + passed, "what would wait longer than a question may is turned away"
    assert not await asks("history")
    assert await asks("cancel")


@pytest.mark.requirement("R-27")
async def test_a_turn_too_far_off_is_certainly_not_sent(database: Database, redis: "Redis") -> None:
    token = a_process(database, redis).of("kis", (os.urandom(8).hex(),), 1)
    for _ in range(4):
        await token._wait(10)
    with in_lane("entry"), pytest.raises(RateLimited):
        await token.turn()


async def test_without_redis_a_process_takes_its_own_turns(database: Database) -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:9/0")
    token = a_process(database, nowhere).of("kis", (os.urandom(8).hex(),), 2)
    first, second, third = [await token._wait(10) for _ in range(3)]
    assert first == 0 < second <= 0.525 < third <= 1.05, "each is half a second after the one before"
    await nowhere.aclose()


@pytest.mark.requirement("R-24", "R-27")
async def test_a_key_that_is_turned_away_again_and_again_is_left_alone(database: Database) -> None:
    token = a_process(database).of("kis", ("blocked",), 0)
    for _ in range(5):
        with pytest.raises(RateLimited):
            async with token.judged():
                raise RateLimited("the broker counts our calls")
    with pytest.raises(NotSent, match="after a block"):
        await token.turn()


async def test_calls_and_pauses_of_each_broker_are_counted_by_what_came_of_them(database: Database) -> None:
    token = a_process(database).of("counted", ("key",), 0)
    async with token.judged():
        pass
    for failure, times in ((RateLimited("too many"), 1), (Unreachable("the line broke"), 5)):
        for _ in range(times):
            with pytest.raises(type(failure)):
                async with token.judged():
                    raise failure
    counted = {
        outcome: REGISTRY.get_sample_value("broker_calls_total", {"broker": "counted", "outcome": outcome})
        for outcome in ("answer", "block", "glitch")
    }
    assert counted == {"answer": 1, "block": 1, "glitch": 5}
    openings = {"broker": "counted", "trouble": "glitch"}
    assert REGISTRY.get_sample_value("broker_breaker_openings_total", openings) == 1


@pytest.mark.requirement("R-24", "R-27")
async def test_a_block_that_one_process_met_is_kept_by_all_and_is_over_for_all(
    database: Database, redis: "Redis"
) -> None:
    key = os.urandom(8).hex()
    one, other = (a_process(database, redis).of("kis", (key,), 100) for _ in range(2))
    await other.turn()
    for _ in range(5):
        with pytest.raises(RateLimited):
            async with one.judged():
                raise RateLimited("the broker counts our calls")
    with pytest.raises(NotSent, match="left alone for a while, after a block"):
        await other.turn()
    [name] = [name async for name in redis.scan_iter(f"broker:left_alone:{other.key_print.hex()}")]
    assert 50_000 < await redis.pttl(name) <= 60_000
    await redis.delete(name)
    await other.turn()


async def test_tokens_are_forgotten_a_while_after_their_end(database: Database) -> None:
    clock = a_clock()
    await a_process(database).of("kis", ("ended long ago",), 0).current(clock, Issuer(clock).issue)
    with pytest.raises(NotSent):
        await a_process(database).of("kis", ("never let in",), 0).current(clock, Issuer(clock, works=False).issue)
    prints = [VAULT.print_of(f"kis|{name}") for name in ("ended long ago", "never let in")]
    for before, left in ((clock(), 2), (clock() + timedelta(hours=1), 1), (clock() + timedelta(hours=25), 0)):
        async with database.system() as session:
            await delete_old(session, before)
            assert [await find_token(session, each) is not None for each in prints].count(True) == left
