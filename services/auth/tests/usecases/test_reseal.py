"""The sealing key changes while people use what it sealed: all can be read at any time, and no older one is missed."""

import base64
from pathlib import Path
from typing import Any

import pytest
from auth.app import create_app
from auth.config import Settings
from auth.domain.api_key import ApiKeyId, purpose_of
from auth.sealing import Sealer, Unsealable
from auth.store import sealed
from auth.usecases.check_code import SEALED_AS
from auth.usecases.reseal import reseal
from kit.db import Database
from kit.testing.fixtures import client
from sqlalchemy import text

from services.auth.tests.people import Person, register

ROTATIONS = 3
PEOPLE = 2
BOXES = PEOPLE * 2


class Broken(Exception):
    """Somebody pulled the plug."""


@pytest.fixture
def file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secret file, as a stack gives it to the service."""
    monkeypatch.setenv("EXODUS_SECRETS_DIR", str(tmp_path))
    file = tmp_path / "auth_sealing_key"
    file.write_text(settings.sealing_key.get_secret_value())
    return file


def keys_in(file: Path) -> list[str]:
    return file.read_text().split()


def add_key(file: Path, key: str) -> None:
    """As the operator's command does: the newest first, and the file exchanged."""
    new = file.with_suffix(".new")
    new.write_text(f"{key}\n{file.read_text()}")
    new.rename(file)


async def read_by(sealer: Sealer, database: Database) -> list[bytes]:
    """Everything that is sealed, opened."""
    async with database.system() as session:
        boxes = {kind: await sealed.list_boxes(session, kind, sealed.FIRST, 100) for kind in sealed.KINDS}
    factors = [sealer.open(box.sealed, SEALED_AS, box.owner) for box in boxes["second factor"]]
    return factors + [sealer.open(box.sealed, purpose_of(ApiKeyId(box.id)), box.owner) for box in boxes["API key"]]


async def seal_two(person: Person) -> tuple[list[bytes], list[str]]:
    """Have somebody's second factor and API key sealed; what is in them, and the recovery codes."""
    await person.logs_in()
    codes = await person.enrolls()
    wish = {"name": "robot", "scopes": ["read"]}
    made = await person.http.post("/api/v1/users/api-keys", json=wish, headers=person.bearer)
    return [base64.b32decode(person.secret), made.json()["secret"].encode()], codes


@pytest.mark.requirement("R-53")
async def test_three_sealing_keys_in_a_row_each_interrupted_at_every_box_lose_nothing(
    settings: Settings, file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings)
    async with client(app) as http:
        people = [await register(http, f"somebody-{number}@example.com") for number in range(PEOPLE)]
        made = [await seal_two(person) for person in people]
        secrets = sorted(secret for pair, _ in made for secret in pair)
        running, save = app.state.resources.sealer, sealed.save_box
        for rotation in range(ROTATIONS):
            add_key(file, f"{rotation}" + "0123456789abcdef" * 4)
            for survives in range(BOXES):
                calls = iter(range(BOXES))

                async def dies(*given: Any, calls: Any = calls) -> bool:
                    if next(calls) == 1:
                        raise Broken
                    return await save(*given)

                monkeypatch.setattr(sealed, "save_box", dies)
                if survives < BOXES - 1:
                    with pytest.raises(Broken):
                        await reseal(database, running)
                monkeypatch.setattr(sealed, "save_box", save)
                assert sorted(await read_by(running, database)) == secrets
            assert (await people[0].logs_in(otp=made[0][1][rotation])).status_code == 200, "a recovery code of before"
            assert await reseal(database, Sealer(" ".join(keys_in(file)))) == 1, "where it stopped"
            assert await reseal(database, running) == 0, "once"
            newest, *older = keys_in(file)
            assert sorted(await read_by(Sealer(newest), database)) == secrets
            for lost in older:
                with pytest.raises(Unsealable):
                    await read_by(Sealer(lost), database)


@pytest.mark.requirement("R-53")
async def test_what_was_tampered_with_is_passed_over_and_does_not_hold_the_others_up(
    settings: Settings, file: Path, database: Database
) -> None:
    async with client(create_app(settings)) as http:
        person = await register(http, "somebody@example.com")
        await seal_two(person)
    async with database.system() as session:
        await session.execute(text("UPDATE second_factors SET sealed = sealed || '\\x00'"))
    add_key(file, "0123456789abcdef" * 4)
    assert await reseal(database, Sealer(" ".join(keys_in(file)))) == 1
