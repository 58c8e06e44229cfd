"""Every process of one service in one container, its libraries loaded once: `python /app/together.py SERVICE`.

For machines with little memory (deploy/small.yml). What was loaded before the processes part ways is one piece of
memory for all until somebody writes to it. Who loaded it becomes a small program that waits for them: it would keep
the old side of every page that they write to. When one ends, the others are told to, and the engine starts them anew.
"""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module

COMPUTES = ("backtest",)
"""The services with a process that computes."""
WORKER_NICENESS = 19
"""Who waits for an answer goes first; in containers of their own the engine sees to that."""
WATCHED = frozenset({signal.SIGTERM, signal.SIGCHLD})
"""What the one who waits is told of; kept back from before the first process until it listens."""
WAIT = "--wait"


def processes_of(service: str) -> Iterator[Callable[[], object]]:
    """What to call in each process; everything it needs is loaded by then."""
    serve, loop = import_module("uvicorn.main"), import_module("uvloop")
    import_module(f"{service}.app")
    worker = import_module(f"{service}.worker")
    yield lambda: serve.main([f"{service}.app:create_app", *os.environ["API_OPTIONS"].split()])
    yield lambda: behind(lambda: loop.run(worker.main()))
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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    try:
        work()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in here
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def main(service: str) -> None:
    """Begin every process of a service, and become the one who waits for them."""
    works = list(processes_of(service))
    gc.collect()
    gc.freeze()  # the collector writes to what it looks at
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    children = [str(started(work)) for work in works]
    # without site-packages and what the environment says: it needs nothing but this file
    os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, WAIT, *children])  # noqa: S606 - there is no shell to it


def wait(children: Iterable[int]) -> int:
    """Wait until told to stop, or until one of them ends; only the first is well."""
    while (told := signal.sigwait(WATCHED)) == signal.SIGCHLD and not _one_has_ended():
        pass  # it was stopped, or goes on
    running = set(children)
    for child in running:
        os.kill(child, signal.SIGTERM)
    while running:
        running.discard(os.wait()[0])
    return 0 if told == signal.SIGTERM else 1


def _one_has_ended() -> bool:
    return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


if __name__ == "__main__":
    if sys.argv[1] == WAIT:
        sys.exit(wait(int(child) for child in sys.argv[2:]))
    main(sys.argv[1])
