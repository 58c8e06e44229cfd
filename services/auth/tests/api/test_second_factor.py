"""The second factor over HTTP: set up, asked for, raced, guessed at, lost, and given up."""

import asyncio
import base64
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from auth.domain.second_factor import FREE_FAILURES
from auth.sealing import Unsealable
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.people import PASSWORD, Person, register

ENROLL, ACTIVATE = "/api/v1/auth/2fa/enroll", "/api/v1/auth/2fa/activate"
DISABLE, RENEW = "/api/v1/auth/2fa/disable", "/api/v1/auth/2fa/recovery-codes"
STEP_UP, CHANGE = "/api/v1/auth/step-up", "/api/v1/auth/password/change"
SHORT = "tea!29Kx"
GUESSES, AT_FIRST = 1_000, 100


async def post(person: Person, path: str, **body: Any) -> tuple[int, str | None]:
    answer = await person.http.post(path, json=body or None, headers=person.bearer)
    return answer.status_code, answer.json().get("code") if answer.content else None


async def age(database: Database, person: Person, minutes: int) -> None:
    """Have a person log in long ago: the session as it is stored, and a token made from it."""
    async with database.system() as session:
        await session.execute(
            text("UPDATE sessions SET authenticated_at = authenticated_at - make_interval(mins => :minutes)"),
            {"minutes": minutes},
        )
    answer = await person.refreshes()
    person.access_token, person.refresh_token = answer.json()["access_token"], answer.json()["refresh_token"]


class TestStepUp:
    @pytest.mark.requirement("R-48")
    async def test_what_is_dangerous_wants_a_password_of_the_last_five_minutes(
        self, haneul: Person, database: Database
    ) -> None:
        await age(database, haneul, 6)
        assert await post(haneul, ENROLL) == (403, "step_up_required"), "refreshing proves nothing"
        answer = await haneul.http.post(STEP_UP, json={"password": PASSWORD}, headers=haneul.bearer)
        assert (answer.status_code, answer.json()["refresh_token"]) == (200, None)
        before, haneul.access_token = haneul.access_token, answer.json()["access_token"]
        assert (await post(haneul, ENROLL))[0] == 200
        old, new = (jwt.decode(each, options={"verify_signature": False}) for each in (before, haneul.access_token))
        assert (old["sub"], old["sid"]) == (new["sub"], new["sid"])
        assert new["auth_time"] - old["auth_time"] >= 360
        refreshed = await haneul.refreshes()
        claims = jwt.decode(refreshed.json()["access_token"], options={"verify_signature": False})
        assert claims["auth_time"] == new["auth_time"], "the session remembers it"

    async def test_a_wrong_password_steps_nobody_up_and_is_counted(self, haneul: Person) -> None:
        for _ in range(10):
            assert await post(haneul, STEP_UP, password="not the right one at all") == (401, "wrong_credentials")
        assert await post(haneul, STEP_UP, password=PASSWORD) == (429, "too_many_attempts")

    async def test_a_code_is_due_as_at_log_in(self, haneul: Person) -> None:
        await haneul.enrolls()
        assert await post(haneul, STEP_UP, password=PASSWORD) == (401, "otp_required")
        assert await post(haneul, STEP_UP, password=PASSWORD, otp="000000") == (401, "otp_wrong")
        assert (await post(haneul, STEP_UP, password=PASSWORD, otp=haneul.code()))[0] == 200

    @pytest.mark.usefixtures("revoked_learnt_late")
    async def test_a_session_that_has_ended_cannot_step_up(self, haneul: Person) -> None:
        assert (await haneul.http.get("/api/v1/users/profile", headers=haneul.bearer)).status_code == 200
        await haneul.http.post("/api/v1/auth/logout", json={"refresh_token": haneul.refresh_token})
        assert await post(haneul, STEP_UP, password=PASSWORD) == (401, "session_over")

    async def test_anonymous_malformed_and_oversized(self, haneul: Person) -> None:
        assert (await haneul.http.post(STEP_UP, json={"password": PASSWORD})).status_code == 401
        for body in (
            {},
            {"password": "x" * 129},
            {"password": PASSWORD, "otp": "1" * 33},
            {"password": PASSWORD, "x": 1},
        ):
            assert (await haneul.http.post(STEP_UP, json=body, headers=haneul.bearer)).status_code == 422


