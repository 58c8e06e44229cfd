"""Where log-ins, rights and the audit log meet: a lock closes every way in, and nothing of it goes untold."""

import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from auth.config import Settings
from auth.domain.identity import Claimed, IdentityId
from auth.domain.session import digest_of, encode
from auth.domain.user import UserId
from auth.store import audit, identities, system
from auth.store.audit import Wanted
from auth.usecases.change_rights import change_rights
from auth.usecases.reset_password import reset_password
from auth.usecases.verify_audit import verify_audit
from fastapi import FastAPI
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text

from services.auth.tests.authenticator import Authenticator
from services.auth.tests.people import PASSWORD, Person, register
from services.auth.tests.social import EMAIL, column, log_in, start

AUTH = "/api/v1/auth"
PASSKEYS, KEYS, DELEGATIONS = f"{AUTH}/passkeys", "/api/v1/users/api-keys", "/api/v1/users/delegations"
NEW = "copper meadow 81 windmills"


@pytest.fixture
def device(settings: Settings) -> Authenticator:
    return Authenticator(settings.public_url)


async def post(person: Person, path: str, body: Any = None) -> httpx.Response:
    return await person.http.post(path, json=body, headers=person.bearer)


async def adds(person: Person, device: Authenticator) -> None:
    options = (await post(person, f"{PASSKEYS}/register/options")).json()["public_key"]
    body = {"name": "내 휴대폰", "credential": device.creates(options)}
    assert (await post(person, f"{PASSKEYS}/register/verify", body)).status_code == 201


async def uses(person: Person, device: Authenticator, ceremony: str) -> httpx.Response:
    options = (await post(person, f"{PASSKEYS}/{ceremony}/options")).json()["public_key"]
    return await post(person, f"{PASSKEYS}/{ceremony}/verify", {"credential": device.signs(options)})


async def lock(database: Database, user_id: str) -> None:
    moment = now()
    async with database.system() as session:
        await change_rights(
            session, "operator", UserId(UUID(user_id)), lambda user: replace(user, locked_at=moment), moment
        )


