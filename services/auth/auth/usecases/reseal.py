"""Seal anew what an older key has sealed, so that the newest is the only one that is needed to read it."""

import structlog
from kit.db import Database

from auth.domain.api_key import ApiKeyId, purpose_of
from auth.sealing import Sealer, Unsealable
from auth.store import sealed
from auth.usecases.check_code import SEALED_AS

PORTION = 500

log = structlog.get_logger()


async def reseal(database: Database, sealer: Sealer) -> int:
    """Move row by row, each in a transaction of its own; how many were moved.

    Died in between, the next call goes on. What no key of ours has sealed stays as it is: it opens nothing.
    """
    return sum([await _reseal(database, sealer, kind) for kind in sealed.KINDS])


async def _reseal(database: Database, sealer: Sealer, kind: str) -> int:
    after, moved = sealed.FIRST, 0
    while True:
        async with database.system() as session:
            boxes = await sealed.list_boxes(session, kind, after, PORTION)
        if not boxes:
            return moved
        for box in boxes:
            purpose = SEALED_AS if kind == "second factor" else purpose_of(ApiKeyId(box.id))
            if sealer.is_newest(box.sealed, purpose, box.owner):
                continue
            try:
                plain = sealer.open(box.sealed, purpose, box.owner)
            except Unsealable:
                log.exception("a box was changed, or is another row's", kind=kind, id=str(box.id))
                continue
            async with database.system() as session:
                moved += await sealed.save_box(session, kind, box, sealer.seal(plain, purpose, box.owner))
        after = boxes[-1].id