class TestSetUp:
    async def test_it_counts_once_its_first_code_was_given(self, haneul: Person, database: Database) -> None:
        enrolled = await haneul.http.post(ENROLL, headers=haneul.bearer)
        haneul.secret = enrolled.json()["secret"]
        assert enrolled.json()["otpauth_uri"].startswith("otpauth://totp/Exodus:haneul.kim%40example.com?secret=")
        assert (await haneul.logs_in()).status_code == 200, "not activated yet"
        again = await haneul.http.post(ENROLL, headers=haneul.bearer)
        assert again.json()["secret"] != haneul.secret
        assert await post(haneul, ACTIVATE, code=haneul.code()) == (401, "otp_wrong"), "the first secret is gone"
        haneul.secret = again.json()["secret"]
        assert (await post(haneul, ACTIVATE, code=haneul.code()))[0] == 200
        assert await post(haneul, ACTIVATE, code=haneul.code(1)) == (409, "second_factor_active")
        assert await post(haneul, ENROLL) == (409, "second_factor_active")
        assert (await haneul.logs_in()).json()["code"] == "otp_required"

    @pytest.mark.requirement("R-45")
    async def test_the_code_it_was_set_up_by_logs_nobody_in(self, haneul: Person) -> None:
        enrolled = await haneul.http.post(ENROLL, headers=haneul.bearer)
        haneul.secret = enrolled.json()["secret"]
        code = haneul.code()
        assert (await post(haneul, ACTIVATE, code=code))[0] == 200
        assert (await haneul.logs_in(otp=code)).json()["code"] == "otp_wrong"
        assert (await haneul.logs_in(otp=haneul.code(1))).status_code == 200

    @pytest.mark.requirement("R-53")
    async def test_the_secret_is_sealed_for_its_owner(self, haneul: Person, database: Database, app: Any) -> None:
        codes = await haneul.enrolls()
        async with database.system() as session:
            sealed = bytes(await session.scalar(text("SELECT sealed FROM second_factors")) or b"")
            digests = [bytes(each) for each in await session.scalars(text("SELECT digest FROM recovery_codes"))]
        secret = base64.b32decode(haneul.secret)
        assert secret not in sealed
        assert not any(code.replace("-", "").encode() in digest for code in codes for digest in digests)
        stranger = await register(haneul.http, "minjun@example.com")
        sealer, owner = app.state.resources.sealer, (await _user_id(database, haneul))
        assert sealer.open(sealed, "second factor", owner) == secret
        flipped = bytes([*sealed[:-1], sealed[-1] ^ 1])
        for wrong in ((sealed, "second factor", await _user_id(database, stranger)), (sealed, "other", owner)):
            with pytest.raises(Unsealable):
                sealer.open(*wrong)
        with pytest.raises(Unsealable):
            sealer.open(flipped, "second factor", owner)


async def _user_id(database: Database, person: Person) -> Any:
    async with database.system() as session:
        return await session.scalar(text("SELECT id FROM users WHERE email = :email"), {"email": person.email})


