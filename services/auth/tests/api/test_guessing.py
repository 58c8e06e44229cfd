"""Guessing at passwords: what a stranger can try, what a stranger can spoil, and what a stranger can find out."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from auth.domain import guessing
from auth.domain.guessing import ADDRESS_FAILURES_MAX, LANE_FAILURES_MAX, STREAK_FAILURES_MAX
from auth.hashing import WAITING_MAX
from fastapi import FastAPI
from kit.db import Database
from psutil import Process
from sqlalchemy import text

from services.auth.tests.people import PASSWORD, Person, elsewhere, register

LOGIN = "/api/v1/auth/login"
WRONG = "not the right one at all"
TIMING_PAIRS = 100
TIMING_SECONDS_MAX = 0.010


async def guess(http: httpx.AsyncClient, email: str, password: str = WRONG) -> int:
    return (await http.post(LOGIN, json={"email": email, "password": password})).status_code


async def until(holds: Callable[[], bool]) -> None:
    """Let the others go on until something holds."""
    while not holds():  # noqa: ASYNC110 - a queue's length announces nothing
        await asyncio.sleep(0)


async def spread(app: FastAPI, email: str, tries: int) -> list[int]:
    """Guess from as many addresses, as a botnet does."""
    statuses = []
    for number in range(tries):
        async with elsewhere(app, f"198.51.{number // 250}.{number % 250 + 1}") as bot:
            statuses.append(await guess(bot, email))
    return statuses


def used_seconds(hashing: Process) -> float:
    """The processor's time of this process and of the one that hashes: what else runs here is not counted."""
    return time.process_time() + int(Path(f"/proc/{hashing.pid}/schedstat").read_text().split()[0]) / 1e9


async def fail(database: Database, key: bytes, failures: int) -> None:
    """Have failed before."""
    async with database.system() as session:
        await session.execute(
            text("INSERT INTO login_failures VALUES (:key, :failures, now() + interval '10 minutes')"),
            {"key": key, "failures": failures},
        )


