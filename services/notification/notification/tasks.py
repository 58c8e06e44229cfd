"""Ending tasks for certain."""

import asyncio
from typing import Any

AGAIN_SECONDS = 0.1


async def stop(*tasks: "asyncio.Task[Any]") -> list[Any]:
    """Cancel tasks until they have ended; return their results or exceptions.

    Once is not enough on Python 3.11: `asyncio.wait_for` swallows a cancellation that comes while what it waits for is
    already done, and both kit's queues and the Redis client wait that way.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN_SECONDS)
    return await asyncio.gather(*tasks, return_exceptions=True)
