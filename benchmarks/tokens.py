"""Tokens: how many checks of access tokens one worker of the gateway does in a second, beside the same route without.

The route ends in nginx itself, so that nothing but the check differs. Requests travel in bundles over kept connections:
the generator is not what is measured. Figures are of the worker's processor time, the best of a few rounds: what else
runs on the machine blurs them little. `token_check` is of tokens in use, `token_first_sight` of
tokens never seen before.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Final
from unittest.mock import patch

import psutil

from benchmarks.results import Result, result
from gateway.render import SERVICES, render
from gateway.tests import edge as edges
from gateway.tests.edge import Edge

CONNECTIONS: Final = 4
BUNDLE: Final = 25
ROUNDS: Final = 5
CHECKS: Final = 4_000
FIRST_SIGHTS: Final = 1_000
PEOPLE: Final = 400
"""So many that nobody meets the gateway's limit for one user."""
CHECKS_MIN: Final = 2_500

# `$gate` stays closed, so that no limit of addresses counts.
LOCATIONS: Final = """
location = /bench/checked {
    include snippets/jwt.conf;
    try_files /none @bench;
}
location = /bench/open {
    set $gate waiting;
    try_files /none @bench;
}
location @bench {
    return 204;
}
"""
ONE_WORKER: Final = {
    "nginx.conf": {
        "worker_processes auto": "worker_processes 1",
        "keepalive_requests 10000": "keepalive_requests 9999999",
    }
}


@contextmanager
def one_worker() -> Iterator[tuple[Edge, psutil.Process]]:
    """Run the real gateway with one worker and two more routes; yield it and that worker."""

    def with_more_routes(target: Path, **given: object) -> Path:
        config: Path = render(target, **given)  # type: ignore[arg-type]
        (target / "routes" / "bench.conf").write_text(LOCATIONS)
        return config

    nobody = dict.fromkeys(SERVICES, "127.0.0.1:9")
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(edges, "render", with_more_routes),
        edges.running_edge(Path(folder), nobody, changes=ONE_WORKER) as edge,
    ):
        children = psutil.Process(edge.process.pid).children()
        while not (workers := [child for child in children if "worker process" in " ".join(child.cmdline())]):
            time.sleep(0.05)  # it has not named itself yet
        yield edge, workers[0]


async def _ask(edge: Edge, path: str, tokens: list[str], count: int) -> None:
    """Ask `count` times in all, each connection with its part of the tokens."""

    async def ask(mine: list[str]) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", edge.https_port, ssl=edge.context, server_hostname="localhost"
        )
        turn = cycle(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {one}\r\n\r\n" for one in mine)
        for _ in range(count // CONNECTIONS // BUNDLE):
            writer.write("".join(next(turn) for _ in range(BUNDLE)).encode())
            for _ in range(BUNDLE):
                answer = await reader.readuntil(b"\r\n\r\n")
                assert answer.startswith(b"HTTP/1.1 204"), answer.decode()
        writer.close()

    await asyncio.gather(*(ask(tokens[number::CONNECTIONS]) for number in range(CONNECTIONS)))


def _best(edge: Edge, worker: psutil.Process, path: str, tokens: Callable[[], list[str]], count: int) -> float:
    """Answers a second of the worker's processor time, of the best round."""
    rates = []
    for _ in range(ROUNDS):
        given = tokens()
        before = sum(worker.cpu_times()[:2])
        asyncio.run(_ask(edge, path, given, count))
        rates.append(count / (sum(worker.cpu_times()[:2]) - before))
    return float(max(rates))


def measure() -> list[Result]:
    """Measure checks of known and of new tokens, each beside the open route under the same requests."""
    with one_worker() as (edge, worker):
        known = [edge.issuer.token() for _ in range(PEOPLE)]
        bare = _best(edge, worker, "/bench/open", lambda: known, CHECKS * 4)
        checks = _best(edge, worker, "/bench/checked", lambda: known, CHECKS)
        new = _best(
            edge, worker, "/bench/checked", lambda: [edge.issuer.token() for _ in range(FIRST_SIGHTS)], FIRST_SIGHTS
        )
    return [
        result("token_check", checks, "checks/s", bare),
        result("token_first_sight", new, "checks/s", bare),
    ]
