"""What is done by mail: verifying an address, replacing a forgotten password; on a real SMTP server."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import pytest_asyncio
from auth.app import create_app
from auth.config import Settings
from auth.domain.mail import PAUSE, TRIES_MAX, pause_after
from auth.hashing import NOBODYS
from auth.mailer import send_mails_forever, send_next
from auth.usecases.forget_expired import forget_expired
from kit.clock import now
from kit.db import Database
from kit.testing.fixtures import client
from pydantic import ValidationError
from sqlalchemy import text

from services.auth.tests.api.test_guessing import TIMING_PAIRS, TIMING_SECONDS_MAX
from services.auth.tests.mailbox import Mailbox, mail_server, with_mail
from services.auth.tests.people import PASSWORD, Person, register

REGISTER, VERIFY = "/api/v1/auth/register", "/api/v1/auth/email/verify"
FORGOT, RESET = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset"
EMAIL = "haneul.kim@example.com"
OTHER_PASSWORD = "copper meadow 81 windmills"
GOOD = {"email": EMAIL, "password": PASSWORD, "name": "김하늘"}


@pytest.fixture
def server() -> Iterator[tuple[Mailbox, int]]:
    with mail_server() as running:
        yield running


@pytest.fixture
def mailbox(server: tuple[Mailbox, int]) -> Mailbox:
    return server[0]


@pytest.fixture
def mailing(settings: Settings, server: tuple[Mailbox, int]) -> Settings:
    return with_mail(settings, server[1])


@pytest_asyncio.fixture
async def mailed(mailing: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client(create_app(mailing)) as opened:
        yield opened


async def send_all(database: Database, settings: Settings) -> int:
    sent = 0
    while await send_next(database, settings):
        sent += 1
    return sent


async def later(database: Database, passed: timedelta) -> None:
    """Let time pass for mails and their tokens."""
    async with database.system() as session:
        for statement in (
            "UPDATE mails SET written_at = written_at - CAST(:passed AS interval), due_at = due_at - :passed",
            "UPDATE mail_tokens SET expires_at = expires_at - CAST(:passed AS interval)",
        ):
            await session.execute(text(statement), {"passed": passed})


async def column(database: Database, statement: str) -> list[Any]:
    async with database.system() as session:
        return list((await session.scalars(text(statement))).all())


class TestVerification:
    async def test_an_account_can_be_used_once_its_address_is_verified(
        self, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        person = await register(mailed, EMAIL)
        assert (await person.logs_in()).json()["code"] == "wrong_credentials"
        assert await column(database, "SELECT type FROM events") == [], "not announced before it can be used"
        assert await send_all(database, mailing) == 1, "logging in writes no second one so soon"
        mail = mailbox.mails[0]
        assert mail["Subject"] == "[Exodus] 이메일 주소를 확인해 주세요"
        assert "김하늘 님" in mail.get_content()
        assert f"{mailing.public_url}/verify-email#token=" in mail.get_content()
        token = mailbox.token()
        assert (await mailed.post(VERIFY, json={"token": token})).status_code == 204
        told = await column(database, f"SELECT action FROM audit_log WHERE actor = '{person.id}' ORDER BY position")
        assert told == ["registered", "email_verified"]
        assert (await person.logs_in()).status_code == 200
        assert await column(database, "SELECT type FROM events") == ["auth.user.registered.v1"]
        again = await mailed.post(VERIFY, json={"token": token})
        assert (again.status_code, again.json()["code"]) == (422, "mail_token_invalid")

    async def test_an_expired_link_is_refused_and_logging_in_sends_another(
        self, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        person = await register(mailed, EMAIL)
        await send_all(database, mailing)
        await later(database, timedelta(hours=24))
        assert (await mailed.post(VERIFY, json={"token": mailbox.token()})).status_code == 422
        await person.logs_in()
        await send_all(database, mailing)
        assert (await mailed.post(VERIFY, json={"token": mailbox.token()})).status_code == 204
        assert len(mailbox.mails) == 2

    @pytest.mark.requirement("R-41")
    async def test_registering_tells_nobody_whether_there_is_an_account(
        self, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        person = await register(mailed, EMAIL)
        await send_all(database, mailing)
        await mailed.post(VERIFY, json={"token": mailbox.token()})
        seen = []
        for email in (EMAIL, "nobody@example.com"):
            guessed = {"email": email, "password": OTHER_PASSWORD, "name": "Eve"}
            answer = await mailed.post(REGISTER, json=guessed)
            tried = await mailed.post("/api/v1/auth/login", json={"email": email, "password": OTHER_PASSWORD})
            shape = {**answer.json(), "id": "", "email": ""}
            seen.append((answer.status_code, shape, tried.status_code, tried.json()["code"], tried.json()["detail"]))
        assert seen[0] == seen[1]
        assert (await person.logs_in()).status_code == 200, "and nothing was changed"
        await send_all(database, mailing)
        subjects = {mail["To"]: mail["Subject"] for mail in mailbox.mails[1:]}
        assert subjects[EMAIL] == "[Exodus] 이미 계정이 있습니다"
        assert set(subjects) == {EMAIL, "nobody@example.com"}

    @pytest.mark.requirement("R-46")
    async def test_who_registers_an_address_before_its_owner_does_gains_nothing(
        self, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        await mailed.post(REGISTER, json={"email": EMAIL, "password": OTHER_PASSWORD, "name": "Eve"})
        await send_all(database, mailing)
        thiefs_link = mailbox.token()
        owner = await register(mailed, EMAIL)
        await send_all(database, mailing)
        assert (await mailed.post(VERIFY, json={"token": thiefs_link})).status_code == 422
        assert (await mailed.post(VERIFY, json={"token": mailbox.token()})).status_code == 204
        assert (await owner.logs_in(OTHER_PASSWORD)).status_code == 401
        assert (await owner.logs_in()).status_code == 200

    async def test_an_account_nobody_verifies_is_forgotten(self, mailed: httpx.AsyncClient, database: Database) -> None:
        await register(mailed, EMAIL)
        async with database.system() as session:
            await session.execute(text("UPDATE users SET created_at = created_at - interval '8 days'"))
        async with database.system() as session:
            await forget_expired(session, now())
        assert await column(database, "SELECT email FROM users") == []

    async def test_with_verification_off_accounts_can_be_used_at_once(
        self, settings: Settings, server: tuple[Mailbox, int], database: Database
    ) -> None:
        async with client(create_app(with_mail(settings, server[1], verify_email=False))) as http:
            person = await register(http, EMAIL)
            assert (await person.logs_in()).status_code == 200
            assert (await http.post(REGISTER, json=GOOD)).status_code == 409
        assert await column(database, "SELECT kind FROM mails") == []


@pytest.mark.requirement("R-41")
@pytest.mark.requirement("R-44")
async def test_a_refresh_token_used_twice_is_told_to_its_owner_once(
    haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
) -> None:
    stolen = haneul.refresh_token
    assert (await haneul.refreshes()).status_code == 200
    async with database.system() as session:
        await session.execute(text("UPDATE refresh_tokens SET spent_at = spent_at - interval '1 minute'"))
    for _ in range(3):
        assert (await mailed.post("/api/v1/auth/refresh", json={"refresh_token": stolen})).status_code == 401
    assert await send_all(database, mailing) == 1
    told = mailbox.mails[-1]
    assert "로그인 상태가 종료" in told["subject"]
    assert "/settings/sessions" in told.get_content()


class TestReset:
    @pytest.mark.requirement("R-57")
    async def test_a_forgotten_password_is_replaced_once_and_every_session_ends(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        assert (await mailed.post(FORGOT, json={"email": EMAIL})).status_code == 202
        await send_all(database, mailing)
        token = mailbox.token()
        weak = await mailed.post(RESET, json={"token": token, "password": "haneul.kim@example"})
        assert (weak.status_code, weak.json()["code"]) == (422, "weak_password")
        resets = [{"token": token, "password": OTHER_PASSWORD}] * 3
        answers = await asyncio.gather(*(mailed.post(RESET, json=each) for each in resets))
        assert sorted(answer.status_code for answer in answers) == [204, 422, 422]
        assert (await haneul.refreshes()).status_code == 401
        assert (await haneul.logs_in()).status_code == 401
        assert (await haneul.logs_in(OTHER_PASSWORD)).status_code == 200
        assert await column(database, "SELECT ended_because FROM sessions WHERE ended_at IS NOT NULL") == [
            "password_reset"
        ]
        assert "auth.session.revoked.v1" in await column(database, "SELECT type FROM events")
        kept = await column(database, "SELECT action FROM audit_log WHERE actor = '' ORDER BY position")
        assert [action for action in kept if "reset" in action] == ["password_reset_asked", "password_reset"]

    async def test_it_bypasses_no_second_factor(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        await haneul.enrolls()
        await mailed.post(FORGOT, json={"email": EMAIL})
        await send_all(database, mailing)
        answer = await mailed.post(RESET, json={"token": mailbox.token(), "password": OTHER_PASSWORD})
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await haneul.logs_in(OTHER_PASSWORD)).json()["code"] == "otp_required"
        assert (await haneul.logs_in(OTHER_PASSWORD, otp=haneul.code())).status_code == 200

    async def test_a_link_is_good_for_ten_minutes(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        await mailed.post(FORGOT, json={"email": EMAIL})
        await send_all(database, mailing)
        await later(database, timedelta(minutes=10))
        answer = await mailed.post(RESET, json={"token": mailbox.token(), "password": OTHER_PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (422, "mail_token_invalid")

    async def test_asking_looks_the_same_for_everybody_and_fills_no_mailbox(
        self, haneul: Person, mailed: httpx.AsyncClient, database: Database
    ) -> None:
        answers = [await mailed.post(FORGOT, json={"email": each}) for each in [EMAIL] * 5 + ["nobody@example.com"]]
        assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}
        assert await column(database, "SELECT kind FROM mails") == ["reset_password"]
        await later(database, PAUSE)
        await mailed.post(FORGOT, json={"email": EMAIL})
        assert len(await column(database, "SELECT kind FROM mails")) == 2

    @pytest.mark.requirement("R-41")
    async def test_asking_and_registering_take_as_long_for_a_known_address_as_for_a_new_one(
        self, haneul: Person, mailed: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed = AsyncMock(return_value=NOBODYS)  # what a hash itself takes is another test's subject
        monkeypatch.setattr("auth.hashing.Hasher.ask", hashed)
        for path, rest in ((FORGOT, {}), (REGISTER, {"password": OTHER_PASSWORD, "name": "Eve"})):
            differences = []
            for number in range(TIMING_PAIRS):
                taken = {}
                for email in sorted((EMAIL, f"nobody{number}@example.com"), reverse=bool(number % 2)):
                    began = time.process_time()
                    assert (await mailed.post(path, json={"email": email, **rest})).is_success
                    taken[email] = time.process_time() - began
                differences.append(taken.pop(EMAIL) - taken.popitem()[1])
            assert abs(statistics.median(differences)) <= TIMING_SECONDS_MAX
        assert hashed.await_count == 2 * TIMING_PAIRS, "a known address is hashed for like any other"

    async def test_the_kind_of_a_token_matters(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        await mailed.post(FORGOT, json={"email": EMAIL})
        await send_all(database, mailing)
        assert (await mailed.post(VERIFY, json={"token": mailbox.token()})).status_code == 422

    async def test_without_a_mail_server_nothing_is_stored(self, haneul: Person, database: Database) -> None:
        assert (await haneul.http.post(FORGOT, json={"email": EMAIL})).status_code == 202
        assert await column(database, "SELECT kind FROM mails") == []


class TestSending:
    @pytest.mark.requirement("R-54")
    async def test_no_table_holds_what_a_mail_says(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        await mailed.post(FORGOT, json={"email": EMAIL})
        await send_all(database, mailing)
        async with database.system() as session:
            kept = [
                str((await session.execute(text(f"SELECT * FROM {table}"))).all()) for table in ("mails", "mail_tokens")
            ]
        assert mailbox.token() not in "".join(kept)

    async def test_a_server_that_refuses_is_asked_again_later_and_not_for_ever(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        mailbox.refusals = ["451 busy"] * TRIES_MAX
        await mailed.post(FORGOT, json={"email": EMAIL})
        for tries in range(TRIES_MAX):
            assert await send_all(database, mailing) == 1
            await later(database, pause_after(tries) - timedelta(seconds=5))
            assert await send_all(database, mailing) == 0, "not before its time"
            await later(database, timedelta(seconds=6))
        mailbox.refusals = []
        assert await send_all(database, mailing) == 0, "given up"
        assert mailbox.mails == []

    async def test_a_mail_waits_for_a_server_that_is_away_and_the_request_did_not(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        await mailed.post(FORGOT, json={"email": EMAIL})
        away = mailing.model_copy(update={"smtp_port": 1})
        assert await send_all(database, away) == 1
        await later(database, pause_after(0))
        assert await send_all(database, mailing) == 1
        assert (
            await mailed.post(RESET, json={"token": mailbox.token(), "password": OTHER_PASSWORD})
        ).status_code == 204

    async def test_two_workers_send_each_mail_once(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        for number in range(6):
            await register(mailed, f"person{number}@example.com")
        await asyncio.gather(send_all(database, mailing), send_all(database, mailing))
        assert sorted(mail["To"] for mail in mailbox.mails) == [f"person{number}@example.com" for number in range(6)]

    async def test_a_mail_is_in_its_readers_language(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        change = {"name": "Haneul {name} Kim", "language": "en", "time_zone": "Asia/Seoul"}
        await mailed.put("/api/v1/users/profile", json=change, headers=haneul.bearer)
        await mailed.post(FORGOT, json={"email": EMAIL})
        await send_all(database, mailing)
        assert mailbox.mails[0]["Subject"] == "[Exodus] Reset your password"
        assert "Hello Haneul {name} Kim," in mailbox.mails[0].get_content()

    async def test_the_worker_sends_by_itself(
        self, haneul: Person, mailed: httpx.AsyncClient, mailbox: Mailbox, database: Database, mailing: Settings
    ) -> None:
        sending = asyncio.create_task(send_mails_forever(database, mailing))
        await mailed.post(FORGOT, json={"email": EMAIL})
        async with asyncio.timeout(30):
            await asyncio.to_thread(mailbox.arrived.wait)
        while not sending.done():  # Python before 3.12 may lose what comes together with the server's answer
            sending.cancel()
            await asyncio.wait([sending], timeout=1)


def test_a_password_never_goes_to_the_mail_server_in_the_clear(settings: Settings) -> None:
    given = {**settings.model_dump(), "smtp_host": "mail.example.com", "smtp_username": "exodus"}
    assert Settings(**given).smtp_security == "starttls"
    with pytest.raises(ValidationError, match="in the clear"):
        Settings(**{**given, "smtp_security": "none"})


async def test_malformed_requests_are_refused(mailed: httpx.AsyncClient) -> None:
    for path, body in (
        (VERIFY, {"token": "x"}),
        (VERIFY, {}),
        (RESET, {"token": "x" * 43}),
        (RESET, {"token": "x" * 43, "password": "x" * 129}),
        (FORGOT, {"email": "nobody"}),
        (FORGOT, {"email": EMAIL, "language": "ko"}),
    ):
        assert (await mailed.post(path, json=body)).json()["code"] == "invalid_request", (path, body)
