"""The operator's command makes admins, in a process of its own."""

import asyncio
import os
import sys

import httpx
import pytest
from auth.config import Settings

from services.auth.tests.people import PASSWORD, Person

ADMIN = "Operator@Example.com"


async def run(settings: Settings, *arguments: str, typed: str = "") -> tuple[int, str]:
    secrets = ("database_url", "system_database_url", "amqp_url", "redis_url", "signing_key", "sealing_key")
    environment = {f"AUTH_{name.upper()}": getattr(settings, name).get_secret_value() for name in secrets}
    environment |= {"AUTH_HTTP_PORT": "1", "AUTH_WORKER_PORT": "2", "AUTH_JWKS_URL": settings.jwks_url}
    environment |= {"AUTH_ENVIRONMENT": "test", "AUTH_SERVICE_SECRETS": "{}", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auth.admin", "create", *arguments, "--password-stdin"),
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(typed.encode())
    return process.returncode or 0, output.decode()


async def test_an_admin_is_created_and_can_log_in(settings: Settings, http: httpx.AsyncClient) -> None:
    code, output = await run(settings, ADMIN, "--name", "김관리", typed=PASSWORD + "\n")
    assert (code, output) == (0, "operator@example.com is an admin now.\n")
    person = Person(http, ADMIN, "")
    assert (await person.logs_in()).status_code == 200
    shown = (await http.get("/api/v1/users/profile", headers=person.bearer)).json()
    assert (shown["role"], shown["name"]) == ("admin", "김관리")


async def test_an_account_that_exists_is_promoted_and_keeps_its_password(settings: Settings, haneul: Person) -> None:
    code, output = await run(settings, haneul.email.upper())
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
    code, output = await run(settings, email, typed=typed)
    assert code == 1
    assert said in output
    assert "Traceback" not in output
    assert typed.strip() == "" or typed.strip() not in output
