"""The operator's command makes admins, in a process of its own."""

import argparse
import asyncio
import os
import sys
from uuid import UUID

import httpx
import pytest
from auth.admin import change, note, wanted_by
from auth.config import Settings
from auth.domain.user import UserId
from auth.errors import WayInMissing
from auth.store import audit
from auth.store.audit import Wanted
from auth.usecases.reset_second_factor import reset_second_factor
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from pydantic import ValidationError
from sqlalchemy import text

from services.auth.tests.people import PASSWORD, Person

ADMIN = "Operator@Example.com"


async def create(settings: Settings, *arguments: str, typed: str = "") -> tuple[int, str]:
    return await run(settings, "create", *arguments, "--password-stdin", typed=typed)


def environment_of(settings: Settings) -> dict[str, str]:
    secrets = ("database_url", "system_database_url", "amqp_url", "redis_url", "signing_key", "sealing_key")
    environment = {f"AUTH_{name.upper()}": getattr(settings, name).get_secret_value() for name in secrets}
    environment |= {"AUTH_HTTP_PORT": "1", "AUTH_WORKER_PORT": "2", "AUTH_JWKS_URL": settings.jwks_url}
    return environment | {"AUTH_ENVIRONMENT": "test", "AUTH_SERVICE_SECRETS": "{}"}


async def run(settings: Settings, *arguments: str, typed: str = "") -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auth.admin", *arguments),
        env={**os.environ, **environment_of(settings), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(typed.encode())
    return process.returncode or 0, output.decode()


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's settings in this process: it does not have to be started for each thing it does."""
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)


async def does(command: str, person: Person, **given: str) -> str:
    """Do in this process what the command does to an account."""
    return await change(person.email, wanted_by(argparse.Namespace(command=command, **given)))


async def test_an_admin_is_created_and_can_log_in(settings: Settings, http: httpx.AsyncClient) -> None:
    code, output = await create(settings, ADMIN, "--name", "김관리", typed=PASSWORD + "\n")
    assert (code, output) == (0, "operator@example.com is an admin now.\n")
    person = Person(http, ADMIN, "")
    assert (await person.logs_in()).status_code == 200
    shown = (await http.get("/api/v1/users/profile", headers=person.bearer)).json()
    assert (shown["role"], shown["name"]) == ("admin", "김관리")


async def test_who_is_invited_has_one_account_and_nobody_is_in_it_yet(
    settings: Settings, http: httpx.AsyncClient
) -> None:
    told = [await run(settings, "invite", email, "--name", "Moved") for email in ("me@example.com", "ME@example.com")]
    assert [code for code, _ in told] == [0, 0]
    assert UUID(told[0][1].strip()) == UUID(told[1][1].strip()), "once, however often"
    assert (await Person(http, "me@example.com", "").logs_in()).status_code == 401


async def test_an_account_that_exists_is_promoted_and_keeps_its_password(settings: Settings, haneul: Person) -> None:
    code, output = await create(settings, haneul.email.upper())
    assert (code, output) == (0, "haneul.kim@example.com is an admin now; the password is what it was.\n")
    assert (await haneul.refreshes()).status_code == 200
    assert (await haneul.logs_in()).status_code == 200
    shown = (await haneul.http.get("/api/v1/users/profile", headers=haneul.bearer)).json()
    assert shown["role"] == "admin"


@pytest.mark.parametrize(
    ("email", "typed", "said"),
    [
        (ADMIN, "short\n", "at least 15 characters"),
        (ADMIN, "\n", "at least 1 character"),
        ("nonsense", PASSWORD, "valid email"),
    ],
)
async def test_what_cannot_be_used_is_refused_in_words_and_never_shown(
    settings: Settings, email: str, typed: str, said: str
) -> None:
    code, output = await create(settings, email, typed=typed)
    assert code == 1
    assert said in output
    assert "Traceback" not in output
    assert typed.strip() == "" or typed.strip() not in output


