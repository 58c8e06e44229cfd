"""What people and the platform keep secret is in no log and in no file of a database or a queue."""

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.integration.platform_under_test import Platform
from tools.people import Trader

pytestmark = [pytest.mark.stack, pytest.mark.requirement("R-54")]

NEEDLES_MIN = 20
CHUNK_BYTES = 1 << 24
SETTLED_SECONDS = 2
"""Logs are written a moment later."""
GIVEN = {"redis.conf", ".erlang.cookie", "postgres_password", "redis_passwords"}
"""Files by which servers and who watches them are given their secrets; services have theirs in the folder `secrets`."""


async def test_no_secret_of_a_person_or_of_the_platform_is_written_down(platform: Platform, trader: Trader) -> None:
    planted = await _what_people_know(trader)
    inside = {f"platform {name}": value for name, value in _what_the_platform_knows(platform.layout.secrets)}
    assert len(planted) + len(inside) >= NEEDLES_MIN
    await asyncio.sleep(SETTLED_SECONDS)
    await platform.rows("auth", "CHECKPOINT")
    no_secret = {"control": trader.email}
    found = [
        f"{name} in {path.relative_to(platform.layout.directory)}"
        for path in platform.layout.directory.rglob("*")
        if _is_to_be_read(platform, path)
        for name in _in(path, planted | inside | no_secret)
    ]
    assert any(each.startswith("control in postgres/data") for each in found), "what is written down would be found"
    leaked = [each for each in found if not each.startswith("control")]
    assert not leaked, "\n".join(leaked)


async def test_services_reach_the_database_through_a_folder_that_is_closed_to_others(platform: Platform) -> None:
    folder = platform.layout.database_socket
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    sessions = await platform.rows("trading", "SELECT client_addr FROM pg_stat_activity WHERE usename LIKE 'trading%'")
    assert sessions
    assert {session["client_addr"] for session in sessions} == {None}, "asked over TCP"


async def _what_people_know(trader: Trader) -> dict[str, str]:
    """Send every kind of secret there is: rightly, and in each way that people get it wrong."""
    planted = {"password": trader.password, "wrong password": f"canary {secrets.token_hex(12)}"}
    planted["access token"] = trader.token
    tokens = await trader.call("POST", "/auth/login", email=trader.email, password=trader.password)
    planted["refresh token"] = tokens["refresh_token"]
    enrolled = await trader.call("POST", "/auth/2fa/enroll")
    planted["seed of the second factor"] = enrolled["secret"]
    code = pyotp.TOTP(enrolled["secret"]).now()
    planted["recovery code"] = (await trader.call("POST", "/auth/2fa/activate", code=code))["recovery_codes"][0]
    key = await trader.call("POST", "/users/api-keys", name="robot", scopes=["read"])
    planted["secret of an API key"] = key["secret"]
    for name in ("app key", "app secret"):
        planted[f"broker's {name}"] = f"canary{secrets.token_hex(16)}"
    planted["broker's account"] = "".join(secrets.choice("123456789") for _ in range(10))
    planted["passkey's signature"] = f"canary{secrets.token_hex(16)}"
    planted["ticket"] = f"canary{secrets.token_hex(16)}"[:43].ljust(43, "x")
    await _in_every_wrong_way(trader, planted)
    return planted


async def _in_every_wrong_way(trader: Trader, planted: Mapping[str, str]) -> None:
    wrong, email = planted["wrong password"], trader.email
    signed = {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": planted["passkey's signature"]}
    credential = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": signed}
    broker = {
        "app_key": planted["broker's app key"],
        "app_secret": planted["broker's app secret"],
        "account": planted["broker's account"],
    }
    kis = {"broker": "kis", "environment": "paper", "name": "KIS", "credentials": broker}
    bodies: list[tuple[str, Any]] = [
        ("/auth/login", {"email": email, "password": wrong}),
        ("/auth/login", {"email": email, "password": planted["password"], "otp": planted["recovery code"]}),
        ("/auth/login", {"email": [wrong], "password": [planted["password"]]}),
        ("/auth/register", {"email": wrong, "password": planted["password"], "name": 1}),
        ("/auth/password/change", {"current_password": wrong, "new_password": planted["password"]}),
        ("/auth/refresh", {"refresh_token": planted["refresh token"] + "x"}),
        ("/auth/oauth/finish", {"ticket": planted["ticket"]}),
        ("/auth/passkeys/login/verify", {"credential": credential}),
        ("/broker/connections", kis),
        ("/broker/connections", kis | {"environment": planted["broker's app secret"]}),
        ("/trading/orders", {"account_id": planted["secret of an API key"]}),
    ]
    for path, body in bodies:
        await trader.http.post(path, json=body)
        await trader.http.post(path, content=json.dumps(body)[:-1])  # no JSON any more
    for path in ("/users/profile", "/auth/refresh"):
        await trader.http.get(path, params={"token": planted["access token"]})
        await trader.http.get(path, headers={"Authorization": f"Bearer {planted['refresh token']}"})
        await trader.http.get(path, headers={"X-Api-Key": key_like(planted), "X-Api-Signature": wrong})


def key_like(planted: Mapping[str, str]) -> str:
    """Somebody takes the secret for the key."""
    return planted["secret of an API key"]


def _what_the_platform_knows(folder: Path) -> Iterator[tuple[str, str]]:
    passwords = json.loads((folder / "passwords.json").read_text()).items()
    yield from ((f"{name} {at}", each) for name, text in passwords for at, each in enumerate(text.split()))
    lines = (folder / "auth" / "auth_signing_key").read_text().splitlines()
    yield "signing key", next(line for line in lines if len(line) == 64)


def _is_to_be_read(platform: Platform, path: Path) -> bool:
    inside = path.relative_to(platform.layout.directory)
    given = inside.parts[0] in {"secrets", "prices"} or path.name in GIVEN
    return path.is_file() and not path.is_symlink() and not given


def _in(path: Path, needles: Mapping[str, str]) -> Iterator[str]:
    """Read a file a piece at a time, each overlapping the one before by the longest needle."""
    sought = {name: value.encode() for name, value in needles.items()}
    overlap = max(map(len, sought.values()))
    rest, found = b"", set[str]()
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                text = rest + piece
                found |= {name for name, value in sought.items() if value in text}
                rest = text[-overlap:]
    except FileNotFoundError:
        pass  # a temporary file of a server
    yield from sorted(found)
