"""Cut, slow and silent connections and a full bus while orders flow: nothing is lost, nothing doubled.

Four cases run with the other tests, all of them by `make chaos`.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest
from kit.testing.edges import Edge, Fault

from tests.integration.order_stream import Stream, account_for
from tests.integration.platform_under_test import Platform
from tools.native import credentials, packages, rabbitmq
from tools.native.credentials import Addresses
from tools.native.probes import why_not_ready
from tools.people import Trader

FAULT_SECONDS = 4
READY_SECONDS_MAX = 90
REWIRED = ("trading", "broker")
"""The services that an order passes through."""
EDGES = ("postgres", "rabbitmq", "redis", "gateway")
SOME = (("postgres", Fault.CUT), ("rabbitmq", Fault.SWALLOW), ("gateway", Fault.BITE))
ALL = tuple((edge, fault) for edge in EDGES for fault in Fault)
CASES = ALL if os.environ.get("EXODUS_CHAOS") == "all" else SOME
FULL = {
    "memory": (
        ("set_vm_memory_high_watermark", "absolute", "1"),
        ("set_vm_memory_high_watermark", "absolute", "512MB"),
    ),
    "disk": (("set_disk_free_limit", "1000000GB"), ("set_disk_free_limit", "256MB")),
}
"""How a bus is told that it has no room left, and that it has some again."""
KINDS_OF_FULL = FULL if os.environ.get("EXODUS_CHAOS") == "all" else ("memory",)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def edges(platform: Platform) -> Iterator[dict[str, Edge]]:
    """A proxy on every edge that an order crosses; in the end all is wired as before."""
    ports, base = platform.layout.ports, platform.layout.ports.base + 480
    targets = (ports.postgres, ports.amqp, ports.redis, ports.api("trading"))
    made = {name: Edge(base + number, target) for number, (name, target) in enumerate(zip(EDGES, targets, strict=True))}
    _rewire(platform, Addresses(*(f"127.0.0.1:{base + number}" for number in (0, 2, 1))), base + 3)
    yield made
    _rewire(platform, Addresses.native(platform.layout), ports.api("trading"))
    for edge in made.values():
        edge.close()


def _rewire(platform: Platform, addresses: Addresses, trading_api: int) -> None:
    """Give the services of an order other addresses, start them anew, and have the gateway read its own again."""
    layout = platform.layout
    passwords = credentials.open_passwords(layout)
    for service in REWIRED:
        for name, text in credentials.files_of(service, passwords, addresses).items():
            credentials.write_private(layout.secrets / service / name, text)
        for kind in ("api", "worker"):
            platform.kill(f"{service}-{kind}")
    upstreams = layout.gateway / "nginx" / "upstreams.conf"
    lines = upstreams.read_text().splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith("upstream trading "))
    address = f"server 127.0.0.1:{trading_api}"
    lines[start + 1] = f"{lines[start + 1].partition('server ')[0]}{address};\n"
    upstreams.write_text("".join(lines))
    os.kill(int((layout.gateway / "nginx" / "nginx.pid").read_text()), signal.SIGHUP)
    deadline = time.monotonic() + READY_SECONDS_MAX
    for port in (port for service in REWIRED for port in (layout.ports.api(service), layout.ports.worker(service))):
        while reason := why_not_ready(port, "/health/ready"):
            assert time.monotonic() < deadline, reason
            time.sleep(0.1)


@pytest.mark.requirement("R-24")
@pytest.mark.parametrize(("edge", "fault"), CASES)
async def test_a_broken_edge_loses_and_doubles_nothing(
    platform: Platform, trader: Trader, edges: dict[str, Edge], edge: str, fault: Fault
) -> None:
    stream = Stream(trader)
    trading = asyncio.create_task(stream.run())
    await stream.until_answered(4, trading)
    edges[edge].inflict(fault)
    try:
        await asyncio.sleep(FAULT_SECONDS)  # what is tested is that time passes like this
    finally:
        edges[edge].heal()
    began = time.monotonic()
    await stream.until_answered(4, trading)
    print(f"{edge} {fault}: orders are answered again {time.monotonic() - began:.1f} s after")  # noqa: T201
    stream.going = False
    await trading
    assert not stream.hung, "a request without an answer: somewhere a call has no deadline"
    await account_for(platform, stream)


@pytest.mark.requirement("R-13", "R-17")
@pytest.mark.parametrize("of", KINDS_OF_FULL)
async def test_a_bus_that_takes_nothing_more_holds_no_order_up_and_loses_none(
    platform: Platform, trader: Trader, of: str
) -> None:
    full, has_room = FULL[of]
    binaries = packages.ensure()
    stream = Stream(trader)
    trading = asyncio.create_task(stream.run())
    await stream.until_answered(4, trading)
    await asyncio.to_thread(rabbitmq.control, platform.layout, binaries, *full)
    try:
        await stream.until_answered(8, trading)
        unsent = await platform.rows("trading", "SELECT count(*) AS count FROM events WHERE published_at IS NULL")
    finally:
        await asyncio.to_thread(rabbitmq.control, platform.layout, binaries, *has_room)
    stream.going = False
    await trading
    assert (stream.refusals, stream.hung) == (0, []), "whoever places an order does not wait for the bus"
    assert unsent[0]["count"], "the bus was not full"
    await account_for(platform, stream)
