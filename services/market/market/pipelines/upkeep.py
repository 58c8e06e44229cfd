"""Take away what is too old."""

from datetime import date
from typing import Any

from kit.db import Database, Session

from market.domain.pipeline import MINUTES_KEPT, RUNS_KEPT
from market.store import minutes, pipelines


async def clean_up(database: Database, day: date) -> dict[str, Any]:
    """Take away minutes and runs that nobody keeps any more."""

    async def gone(session: Session) -> tuple[int, int]:
        return (
            await minutes.delete_before(session, day - MINUTES_KEPT),
            await pipelines.delete_before(session, day - RUNS_KEPT),
        )

    async with database.system() as session:
        old_minutes, old_runs = await gone(session)
    return {"minutes_deleted": old_minutes, "runs_deleted": old_runs}
