"""Ending what a test has started."""

import asyncio
from typing import Any

AGAIN_SECONDS = 0.2


async def ended(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel tasks until they have ended, whatever they end with.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, which drivers use, swallows a cancellation that comes in
    the moment its own wait is over.
    """
    for task in tasks:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=AGAIN_SECONDS)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain of it
