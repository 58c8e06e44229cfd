"""Cut a run into chunks and hand out a ticket for each: whoever takes a ticket computes the chunk whose turn it is.

The bars are kept beside the chunks, so that all are computed on the same ones and market is asked once. Doing this
again, after dying in between, cuts nothing anew; a ticket too many finds nothing to do.
"""

import asyncio
from uuid import UUID

from backtest.domain.ground import Ground, material_of, pieces_of
from backtest.domain.run import Run
from backtest.store import chunks, runs
from backtest.workshop import Workshop


async def divide_run(workshop: Workshop, owner: UUID, run: Run, ground: Ground) -> None:
    search = run.task.search
    material = await asyncio.get_running_loop().run_in_executor(workshop.pool, material_of, ground)
    async with workshop.database.owned(owner) as session:
        locked = await runs.lock(session, owner, run.id)
        if locked is None or locked.is_finished:
            return
        if await chunks.find_material(session, owner, run.id) is None:
            pieces = pieces_of(run.task, ground)
            # a study that learns goes on from what it knows: its next chunk is made when the one before is done
            first = pieces[:1] if search.method == "tpe" else pieces
            await chunks.save_all(session, owner, run.id, first, material)
        await runs.save_progress(session, owner, run.id, await chunks.find_done(session, owner, run.id))
        tickets = await chunks.find_unclaimed(session, owner, run.id)
    await workshop.hand_out(tickets)
