"""The servers of the native stack, started for real: what they promise, and what happens when one is killed."""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from tools import stack as command
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import Ports, is_free
from tools.native.programs import Program
from tools.native.readiness import wait_until_ready
from tools.native.supervisor import Supervisor

RESTART_SECONDS_MAX = 15


# One set of servers for the whole file, so the whole file runs in one process.


def a_free_base() -> int:
    """Ports of our own even when two processes look at the same time."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    candidates = range(10000 + 50 * worker, 17000, 700)
    bases = (base for base in candidates if all(is_free(port) for port, _, _ in Ports(base).servers()))
    return next(bases)


@pytest.fixture(scope="module")
def stack() -> Iterator[Layout]:
    """Servers as `up --only servers` makes them, in a folder whose name has spaces."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)  # the servers' own accounts have to get in
        patch.setenv("EXODUS_STACK_DIR", f"{folder}/with some spaces")
        patch.setenv("EXODUS_PORT_BASE", str(a_free_base()))
        found = Layout.from_environment(os.environ)
        try:
            assert command.main(["up", "--only", "servers"]) == 0
            yield found
        finally:
            assert command.main(["clean"]) == 0
        assert not found.directory.exists()


def secret(stack: Layout, service: str, name: str) -> str:
    return (stack.secrets / service / f"{service}_{name}").read_text().replace("+asyncpg", "")


async def test_an_acknowledged_commit_is_on_disk_and_checked(stack: Layout) -> None:
    connection = await asyncpg.connect(secret(stack, "trading", "database_url"))
    settings = {
        name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "data_checksums")
    }
    await connection.close()
    assert set(settings.values()) == {"on"}


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("role", ["database_url", "system_database_url"])
async def test_a_service_creates_nothing_and_cannot_enter_another_service(stack: Layout, role: str) -> None:
    own = secret(stack, "trading", role)
    connection = await asyncpg.connect(own)
    for forbidden in ("CREATE TABLE public.t ()", "CREATE SCHEMA s", "CREATE ROLE r", "SET ROLE trading_owner"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    assert not await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    await connection.close()
    for other in ("exodus_auth", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(own.replace("exodus_trading", other))


async def test_only_the_owner_migrates(stack: Layout) -> None:
    connection = await asyncpg.connect(secret(stack, "trading", "owner_database_url"))
    await connection.execute("CREATE TABLE t (); DROP TABLE t")
    await connection.close()


@pytest.mark.requirement("R-56")
async def test_redis_refuses_what_only_an_intruder_would_ask(stack: Layout) -> None:
    async with Redis.from_url(secret(stack, "market", "redis_url")) as redis:
        await redis.set("realtime:005930", "{}")
        for forbidden in ("KEYS *", "CONFIG GET *", "EVAL return 0", "FLUSHALL", "SHUTDOWN"):
            with pytest.raises(NoPermissionError):
                await redis.execute_command(*forbidden.split())


async def test_rabbitmq_knows_our_user_and_no_guest(stack: Layout) -> None:
    url = secret(stack, "broker", "amqp_url")
    connection = await aio_pika.connect(url)
    await connection.close()
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
        await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{stack.ports.amqp}/")


def test_everything_listens_on_loopback_only(stack: Layout) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address of ours would be used
        outside = probe.getsockname()[0]
    for port, what, _ in stack.ports.servers():
        with socket.socket() as attempt:
            attempt.settimeout(1)
            assert attempt.connect_ex((outside, port)) != 0, what


def test_a_second_up_changes_nothing(stack: Layout) -> None:
    before = {process["name"]: process["pid"] for process in Supervisor(stack).processes()}
    assert command.main(["up", "--only", "servers"]) == 0
    assert {process["name"]: process["pid"] for process in Supervisor(stack).processes()} == before


@pytest.mark.requirement("R-23")
@pytest.mark.parametrize(("name", "port"), [("postgres", "postgres"), ("redis", "redis"), ("rabbitmq", "amqp")])
def test_a_killed_server_comes_back(stack: Layout, name: str, port: str) -> None:
    pids = {process["name"]: process["pid"] for process in Supervisor(stack).processes()}
    os.kill(pids[name], signal.SIGKILL)
    deadline = time.monotonic() + RESTART_SECONDS_MAX
    while True:
        assert time.monotonic() < deadline
        now = {process["name"]: process["pid"] for process in Supervisor(stack).processes()}
        if now[name] not in {0, pids[name]} and not is_free(getattr(stack.ports, port)):
            break
        time.sleep(0.1)
    assert command.main(["up", "--only", "servers"]) == 0  # returns only when all are ready


def test_secrets_and_data_survive_down(stack: Layout) -> None:
    before = secret(stack, "auth", "database_url")
    assert command.main(["down"]) == 0
    assert all(is_free(port) for port, _, _ in stack.ports.servers())
    assert command.main(["status"]) == 1
    assert command.main(["up", "--only", "servers"]) == 0
    assert secret(stack, "auth", "database_url") == before


def test_nothing_is_left_behind_when_the_supervisor_itself_is_killed(stack: Layout) -> None:
    os.kill(int((stack.directory / "supervisor" / "pid").read_text()), signal.SIGKILL)
    deadline = time.monotonic() + RESTART_SECONDS_MAX
    while not all(is_free(port) for port, _, _ in stack.ports.servers()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert command.main(["up", "--only", "servers"]) == 0


def test_a_process_that_never_gets_ready_is_named_with_its_last_words(tmp_path: Path) -> None:
    stack = Layout(tmp_path, Ports())
    broken = Program(
        name="broken",
        group="servers",
        command=("/bin/sh", "-c", "echo the database is on fire; exit 1"),
        directory=tmp_path,
        why_not_ready=lambda: "nothing listens yet",
    )
    supervisor = Supervisor(stack)
    supervisor.start([broken])
    try:
        with pytest.raises(StackError, match=r"(?s)broken .*nothing listens yet.*the database is on fire"):
            wait_until_ready(stack, supervisor, [broken], seconds=2)
    finally:
        supervisor.stop()
