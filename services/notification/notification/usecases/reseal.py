"""Seal anew what an older key has sealed, so that the newest is the only one that is needed to read it."""

from uuid import UUID

import structlog
from kit.db import Database

from notification.sealing import DoesNotOpen, Sealer
from notification.store import sealed

PORTION = 500

log = structlog.get_logger()


async def reseal(database: Database, sealer: Sealer) -> int:
    """Move channel by channel, each in a transaction of its own; how many were moved.

    Died in between, the next call goes on. What no key of ours has sealed stays as it is: nothing is sent there.
    """
    after, moved = UUID(int=0), 0
    while True:
        async with database.system() as session:
            boxes = await sealed.list_boxes(session, after, PORTION)
        if not boxes:
            return moved
        for box in boxes:
            if sealer.is_newest(box.sealed, box.owner, box.id):
                continue
            try:
                secrets = sealer.open(box.sealed, box.owner, box.id)
            except DoesNotOpen:
                log.exception("a channel's secrets were changed, or are another's", channel=str(box.id))
                continue
            async with database.system() as session:
                moved += await sealed.save_box(session, box, sealer.seal(secrets, box.owner, box.id))
        after = boxes[-1].id