async def told(database: Database, subject: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What the audit log says of somebody, oldest first; the log is whole."""
    async with database.system() as session:
        found = await audit.list_entries(session, Wanted(None, 100, subject=subject))
        assert (await verify_audit(session, [], now()))[1] is None
    return [(each.entry.action, each.entry.actor, dict(each.entry.new)) for each in reversed(found)]


class TestLocked:
    @pytest.mark.requirement("R-48")
    async def test_neither_password_passkey_nor_refresh_lets_a_locked_account_in(
        self, haneul: Person, device: Authenticator, database: Database
    ) -> None:
        await adds(haneul, device)
        assert (await uses(haneul, device, "login")).status_code == 200
        await lock(database, haneul.id)
        answers = [await haneul.logs_in(), await uses(haneul, device, "login"), await haneul.refreshes()]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
            (401, "wrong_credentials"),
            (401, "passkey_refused"),
            (401, "refresh_token_invalid"),
        ]
        last = [(action, actor, new.get("by")) for action, actor, new in (await told(database, haneul.id))[-2:]]
        assert last == [("log_in_failed", "", None), ("log_in_failed", "", "passkey")]
        assert await column(database, "SELECT count(*) FROM sessions WHERE ended_at IS NULL") == [0]

    @pytest.mark.requirement("R-48")
    async def test_nor_does_another_provider_even_with_a_ticket_of_before(
        self, social: httpx.AsyncClient, database: Database
    ) -> None:
        assert (await log_in(social)).status_code == 200
        browser = await start(social)
        returned = await browser.returns(await browser.agrees())
        (user_id,) = await column(database, "SELECT id::text FROM users")
        await lock(database, user_id)
        for answer in (await browser.finishes(returned), await log_in(social)):
            assert (answer.status_code, answer.json()["code"]) == (400, "oauth_refused")
        refused = ("log_in_failed", "", {"by": "provider"})
        assert (await told(database, user_id))[-2:] == [refused, refused]
        assert await column(database, "SELECT count(*) FROM sessions WHERE ended_at IS NULL") == [0]

    async def test_a_lock_that_falls_between_password_and_session_counts(
        self, haneul: Person, app: FastAPI, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hasher = app.state.resources.hasher
        is_outdated = hasher.is_outdated
        asked: list[str] = []
        monkeypatch.setattr(hasher, "is_outdated", lambda stored: bool(asked.append(stored)) or is_outdated(stored))

        async def lock_first(session: Any, user_id: UserId) -> Any:
            assert asked, "the password was found right before"
            await lock(database, haneul.id)
            return await genuine(session, user_id)

        genuine = system.lock_credentials
        monkeypatch.setattr(system, "lock_credentials", lock_first)
        refused = await haneul.logs_in()
        assert (refused.status_code, refused.json()["code"]) == (401, "wrong_credentials")


@pytest.mark.requirement("R-57")
class TestTold:
    async def test_every_proof_of_who_somebody_is_and_every_change_of_it(
        self, haneul: Person, device: Authenticator, database: Database
    ) -> None:
        before = len(await told(database, haneul.id))
        await haneul.enrolls()
        await haneul.logs_in(otp="000000")
        await haneul.logs_in(otp=haneul.code())
        await post(haneul, f"{AUTH}/step-up", {"password": "not the right one at all"})
        await adds(haneul, device)
        await uses(haneul, device, "step-up")
        await uses(haneul, device, "login")
        await post(haneul, f"{AUTH}/password/change", {"current_password": PASSWORD, "new_password": NEW})
        (passkey_id,) = await column(database, "SELECT id::text FROM passkeys")
        gone = await haneul.http.delete(f"{PASSKEYS}/{passkey_id}", headers=haneul.bearer)
        assert gone.status_code == 204
        entries = (await told(database, haneul.id))[before:]
        me = haneul.id
        assert [(action, actor, new.get("by") or new.get("because")) for action, actor, new in entries] == [
            ("second_factor_enrolled", me, None),
            ("second_factor_activated", me, None),
            ("second_factor_failed", "", None),
            ("logged_in", me, "password"),
            ("step_up_failed", me, None),
            ("passkey_added", me, None),
            ("stepped_up", me, "passkey"),
            ("logged_in", me, "passkey"),
            ("password_changed", me, None),
            ("sessions_ended", me, "password_changed"),
            ("passkey_removed", me, None),
        ]

    async def test_identities_at_other_providers(self, social: httpx.AsyncClient, database: Database) -> None:
        await log_in(social)
        (user_id,) = await column(database, "SELECT id::text FROM users")
        actions = [(action, new.get("by") or new.get("provider")) for action, _, new in await told(database, user_id)]
        assert actions == [("registered", "provider"), ("identity_linked", "google"), ("logged_in", "provider")]


@pytest.mark.requirement("R-46")
class TestTakenOver:
    """Somebody opened an account with another's address; what they handed out must not outlive their password."""

    async def hand_out(self, http: httpx.AsyncClient) -> tuple[Person, Person]:
        thief = await register(http, EMAIL)
        await thief.logs_in()
        accomplice = await register(http, "accomplice@example.com")
        key = await post(thief, KEYS, {"name": "robot", "scopes": ["read"]})
        lent = await post(thief, DELEGATIONS, {"email": accomplice.email})
        assert (key.status_code, lent.status_code) == (201, 201)
        return thief, accomplice

    async def assert_nothing_left(self, database: Database, thief: Person, accomplice: Person) -> None:
        assert await column(database, "SELECT id FROM api_keys") == []
        assert await column(database, "SELECT id FROM delegations") == []
        versions = await column(
            database,
            f"SELECT version FROM revocations WHERE subject = '{accomplice.id}'",
        )
        assert versions == [2], "once for what was lent, once for what was taken back"
        assert "grants_withdrawn" in [action for action, _, _ in await told(database, thief.id)]

    async def test_by_the_word_of_a_provider(self, social: httpx.AsyncClient, database: Database) -> None:
        thief, accomplice = await self.hand_out(social)
        assert (await log_in(social)).status_code == 200
        await self.assert_nothing_left(database, thief, accomplice)

    async def test_by_a_mail_to_an_address_nobody_had_verified(
        self, http: httpx.AsyncClient, app: FastAPI, database: Database
    ) -> None:
        thief, accomplice = await self.hand_out(http)
        token = await self.mailed_to(database, thief)
        await reset_password(database, app.state.resources.hasher, token, NEW, now())
        await self.assert_nothing_left(database, thief, accomplice)

    async def test_but_who_verified_the_address_keeps_keys_when_the_password_is_forgotten(
        self, http: httpx.AsyncClient, app: FastAPI, database: Database
    ) -> None:
        owner, _ = await self.hand_out(http)
        async with database.system() as session:
            await session.execute(text("UPDATE users SET email_verified_at = now()"))
        token = await self.mailed_to(database, owner)
        await reset_password(database, app.state.resources.hasher, token, NEW, now())
        assert await column(database, "SELECT count(*) FROM api_keys") == [1]
        assert await column(database, "SELECT count(*) FROM delegations") == [1]

    async def test_the_ways_in_of_whoever_used_an_unverified_address_go_and_their_second_factor_lets_nobody_in(
        self, http: httpx.AsyncClient, app: FastAPI, device: Authenticator, database: Database
    ) -> None:
        squatter = await register(http, EMAIL)
        await squatter.logs_in()
        await adds(squatter, device)
        await squatter.enrolls()
        await self.links_an_identity(database, squatter)
        token = await self.mailed_to(database, squatter)
        await reset_password(database, app.state.resources.hasher, token, NEW, now())
        assert (await uses(squatter, device, "login")).json()["code"] == "passkey_refused"
        assert await column(database, "SELECT count(*) FROM passkeys") == [0]
        assert await column(database, "SELECT count(*) FROM identities") == [0]
        assert (await squatter.logs_in(NEW)).json()["code"] == "otp_required"
        withdrawn = [action for action, _, _ in await told(database, squatter.id)]
        assert withdrawn.count("grants_withdrawn") == 1

    async def test_a_verified_owner_keeps_passkeys_and_identities_when_the_password_is_forgotten(
        self, http: httpx.AsyncClient, app: FastAPI, device: Authenticator, database: Database
    ) -> None:
        owner = await register(http, EMAIL)
        await owner.logs_in()
        await adds(owner, device)
        await self.links_an_identity(database, owner)
        async with database.system() as session:
            await session.execute(text("UPDATE users SET email_verified_at = now()"))
        token = await self.mailed_to(database, owner)
        await reset_password(database, app.state.resources.hasher, token, NEW, now())
        assert (await uses(owner, device, "login")).status_code == 200
        assert await column(database, "SELECT count(*) FROM identities") == [1]

    async def links_an_identity(self, database: Database, person: Person) -> None:
        claimed = Claimed("google", "https://accounts.example", "subject-1", None, email_verified=False, name=None)
        async with database.system() as session:
            saved = await identities.save(session, UserId(UUID(person.id)), IdentityId(new_id()), claimed, now())
        assert saved

    async def mailed_to(self, database: Database, person: Person) -> str:
        """A token as a mail brings it."""
        token = encode(str(time.time_ns()).encode().rjust(32, b"0"))
        statement = (
            "INSERT INTO mail_tokens (digest, owner_id, purpose, expires_at)"
            " VALUES (:digest, :owner, 'reset_password', now() + interval '10 minutes')"
        )
        async with database.system() as session:
            await session.execute(text(statement), {"digest": digest_of(token), "owner": UUID(person.id)})
        return token