@pytest.mark.requirement("R-48")
@pytest.mark.usefixtures("here")
async def test_what_the_operator_sets_is_said_and_stands_in_the_profile(settings: Settings, haneul: Person) -> None:
    for command, given in (
        ("allow", {"value": "real"}),
        ("allow", {"value": "premium"}),
        ("forbid", {"value": "paper"}),
        ("limit", {"figure": "daily-trades", "value": "20"}),
    ):
        await does(command, haneul, **given)
    code, output = await run(settings, "limit", haneul.email, "calls-per-minute", "600")
    assert code == 0, output
    assert output == "haneul.kim@example.com: user, open, may use premium, real; 20 orders a day, 600 calls a minute.\n"
    await haneul.logs_in()
    shown = (await haneul.http.get("/api/v1/users/profile", headers=haneul.bearer)).json()["permissions"]
    assert shown == {
        "paper": False,
        "real": True,
        "premium": True,
        "daily_trades_max": 20,
        "calls_per_minute_max": 600,
    }
    assert "any number of orders a day" in await does("limit", haneul, figure="daily-trades", value="none")
    for figure, value in (("calls-per-minute", "none"), ("daily-trades", "-1")):
        with pytest.raises(ValidationError):
            await does("limit", haneul, figure=figure, value=value)
    code, output = await run(settings, "limit", haneul.email, "calls-per-minute", "61")
    assert (code, "Traceback" in output) == (1, False)


@pytest.mark.requirement("R-45", "R-57")
async def test_a_lost_second_factor_is_taken_off_recorded_and_told(
    settings: Settings, haneul: Person, database: Database
) -> None:
    code, output = await run(settings, "reset-second-factor", haneul.email)
    assert (code, "Nothing is asked for" in output) == (1, True)
    codes = await haneul.enrolls()
    assert (await haneul.logs_in()).json()["code"] == "otp_required"
    code, output = await run(settings, "reset-second-factor", haneul.email.upper())
    assert (code, "logs in by the password alone" in output) == (0, True), output
    assert (await haneul.refreshes()).status_code == 401, "whoever held a session may be who has the lost device"
    assert (await haneul.logs_in()).status_code == 200
    assert (await haneul.logs_in(otp=codes[0])).status_code == 200, "a code is not asked for, so none is wrong"
    async with database.system() as session:
        last = await audit.list_entries(session, Wanted(None, 1, "operator", "second_factor_reset"))
        told = await session.scalar(text("SELECT owner_id FROM events WHERE type = 'auth.second_factor.reset.v1'"))
    assert ([entry.entry.subject for entry in last], str(told)) == ([haneul.id], haneul.id)
    code, output = await run(settings, "reset-second-factor", "nobody@example.com")
    assert (code, "no account" in output) == (1, True)


@pytest.mark.requirement("R-57")
@pytest.mark.usefixtures("here")
async def test_what_the_operator_does_past_every_service_is_noted(settings: Settings, database: Database) -> None:
    for action in ("signing_key_added", "signing_key_revoked"):
        await note(action, "by day")
    assert (await run(settings, "note", "sealing_key_added", "broker"))[0] == 0
    async with database.system() as session:
        last = await audit.list_entries(session, Wanted(None, 9, "operator"))
    assert [(entry.entry.action, entry.entry.subject) for entry in reversed(last)] == [
        ("signing_key_added", "by day"),
        ("signing_key_revoked", "by day"),
        ("sealing_key_added", "broker"),
    ]


@pytest.mark.requirement("R-48")
@pytest.mark.usefixtures("here")
async def test_the_operator_gives_roles_and_locks_accounts(haneul: Person) -> None:
    assert "viewer, open" in await does("role", haneul, value="viewer")
    assert "viewer, locked" in await does("lock", haneul)
    assert (await haneul.logs_in()).status_code == 401
    assert "viewer, open" in await does("unlock", haneul)
    assert (await haneul.logs_in()).status_code == 200


@pytest.mark.requirement("R-40", "R-45")
async def test_a_password_that_is_too_short_alone_goes_with_the_second_factor_and_only_where_mail_brings_another(
    haneul: Person, database: Database
) -> None:
    await haneul.enrolls()
    owner = UserId(UUID(haneul.id))
    async with database.system() as session:
        await session.execute(text("UPDATE users SET password_short = true"))
    with pytest.raises(WayInMissing):
        async with database.system() as session:
            await reset_second_factor(session, owner, None, now())
    assert (await haneul.logs_in()).json()["code"] == "otp_required", "nothing was done"
    async with database.system() as session:
        assert not await reset_second_factor(session, owner, new_id(), now())
    assert (await haneul.logs_in()).json()["code"] == "wrong_credentials"
    async with database.system() as session:
        assert (await session.scalars(text("SELECT kind FROM mails"))).all() == ["second_factor_reset"]
