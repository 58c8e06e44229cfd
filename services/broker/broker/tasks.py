"""Tasks that start over after a failure, and still end when they are told to."""

import asyncio


def stop_if_cancelled() -> None:
    """Raise CancelledError when the running task was cancelled and something has swallowed that.

    A TaskGroup whose child fails while the group is being cancelled raises the failure alone. Whoever catches it and
    starts over would never end, and whoever waits for that end would wait for ever. The group itself has to run in a
    task of its own: before Python 3.13 a failure leaves the task it runs in marked as cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
