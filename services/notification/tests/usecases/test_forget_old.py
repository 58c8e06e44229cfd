"""Housekeeping: what is old goes, numbers go on."""

from datetime import timedelta

from kit.clock import now
from kit.consumer import take
from kit.db import Database
from kit.ids import new_id
from notification.domain.notice import Notice
from notification.domain.owner import OwnerId
from notification.domain.stream import Bounds
from notification.store import stream
from notification.usecases.forget_old import Keeping, forget_old

from services.notification.tests.people import tell

KEEPING = Keeping(stream=timedelta(days=7), inbox=timedelta(days=365), deliveries=timedelta(days=30))
NOTICE = Notice("order_filled", "Bought", "", {})


async def test_what_is_too_old_is_forgotten_and_numbers_go_on(database: Database) -> None:
    owner = OwnerId(new_id())
    async with database.owned(owner) as session:
        for days in (400, 8, 6):
            moment = now() - timedelta(days=days)
            tell(session, owner, notice=NOTICE, at=moment)
        await take(session, new_id(), "notification")
    async with database.system() as session:
        assert await forget_old(session, KEEPING, now()) == 5
        assert await forget_old(session, KEEPING, now()) == 0
        assert await forget_old(session, KEEPING, now() + timedelta(days=4)) == 3
    async with database.owned(owner) as session:
        assert await stream.find_bounds(session, owner) == Bounds(7, 6)
        tell(session, owner)
    async with database.owned(owner) as session:
        assert await stream.find_bounds(session, owner) == Bounds(7, 7)
