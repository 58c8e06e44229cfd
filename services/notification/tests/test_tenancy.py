"""The database keeps owners apart."""

import pytest
from kit.db import Database
from kit.ids import new_id
from notification.domain.notice import Notice
from notification.domain.owner import OwnerId
from notification.store import alerts
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.notification.tests.people import an_alert, tell

TABLES = ["stream", "stream_heads", "notifications", "alerts"]


async def a_person(database: Database) -> OwnerId:
    owner = OwnerId(new_id())
    async with database.owned(owner) as session:
        tell(session, owner, notice=Notice("order_filled", "x", "", {}))
        await alerts.save(session, owner, an_alert("005930", owner=owner))
    return owner


FORBIDDEN = [
    "UPDATE alerts SET owner_id = gen_random_uuid()",
    "UPDATE alerts SET value = 1",
    "UPDATE stream SET data = '{}'",
    "DELETE FROM stream",
    "DELETE FROM notifications",
    "DELETE FROM stream_heads",
    "SELECT * FROM events",
]


@pytest.mark.requirement("R-36", "R-37")
async def test_each_sees_own_rows_only(database: Database) -> None:
    ours, _theirs = await a_person(database), await a_person(database)
    for table in TABLES:
        async with database.owned(ours) as session:
            owners = set((await session.scalars(text(f"SELECT owner_id FROM {table}"))).all())
        assert owners == {ours}
        with pytest.raises(DBAPIError, match=r"app\.owner_id|uuid"):
            async with database.public() as session:
                await session.execute(text(f"SELECT owner_id FROM {table}"))


@pytest.mark.requirement("R-37")
async def test_the_app_role_changes_no_history(database: Database) -> None:
    ours = await a_person(database)
    for forbidden in FORBIDDEN:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.owned(ours) as session:
                await session.execute(text(forbidden))


@pytest.mark.requirement("R-37")
async def test_nobody_writes_for_somebody_else(database: Database) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.owned(new_id()) as session:
            tell(session, OwnerId(new_id()))
