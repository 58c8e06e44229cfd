"""Every process of one service in one container, its libraries loaded once: `python /app/together.py SERVICE`.

For machines with little memory (deploy/small.yml). What was loaded before the processes part ways is one piece of
memory for all until somebody writes to it. When one ends, the others are told to, and the engine starts them anew.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module

import uvicorn.main
import uvloop

COMPUTES = ("backtest",)
"""The services with a process that computes."""
WORKER_NICENESS = 19
"""Who waits for an answer goes first; in containers of their own the engine sees to that."""


def processes_of(service: str) -> Iterator[Callable[[], object]]:
    """What to call in each process; everything it needs is loaded by then."""
    import_module(f"{service}.app")
    worker = import_module(f"{service}.worker")
    yield lambda: uvicorn.main.main([f"{service}.app:create_app", *os.environ["API_OPTIONS"].split()])
    yield lambda: behind(lambda: uvloop.run(worker.main()))
    if service in COMPUTES:
        compute = import_module(f"{service}.compute")
        compute.warm_up()  # compiled once, and there once, instead of in each process
        yield lambda: behind(compute.main)


def behind(work: Callable[[], object]) -> None:
    """Do it when nobody waits for an answer."""
    os.nice(WORKER_NICENESS)
    work()


def started(work: Callable[[], object]) -> int:
    """Begin it in a process of its own, whose id is returned."""
    if child := os.fork():
        return child
    try:
        work()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in here
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def main(service: str) -> int:
    """Run until told to stop, or until one of them ends; only the first is well."""
    works = list(processes_of(service))
    gc.collect()
    gc.freeze()  # the collector writes to what it looks at
    children = {started(work) for work in works}
    asked = threading.Event()

    def stop(*_: object) -> None:
        asked.set()
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    children.discard(os.wait()[0])
    was_asked = asked.is_set()
    if not was_asked:
        stop()
    while children:
        children.discard(os.wait()[0])
    return 0 if was_asked else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
