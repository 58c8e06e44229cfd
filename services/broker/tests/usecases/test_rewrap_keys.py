"""The wrapping key changes while the service runs: all can be read at any time, and the older ones are not missed."""

import os
from pathlib import Path
from typing import Any

import pytest
from broker.domain.connection import Connection, ConnectionId, Secrets
from broker.domain.order import OwnerId
from broker.store import connections
from broker.usecases.rewrap_keys import rewrap_keys
from broker.vault import DoesNotOpen, Vault
from kit.clock import now
from kit.db import Database
from kit.ids import new_id

from services.broker.tests.floor import Broken

SECRETS = {"app_key": "key-1", "app_secret": "secret-1"}
OWNERS = 3
ROTATIONS = 3
Saved = list[tuple[OwnerId, ConnectionId]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "broker_vault_key"
    file.write_text(os.urandom(32).hex())
    return file


def vault_of(file: Path) -> Vault:
    return Vault(file.read_text(), file)


def keys_in(file: Path) -> list[str]:
    return file.read_text().split()


def add_key(file: Path) -> None:
    """As the operator's command does: the newest first, and the file exchanged."""
    new = file.with_suffix(".new")
    new.write_text(f"{os.urandom(32).hex()}\n{file.read_text()}")
    new.rename(file)


async def save(database: Database, vault: Vault) -> Saved:
    saved = [(OwnerId(new_id()), ConnectionId(new_id())) for _ in range(OWNERS)]
    for owner, connection in saved:
        kept = Connection(connection, owner, "kis", "paper", "모의투자", "01", now())
        async with database.owned(owner) as session:
            await connections.save(session, owner, kept, Secrets(SECRETS), vault)
    return saved


async def opened(database: Database, vault: Vault, saved: Saved) -> int:
    """For how many owners everything opens."""
    count = 0
    for owner, connection in saved:
        async with database.owned(owner) as session:
            found = await connections.find_secrets(session, owner, connection, vault)
        count += dict(found.fields) == SECRETS
    return count


@pytest.mark.requirement("R-53")
async def test_three_wrapping_keys_in_a_row_each_interrupted_at_every_step_lose_nothing(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, reseal = vault_of(file), connections.save_resealed
    saved, key_print = await save(database, running), running.print_of("of a key")
    token = running.seal_token(key_print, "a broker's token")
    for _ in range(ROTATIONS):
        add_key(file)
        for survives in range(len(SECRETS) * OWNERS):
            calls = iter(range(100))

            async def dies(*given: Any, calls: Any = calls, survives: int = survives) -> bool:
                if next(calls) == survives:
                    raise Broken(survives)
                return await reseal(*given)

            monkeypatch.setattr(connections, "save_resealed", dies)
            try:
                await rewrap_keys(database, running)
            except Broken:
                assert await opened(database, running, saved) == OWNERS
            monkeypatch.undo()
        await rewrap_keys(database, vault_of(file))
        assert await rewrap_keys(database, running) == 0, "once"
        newest, *older = keys_in(file)
        assert await opened(database, Vault(newest), saved) == OWNERS, "nothing needs the older ones any more"
        for lost in (*older, os.urandom(32).hex()):
            with pytest.raises(DoesNotOpen):
                await opened(database, Vault(lost), saved)
    assert running.print_of("of a key") == key_print, "what is found by its print is found on"
    assert running.open_token(key_print, token) == "a broker's token"


@pytest.mark.requirement("R-53")
async def test_a_key_that_is_added_seals_at_once_in_a_process_that_runs_and_in_one_that_has_not_looked_yet_opens(
    database: Database, file: Path
) -> None:
    one, other = vault_of(file), vault_of(file)
    add_key(file)
    saved = await save(database, one)
    assert await opened(database, other, saved) == OWNERS
    assert await rewrap_keys(database, one) == 0