@pytest.mark.requirement("R-45")
class TestCodes:
    async def test_of_twenty_who_send_one_code_at_once_one_gets_in(self, haneul: Person) -> None:
        await haneul.enrolls()
        code = haneul.code()
        answers = await asyncio.gather(*(haneul.logs_in(otp=code) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
        assert {answer.json()["code"] for answer in answers if answer.status_code == 401} == {"otp_wrong"}
        assert (await haneul.logs_in(otp=haneul.code(-1))).json()["code"] == "otp_wrong", "and none before it any more"

    async def test_of_twenty_who_send_one_recovery_code_at_once_one_gets_in(self, haneul: Person) -> None:
        code = (await haneul.enrolls())[0]
        answers = [await haneul.logs_in(otp=code.upper())]
        answers += await asyncio.gather(*(haneul.logs_in(otp=code) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 4

    async def test_guesses_slow_down_after_five_and_the_right_code_waits_as_well(
        self, haneul: Person, database: Database
    ) -> None:
        await haneul.enrolls()
        refused = [(await haneul.logs_in(otp="000000")).json()["code"] for _ in range(FREE_FAILURES + 2)]
        assert refused == ["otp_wrong"] * FREE_FAILURES + ["too_many_attempts"] * 2
        waiting = await haneul.logs_in(otp=haneul.code())
        assert (waiting.status_code, waiting.json()["code"]) == (429, "too_many_attempts")
        assert 0 < int(waiting.headers["retry-after"]) <= 30
        earlier = datetime.now(UTC) - timedelta(seconds=31)
        async with database.system() as session:
            await session.execute(text("UPDATE second_factors SET failed_at = :earlier"), {"earlier": earlier})
        assert (await haneul.logs_in(otp=haneul.code())).status_code == 200
        assert (await haneul.logs_in(otp="000000")).json()["code"] == "otp_wrong", "and the count began anew"

    async def test_of_a_thousand_guesses_five_are_looked_at(self, haneul: Person, database: Database) -> None:
        """Where a session asks for a code alone: no password is hashed, so nothing else slows a thief of it down."""
        await haneul.enrolls()
        right = {haneul.code(step) for step in range(-3, 4)}
        guesses = [guess for number in range(GUESSES + len(right)) if (guess := f"{number * 991:06}") not in right]
        turns = asyncio.Semaphore(20)

        async def guess(code: str) -> tuple[int, str | None]:
            async with turns:
                return await post(haneul, DISABLE, code=code)

        answers = Counter(await asyncio.gather(*(guess(code) for code in guesses[:AT_FIRST])))
        async with database.system() as session:  # on a slow machine, the first wait of 30 seconds would pass meanwhile
            await session.execute(text("UPDATE second_factors SET failed_at = failed_at + interval '1 hour'"))
        answers += Counter(await asyncio.gather(*(guess(code) for code in guesses[AT_FIRST:GUESSES])))
        assert answers == {(401, "otp_wrong"): FREE_FAILURES, (429, "too_many_attempts"): GUESSES - FREE_FAILURES}
        assert await post(haneul, DISABLE, code=haneul.code()) == (429, "too_many_attempts")
        assert (await haneul.logs_in(otp=haneul.code())).status_code == 429, "the other door has the same count"
        async with database.system() as session:
            failures = await session.scalar(text("SELECT failures FROM second_factors"))
            told = await session.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'second_factor_failed'"))
        assert (failures, told) == (FREE_FAILURES, FREE_FAILURES)

    async def test_a_code_without_the_password_is_worth_nothing(self, haneul: Person) -> None:
        await haneul.enrolls()
        code = haneul.code()
        wrong = await haneul.logs_in("not the right one at all", otp=code)
        assert wrong.json()["code"] == "wrong_credentials"
        assert (await haneul.logs_in(otp=code)).status_code == 200, "and was not used up"

    async def test_new_recovery_codes_replace_the_old(self, haneul: Person) -> None:
        old = await haneul.enrolls()
        assert (await haneul.http.post(RENEW, json={"code": "000000"}, headers=haneul.bearer)).status_code == 401
        answer = await haneul.http.post(RENEW, json={"code": haneul.code()}, headers=haneul.bearer)
        new = answer.json()["recovery_codes"]
        assert (len(set(old + new)), len(new)) == (20, 10)
        assert (await haneul.logs_in(otp=old[0])).json()["code"] == "otp_wrong"
        assert (await haneul.logs_in(otp=new[0])).status_code == 200


class TestGivingItUp:
    async def test_it_takes_a_code_and_fresh_authentication(self, haneul: Person, database: Database) -> None:
        codes = await haneul.enrolls()
        assert await post(haneul, DISABLE, code="000000") == (401, "otp_wrong")
        await age(database, haneul, 6)
        for path in (DISABLE, RENEW):
            assert await post(haneul, path, code=codes[0]) == (403, "step_up_required")
        await haneul.logs_in(otp=codes[0])
        assert await post(haneul, DISABLE, code=haneul.code()) == (204, None)
        assert (await haneul.logs_in()).status_code == 200
        for path in (DISABLE, RENEW, ACTIVATE):
            assert await post(haneul, path, code=haneul.code()) == (409, "second_factor_missing")

    @pytest.mark.requirement("R-40")
    async def test_a_short_password_is_good_with_it_and_keeps_it_from_being_disabled(self, haneul: Person) -> None:
        assert await post(haneul, CHANGE, current_password=PASSWORD, new_password=SHORT) == (422, "weak_password")
        codes = await haneul.enrolls()
        assert (await post(haneul, CHANGE, current_password=PASSWORD, new_password=SHORT))[0] == 200
        assert await post(haneul, DISABLE, code=codes[0]) == (409, "password_too_short_alone")
        assert (await haneul.logs_in(SHORT, otp=codes[0])).status_code == 200, "and the code was not used up"
        assert (await post(haneul, CHANGE, current_password=SHORT, new_password=PASSWORD))[0] == 200
        assert await post(haneul, DISABLE, code=codes[1]) == (204, None)

    async def test_anonymous_and_malformed(self, haneul: Person) -> None:
        for path in (ENROLL, ACTIVATE, DISABLE, RENEW):
            assert (await haneul.http.post(path, json={"code": "123456"})).status_code == 401
        for path in (ACTIVATE, DISABLE, RENEW):
            for body in ({}, {"code": ""}, {"code": "1" * 33}, {"code": "123456", "owner": "x"}):
                assert (await haneul.http.post(path, json=body, headers=haneul.bearer)).status_code == 422