@pytest.mark.requirement("R-41")
async def test_a_burst_from_one_place_gets_ten_tries_and_then_waits(haneul: Person, app: FastAPI) -> None:
    async with elsewhere(app, "203.0.113.9") as stranger:
        statuses = await asyncio.gather(*(guess(stranger, haneul.email) for _ in range(LANE_FAILURES_MAX + 4)))
        assert statuses.count(401) == LANE_FAILURES_MAX, "a burst gets no extra guesses"
        refused = await stranger.post(LOGIN, json={"email": haneul.email, "password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert 800 <= int(refused.headers["retry-after"]) <= 900
    assert (await haneul.logs_in()).status_code == 200, "the owner is not kept out"


@pytest.mark.requirement("R-41")
async def test_a_botnet_gets_a_hundred_tries_at_an_account_and_never_locks_its_owner_out(
    haneul: Person, app: FastAPI
) -> None:
    statuses = await spread(app, haneul.email, STREAK_FAILURES_MAX + 5)
    assert statuses == [401] * STREAK_FAILURES_MAX + [429] * 5
    async with elsewhere(app, "198.51.100.250") as stranger:
        assert await guess(stranger, haneul.email, PASSWORD) == 429, "not even the right password is looked at"
    assert (await haneul.logs_in()).status_code == 200, "the place where the owner registered has its own count"


@pytest.mark.requirement("R-41")
async def test_a_device_that_was_used_before_is_let_in_from_anywhere(
    haneul: Person, app: FastAPI, database: Database
) -> None:
    answer = await haneul.logs_in(**{"X-Client": "web"})
    cookies = [each.partition(";")[0] for each in answer.headers.get_list("set-cookie")]
    device = next(each for each in cookies if each.startswith("__Host-exodus-device="))
    await fail(database, guessing.strangers_streak_of(haneul.email), STREAK_FAILURES_MAX)
    credentials = {"email": haneul.email, "password": PASSWORD}
    async with elsewhere(app, "203.0.113.9") as train:
        assert (await train.post(LOGIN, json=credentials)).status_code == 429
        known = await train.post(LOGIN, json=credentials, headers={"Cookie": device, "X-Client": "web"})
        assert known.status_code == 200
        invented = {"Cookie": f"__Host-exodus-device={'x' * 43}"}
        for email in (haneul.email, "nobody@example.com"):
            await fail(database, guessing._digest("lane", email, "203.0.113.10"), LANE_FAILURES_MAX)
    async with elsewhere(app, "203.0.113.10") as stranger:
        assert (await stranger.post(LOGIN, json=credentials, headers=invented)).status_code == 429


@pytest.mark.requirement("R-41")
async def test_success_from_a_strange_place_ends_the_row_of_failures(haneul: Person, app: FastAPI) -> None:
    await spread(app, haneul.email, 3)
    async with elsewhere(app, "203.0.113.9") as abroad:
        assert await guess(abroad, haneul.email, PASSWORD) == 200
    assert await spread(app, haneul.email, 9) == [401] * 9


@pytest.mark.requirement("R-41")
async def test_one_address_that_tries_many_accounts_waits_while_those_known_there_go_on(
    haneul: Person, http: httpx.AsyncClient, database: Database
) -> None:
    newcomer = await register(http, "minjun@example.com")
    async with database.system() as session:
        await session.execute(text("DELETE FROM familiar_places WHERE owner_id = :id"), {"id": newcomer.id})
    for key in ("address\x00127.0.0.1", "platform"):
        await fail(database, guessing._digest(*key.split("\x00")), 4_990)
        assert (await newcomer.logs_in()).status_code == (429 if key != "platform" else 200)
        assert (await haneul.logs_in()).status_code == 200
        async with database.system() as session:
            await session.execute(text("DELETE FROM login_failures"))
    assert ADDRESS_FAILURES_MAX < 4_990


@pytest.mark.requirement("R-41")
async def test_a_wrong_password_and_an_unknown_address_look_the_same_up_to_the_limit(
    haneul: Person, app: FastAPI
) -> None:
    seen = []
    for email in (haneul.email, "nobody@example.com"):
        async with elsewhere(app, "203.0.113.9") as stranger:
            bodies = []
            for _ in range(LANE_FAILURES_MAX + 1):
                answer = await stranger.post(LOGIN, json={"email": email, "password": WRONG})
                body = answer.json()
                del body["request_id"], body["trace_id"]
                if answer.status_code == 429:
                    body["detail"] = body["detail"].partition(":")[0]
                bodies.append((answer.status_code, body))
        seen.append(bodies)
    assert seen[0] == seen[1]
    assert [status for status, _ in seen[0]] == [401] * LANE_FAILURES_MAX + [429]


@pytest.mark.requirement("R-41")
async def test_a_wrong_password_and_an_unknown_address_take_the_same_time(haneul: Person, app: FastAPI) -> None:
    (hashing,) = (each for each in Process().children() if any("hashing_process" in part for part in each.cmdline()))
    differences = []
    for number in range(TIMING_PAIRS):
        taken = {}
        order = (haneul.email, f"nobody{number}@example.com")
        async with elsewhere(app, f"203.0.113.{number + 1}") as stranger:
            for email in order if number % 2 else reversed(order):
                began = used_seconds(hashing)
                assert await guess(stranger, email) == 401
                taken[email == haneul.email] = used_seconds(hashing) - began
        differences.append(taken[True] - taken[False])
    assert abs(statistics.median(differences)) <= TIMING_SECONDS_MAX


@pytest.mark.requirement("R-41")
async def test_a_flood_keeps_nobody_out_who_was_here_before(haneul: Person, app: FastAPI) -> None:
    hasher, web = app.state.resources.hasher, {"X-Client": "web"}
    answer = await haneul.logs_in(**web)
    cookies = [each.partition(";")[0] for each in answer.headers.get_list("set-cookie")]
    device = next(each for each in cookies if each.startswith("__Host-exodus-device="))
    name, _, token = device.partition("=")
    known, forged = web | {"Cookie": device}, web | {"Cookie": f"{name}={'B' if token[0] == 'A' else 'A'}{token[1:]}"}
    async with elsewhere(app, "203.0.113.9") as crowd, asyncio.timeout(60):
        async with hasher.turn():
            waiting = [asyncio.create_task(guess(crowd, f"{number}@example.com")) for number in range(WAITING_MAX)]
            await until(lambda: hasher.is_crowded)
            for stranger in (web, forged, web | {"Cookie": f"__Host-exodus-device={'x' * 43}"}):
                assert (await haneul.logs_in(**stranger)).status_code == 503
            coming = asyncio.create_task(haneul.logs_in(**known))
            await until(lambda: hasher.waiting > WAITING_MAX)
            assert (await haneul.logs_in(**known)).status_code == 503, "one place for each device"
        assert (await coming).status_code == 200
        assert set(await asyncio.gather(*waiting)) == {401}
    assert (await haneul.logs_in(**known)).status_code == 200, "its place is free again"


@pytest.mark.requirement("R-40", "R-41")
async def test_when_many_wait_to_be_hashed_the_next_is_refused_unread_and_who_needs_no_hash_is_not(
    haneul: Person, app: FastAPI
) -> None:
    hasher = app.state.resources.hasher
    async with elsewhere(app, "203.0.113.9") as crowd, asyncio.timeout(60):
        async with hasher.turn():
            waiting = [asyncio.create_task(guess(crowd, f"{number}@example.com")) for number in range(WAITING_MAX)]
            await until(lambda: hasher.is_crowded)
            refused = await crowd.post(LOGIN, content=b"not even JSON", headers={"X-Request-ID": "r-1"})
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert (refused.headers["retry-after"], refused.json()["request_id"]) == ("5", "r-1")
            assert (await haneul.refreshes()).status_code == 200
            assert (await crowd.post("/api/v1/auth/passkeys/login/options")).status_code == 200
            waiting.pop().cancel()
            await until(lambda: not hasher.is_crowded)
            waiting.append(asyncio.create_task(guess(crowd, "late@example.com")))
        assert Counter(await asyncio.gather(*waiting)) == {401: WAITING_MAX}, "a place that was given up is taken again"
