"""Keys change while people work: not one good token is refused, and a stolen key is worth nothing soon after."""

import asyncio
from pathlib import Path

import jwt
import pytest
from auth.app import create_app
from auth.config import Settings
from auth.resources import signer_of
from auth.tokens import Claims, TokenSigner
from kit.auth import TokenVerifier
from kit.clock import now
from kit.errors import Unauthenticated
from kit.ids import new_id
from kit.testing.serving import serving
from pydantic import SecretStr

from tools.native import signing_keys

RATE = 100
SECONDS = 6
REFETCH_SECONDS = 0.5


@pytest.fixture
def key_file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXODUS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setattr("auth.keyring.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("kit.auth.REFETCH_SECONDS", REFETCH_SECONDS)
    monkeypatch.setattr(signing_keys, "LEAD_SECONDS", 2)
    file = tmp_path / signing_keys.FILE
    file.write_text(settings.signing_key.get_secret_value())
    return file


def a_token(signer: TokenSigner) -> str:
    return signer.sign(Claims(new_id(), new_id(), new_id(), "user", "x"), now())


def keys_in(file: Path) -> list[signing_keys.Key]:
    return signing_keys.read(file.read_text())


def change(file: Path, text: str) -> None:
    fresh = file.with_name("new")
    fresh.write_text(text)
    fresh.rename(file)


@pytest.mark.requirement("R-43")
async def test_a_rotation_at_a_hundred_requests_a_second_refuses_nobody(settings: Settings, key_file: Path) -> None:
    async with serving(create_app(settings)) as url:
        signer = signer_of(settings)
        verifier = TokenVerifier(issuer="exodus", audience="exodus", jwks_url=f"{url}/.well-known/jwks.json")
        used: list[str] = []
        for number in range(RATE * SECONDS):
            if number == RATE:
                change(key_file, signing_keys.write(signing_keys.rotated(keys_in(key_file), now())))
            token = a_token(signer)
            await verifier.verify(token)
            used.append(jwt.get_unverified_header(token)["kid"])
            await asyncio.sleep(1 / RATE)
        assert len(set(used)) == 2, "the new key has taken over"
        assert used[0] != used[-1]


@pytest.mark.requirement("R-43")
async def test_a_revoked_key_is_worth_nothing_within_seconds(settings: Settings, key_file: Path) -> None:
    async with serving(create_app(settings)) as url:
        verifier = TokenVerifier(issuer="exodus", audience="exodus", jwks_url=f"{url}/.well-known/jwks.json")
        stolen = a_token(signer_of(settings))
        await verifier.verify(stolen)
        key_id = jwt.get_unverified_header(stolen)["kid"]
        change(key_file, signing_keys.write(signing_keys.without(keys_in(key_file), key_id, now())))
        async with asyncio.timeout(30):
            while True:
                try:
                    await verifier.verify(stolen)
                except Unauthenticated:
                    break
                await asyncio.sleep(0.1)
        changed = settings.model_copy(update={"signing_key": SecretStr(signing_keys.write(keys_in(key_file)))})
        await verifier.verify(a_token(signer_of(changed)))


async def test_a_file_that_cannot_be_read_changes_nothing(settings: Settings, key_file: Path) -> None:
    signer = signer_of(settings)
    before = signer.keys.signing(now()).key_id
    change(key_file, "half a file")
    await asyncio.sleep(0.2)
    assert signer.keys.signing(now()).key_id == before
