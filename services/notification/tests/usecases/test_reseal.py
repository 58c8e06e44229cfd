"""The sealing key changes while channels are used: all can be read at any time, and no older one is missed."""

from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from notification.domain.channel import Channel, ChannelId
from notification.domain.owner import OwnerId
from notification.sealing import DoesNotOpen, Sealer
from notification.store import channels, sealed
from notification.usecases.reseal import reseal

SECRETS = {"url": "https://hooks.example/secret"}
CHANNELS, ROTATIONS = 3, 3


class Broken(Exception):
    """Somebody pulled the plug."""


def keys_in(file: Path) -> list[str]:
    return file.read_text().split()


def add_key(file: Path) -> None:
    """As the operator's command does: the newest first, and the file exchanged."""
    new = file.with_suffix(".new")
    new.write_text(f"{token_hex(32)}\n{file.read_text()}")
    new.rename(file)


async def save(database: Database, sealer: Sealer) -> list[Channel]:
    made = []
    for _ in range(CHANNELS):
        owner, channel = OwnerId(new_id()), ChannelId(new_id())
        box = sealer.seal(SECRETS, owner, channel)
        made.append(
            Channel(channel, owner, "webhook", "mine", "hooks.example", box, "active", None, None, now(), now())
        )
        async with database.owned(owner) as session:
            await channels.save(session, owner, made[-1])
    return made


async def read_by(sealer: Sealer, database: Database, made: list[Channel]) -> list[dict[str, str]]:
    found = []
    for each in made:
        async with database.owned(each.owner) as session:
            kept = await channels.find(session, each.owner, each.id)
        assert kept is not None
        found.append(sealer.open(kept.sealed, each.owner, each.id))
    return found


@pytest.mark.requirement("R-53")
async def test_three_sealing_keys_in_a_row_each_interrupted_at_every_channel_lose_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "notification_sealing_key"
    file.write_text(token_hex(32))
    running = Sealer(" ".join(keys_in(file)), file)
    made, push_key, save_box = await save(database, running), running.push_key, sealed.save_box
    for _ in range(ROTATIONS):
        add_key(file)
        for _ in range(CHANNELS - 1):
            calls = iter(range(CHANNELS))

            async def dies(*given: Any, calls: Any = calls) -> bool:
                if next(calls) == 1:
                    raise Broken
                return await save_box(*given)

            monkeypatch.setattr(sealed, "save_box", dies)
            with pytest.raises(Broken):
                await reseal(database, running)
            monkeypatch.setattr(sealed, "save_box", save_box)
            assert await read_by(running, database, made) == [SECRETS] * CHANNELS
        restarted = Sealer(" ".join(keys_in(file)), file)
        assert await reseal(database, restarted) == 1, "where it stopped"
        newest, *older = keys_in(file)
        assert await read_by(Sealer(newest), database, made) == [SECRETS] * CHANNELS
        for lost in older:
            with pytest.raises(DoesNotOpen):
                await read_by(Sealer(lost), database, made)
        assert restarted.push_key.private_numbers() == push_key.private_numbers(), "browsers are bound to it"
