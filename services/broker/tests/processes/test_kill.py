"""Real processes, killed with -9 at every point of an order: what remains is finished by the next one, once."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from broker.config import Settings
from broker.usecases.recover_attempts import recover_attempts
from kit.clock import now

from services.broker.tests.builders import an_order, submitted
from services.broker.tests.floor import Floor
from services.broker.tests.processes.dying_worker import POINTS, WAYS
from services.broker.tests.usecases.test_submit_order import LONG_AFTER

SCRIPT = Path(__file__).parent / "dying_worker.py"
CHILD_SECONDS_MAX = 90


def environment_of(settings: Settings) -> dict[str, str]:
    """What a child process of the same settings finds in its environment."""
    secrets = ("database_url", "system_database_url", "amqp_url", "redis_url", "vault_key")
    environment = {f"BROKER_{name.upper()}": getattr(settings, name).get_secret_value() for name in secrets}
    environment |= {"BROKER_ENVIRONMENT": "test", "BROKER_HTTP_PORT": "1", "BROKER_WORKER_PORT": "1"}
    return environment | {"BROKER_JWKS_URL": settings.jwks_url, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


async def killed(way: str, point: str, message: str, settings: Settings) -> int:
    """Handle a message in a child process that dies at a point; its exit status."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT), way, point),
        stdin=asyncio.subprocess.PIPE,
        env=os.environ | environment_of(settings),
    )
    await asyncio.wait_for(child.communicate(message.encode()), CHILD_SECONDS_MAX)
    assert child.returncode is not None
    return child.returncode


@pytest.mark.requirement("R-2", "R-12", "R-15", "R-23")
@pytest.mark.parametrize("way", WAYS)
async def test_an_order_survives_kill_9_at_every_point_without_being_lost_or_doubled(
    floor: Floor, settings: Settings, way: str
) -> None:
    await floor.tape.quotes()
    messages = {point: submitted(an_order(floor.tape.symbol, quantity="1")) for point in POINTS}
    deaths = [killed(way, point, message.model_dump_json(), settings) for point, message in messages.items()]
    assert await asyncio.gather(*deaths) == [-signal.SIGKILL] * len(POINTS)
    kept, sent = await floor.count("attempts"), await floor.count("sim_orders")
    if way == "in house":
        assert kept == sent == len(POINTS) - 2, "an intent and what it has done are committed together"
    else:
        assert kept == len(POINTS), "every intent was committed before anything was sent"
    assert sorted(await floor.said()) == ["executed"], "only one of them lived to announce its answer"
    for message in list(messages.values())[::2]:
        await floor.deliver(message)
    await recover_attempts(floor.desk, now() + LONG_AFTER)
    for message in messages.values():
        await floor.deliver(message)
    for message in messages.values():
        mine = [name for name, data in await floor.facts() if data["order_id"] == message.data["order_id"]]
        assert mine == ["executed"]
    tables = ("attempts", "sim_orders", "sim_executions", "broker_executions", "inbox")
    assert [await floor.count(table) for table in tables] == [len(POINTS)] * len(tables)
