"""The servers of the native stack, started for real: what they promise, and what happens when one is killed."""

import asyncio
import itertools
import os
import signal
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelAccessRefused
from kit import amqp
from market.store.quotes import PUBLISHED
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from tools import stack as command
from tools.native import credentials, rabbitmq
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import SERVICES, Ports, is_free
from tools.native.programs import Program
from tools.native.readiness import wait_until_ready
from tools.native.supervisor import Supervisor

RESTART_SECONDS_MAX = 60
EVENTS_READ_MIN = 40
OTHERS_TRIED = 5
FORBIDDEN_IN_POSTGRES = (
    *("CREATE TABLE public.t ()", "CREATE SCHEMA s", "CREATE ROLE r", "CREATE DATABASE d", "CREATE EXTENSION file_fdw"),
    *("SET ROLE postgres", "ALTER SYSTEM SET fsync = off", "COPY (SELECT 1) TO PROGRAM 'true'"),
    *("SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')", "SELECT lo_import('/etc/passwd')"),
    *("SELECT rolpassword FROM pg_authid", "SELECT pg_reload_conf()"),
)
"""Beside the roles of its own owner and the databases of the others."""
FORBIDDEN_IN_REDIS = (
    *("KEYS *", "CONFIG GET *", "EVAL return 0", "SCRIPT FLUSH", "FUNCTION LIST", "FLUSHALL"),
    *("SHUTDOWN", "ACL LIST", "MONITOR", "CLIENT LIST", "SAVE", "REPLICAOF NO ONE"),
    *("SET realtime:005930 {}", "DEL realtime:005930", "PUBLISH market:005930 {}"),
    *("PUBLISH account:1 {}", "PUBLISH alerts:005930 {}", "SET broker:turns:1 0", "GET broker:turns:1", "SET other 1"),
    *("PUBLISH feed.wanted {}", "PUBLISH feed.told {}"),
)
HEARD_IN_REDIS = {
    "trading": ("market:*",),
    "market": (*(f"{prefix}:*" for prefix in PUBLISHED.values()), "feed.*"),
    "broker": ("market:*", "feed.wanted"),
    "notification": ("account:*", "market:*", "alerts:*"),
}
ALLOWED_IN_REDIS = {
    *(("market", f"{command} realtime:005930{rest}") for command, rest in (("SET", " {}"), ("DEL", ""))),
    *(("market", f"PUBLISH {channel} {{}}") for channel in ("market:005930", "feed.wanted", "feed.told")),
    ("broker", "PUBLISH feed.told {}"),
    *(("notification", f"PUBLISH {channel} {{}}") for channel in ("account:1", "alerts:005930", "feed.wanted")),
    ("trading", "PUBLISH feed.wanted {}"),
    *(("broker", command) for command in ("SET broker:turns:1 0", "GET broker:turns:1")),
}
"""Everything else is somebody else's, or nobody's."""


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


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what a server does in its own time."""
    deadline = time.monotonic() + RESTART_SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def test_an_acknowledged_commit_is_on_disk_and_checked(stack: Layout) -> None:
    connection = await asyncpg.connect(secret(stack, "trading", "database_url"))
    settings = {
        name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "data_checksums")
    }
    await connection.close()
    assert set(settings.values()) == {"on"}


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("role", ["database_url", "system_database_url"])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_creates_nothing_and_cannot_enter_another_service(
    stack: Layout, service: str, role: str
) -> None:
    own = secret(stack, service, role)
    connection = await asyncpg.connect(own)
    for forbidden in (*FORBIDDEN_IN_POSTGRES, f"SET ROLE {service}_owner"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    assert not await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    await connection.close()
    others = (f"exodus_{other}" for other in SERVICES if other != service)
    for other in (*others, "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(own.replace(f"exodus_{service}", other))


@pytest.mark.requirement("R-56")
async def test_who_watches_the_servers_sees_how_they_fare_and_nothing_that_is_in_them(stack: Layout) -> None:
    passwords = credentials.open_passwords(stack)
    server = f"postgresql://monitor:{passwords.of('postgres:monitor')}@127.0.0.1:{stack.ports.postgres}"
    connection = await asyncpg.connect(f"{server}/postgres")
    assert await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query IS NOT NULL")
    for forbidden in FORBIDDEN_IN_POSTGRES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()
    for service in SERVICES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(f"{server}/exodus_{service}")
    url = f"redis://monitor:{passwords.of('redis:monitor')}@127.0.0.1:{stack.ports.redis}/0"
    async with Redis.from_url(url) as redis:
        assert (await redis.info("memory"))["maxmemory"]
        for forbidden in (*FORBIDDEN_IN_REDIS, "GET realtime:005930", "SUBSCRIBE market:005930"):
            with pytest.raises((NoPermissionError, ResponseError)):
                await redis.execute_command(*forbidden.split())


async def test_only_the_owner_migrates(stack: Layout) -> None:
    connection = await asyncpg.connect(secret(stack, "trading", "owner_database_url"))
    await connection.execute("CREATE TABLE t (); DROP TABLE t")
    await connection.close()


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("service", SERVICES)
async def test_redis_refuses_what_only_an_intruder_would_ask(stack: Layout, service: str) -> None:
    async with Redis.from_url(secret(stack, service, "redis_url")) as redis:
        await redis.ping()
        with pytest.raises(ResponseError, match="DEBUG command not allowed"):
            await redis.execute_command("DEBUG", "SLEEP", "0")
        for forbidden in FORBIDDEN_IN_REDIS:
            if (service, forbidden) in ALLOWED_IN_REDIS:
                await redis.execute_command(*forbidden.split())
                continue
            with pytest.raises(NoPermissionError):
                await redis.execute_command(*forbidden.split())


@pytest.mark.requirement("R-56")
async def test_each_service_hears_and_tells_in_redis_what_it_is_there_for(stack: Layout) -> None:
    for service, channels in HEARD_IN_REDIS.items():
        async with Redis.from_url(secret(stack, service, "redis_url")) as redis, redis.pubsub() as heard:
            await heard.psubscribe(*channels)
            for channel in channels:
                answer = await heard.get_message(timeout=30)
                assert answer is not None
                assert (answer["type"], answer["channel"]) == ("psubscribe", channel.encode())
            assert (await redis.mget(["realtime:005930"])) == [None]
    async with Redis.from_url(secret(stack, "broker", "redis_url")) as redis, redis.pipeline() as pipe:
        await pipe.watch("broker:turns:1")
        assert await pipe.time()
        pipe.multi()
        pipe.set("broker:turns:1", 1, px=1000)
        assert await pipe.execute() == [True]
    async with Redis.from_url(secret(stack, "notification", "redis_url")) as redis, redis.pubsub() as heard:
        await heard.psubscribe("*")
        with pytest.raises(NoPermissionError):
            await heard.get_message(timeout=1)


@pytest.mark.requirement("R-56")
async def test_rabbitmq_knows_our_users_and_no_guest(stack: Layout) -> None:
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
        await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{stack.ports.amqp}/")
    broker, trading = (urlsplit(secret(stack, service, "amqp_url")) for service in ("broker", "trading"))
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
        await aio_pika.connect(broker._replace(netloc=broker.netloc.replace("broker:", "trading:")).geturl())
    assert broker.password != trading.password


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_announces_in_its_own_name_and_hears_in_its_own_queue(stack: Layout, service: str) -> None:
    connection = await amqp.connect(secret(stack, service, "amqp_url"), "test")
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await amqp.open_queue(connection, service, [f"{service}.thing.done.v1"])
        exchange = await channel.get_exchange(amqp.EXCHANGE)
        await exchange.publish(aio_pika.Message(b"{}"), f"{service}.thing.done.v1")
        await (await next_of(queue)).reject(requeue=False)
        await (await next_of(await channel.get_queue(f"{service}.dead"))).ack()


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_hears_what_the_catalogue_says_it_reads_and_nothing_else(stack: Layout, service: str) -> None:
    everything = {kind for each in SERVICES for kind in rabbitmq.read_by(each)}
    assert len(everything) >= EVENTS_READ_MIN, "the catalogue is read"
    may = set(rabbitmq.read_by(service))
    connection = await amqp.connect(secret(stack, service, "amqp_url"), "test")
    async with connection:
        queue = await amqp.open_queue(connection, service, sorted(may))
        others = {kind for kind in everything - may if not kind.startswith(f"{service}.")}
        for pattern in ("#", "*.*.*.*", "auth.#" if service != "auth" else "trading.#", *sorted(others)[:OTHERS_TRIED]):
            refused = await (await connection.channel()).get_queue(queue.name, ensure=False)
            with pytest.raises(ChannelAccessRefused):
                await refused.bind(amqp.EXCHANGE, pattern)


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_binds_its_dead_letters_to_its_own_name_and_to_nothing_else(
    stack: Layout, service: str
) -> None:
    connection = await amqp.connect(secret(stack, service, "amqp_url"), "test")
    async with connection:
        await amqp.open_queue(connection, service, [])
        own = (f"{service}.dead", f"{service}.events")
        others = ("#", "*", f"{service}.#", f"#.{service}", *(other for other in SERVICES if other != service))
        for name, pattern in itertools.product(own, others):
            queue = await (await connection.channel()).get_queue(name, ensure=False)
            with pytest.raises(ChannelAccessRefused):
                await queue.bind(amqp.DEAD_EXCHANGE, pattern)


@pytest.mark.requirement("R-56")
async def test_dead_letters_of_an_older_installation_are_kept_apart_from_the_next_start_on(stack: Layout) -> None:
    passwords = credentials.open_passwords(stack)
    operator = await amqp.connect(credentials.amqp_url(passwords, f"127.0.0.1:{stack.ports.amqp}"), "test")
    trading = await amqp.connect(secret(stack, "trading", "amqp_url"), "test")
    async with operator, trading:
        await amqp.open_queue(trading, "trading", [])
        channel = await operator.channel()
        await channel.exchange_delete(amqp.DEAD_EXCHANGE)
        await channel.declare_exchange(amqp.DEAD_EXCHANGE, "direct", durable=True)
        await asyncio.to_thread(rabbitmq.renew_dead_letters, stack, passwords)
        queue = await amqp.open_queue(trading, "trading", ["trading.thing.done.v1"])
        with pytest.raises(ChannelAccessRefused):
            await (await (await trading.channel()).get_queue("trading.dead")).bind(amqp.DEAD_EXCHANGE, "auth")
        exchange = await channel.get_exchange(amqp.EXCHANGE)
        await exchange.publish(aio_pika.Message(b"{}"), "trading.thing.done.v1")
        await (await next_of(queue)).reject(requeue=False)
        await (await next_of(await channel.get_queue("trading.dead"))).ack()


async def next_of(queue: AbstractQueue) -> AbstractIncomingMessage:
    """A queue's next message: one that one process reads at a time can only be listened to."""
    async with asyncio.timeout(30), queue.iterator() as letters:
        return await anext(aiter(letters))


Act = Callable[[AbstractChannel], Awaitable[object]]
FORBIDDEN_IN_RABBITMQ: dict[str, Act] = {
    "tell in another's name": lambda channel: publish(channel, amqp.EXCHANGE, "auth.user.erased.v1"),
    "put into another's queue": lambda channel: publish(channel, "", "auth.events"),
    "hear another's queue": lambda channel: consume(channel, "auth.events"),
    "read another's dead letters": lambda channel: consume(channel, "auth.dead"),
    "set aside as another's dead letter": lambda channel: publish(channel, amqp.DEAD_EXCHANGE, "auth"),
    "make a queue": lambda channel: channel.declare_queue("mine"),
    "make a queue with no name": lambda channel: channel.declare_queue(exclusive=True),
    "make an exchange": lambda channel: channel.declare_exchange("mine"),
    "remove the exchange of all events": lambda channel: channel.exchange_delete(amqp.EXCHANGE),
    "remove the exchange of dead letters": lambda channel: channel.exchange_delete(amqp.DEAD_EXCHANGE),
    "remove another's queue": lambda channel: channel.queue_delete("auth.events"),
}


async def publish(channel: AbstractChannel, exchange: str, key: str) -> None:
    target = channel.default_exchange if exchange == "" else await channel.get_exchange(exchange)
    await target.publish(aio_pika.Message(b"{}"), key)


async def consume(channel: AbstractChannel, name: str) -> None:
    queue = await channel.get_queue(name, ensure=False)
    await queue.consume(ignore)


async def ignore(_message: object) -> None:
    """Hear a message."""


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("act", FORBIDDEN_IN_RABBITMQ)
@pytest.mark.parametrize("service", [service for service in SERVICES if service != "auth"])
async def test_rabbitmq_refuses_what_is_another_services_or_everybodys(stack: Layout, service: str, act: str) -> None:
    owner = await amqp.connect(secret(stack, "auth", "amqp_url"), "test")
    async with owner:
        await amqp.open_queue(owner, "auth", [])
    connection = await amqp.connect(secret(stack, service, "amqp_url"), "test")
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        with pytest.raises(ChannelAccessRefused):
            await FORBIDDEN_IN_RABBITMQ[act](channel)


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

    def is_back() -> bool:
        now = {process["name"]: process["pid"] for process in Supervisor(stack).processes()}
        return now[name] not in {0, pids[name]} and not is_free(getattr(stack.ports, port))

    until(is_back)
    assert command.main(["up", "--only", "servers"]) == 0  # returns only when all are ready


def test_secrets_and_data_survive_down(stack: Layout) -> None:
    before = secret(stack, "auth", "database_url")
    assert command.main(["down"]) == 0
    assert all(is_free(port) for port, _, _ in stack.ports.servers())
    assert command.main(["status"]) == 1
    assert command.main(["up", "--only", "servers"]) == 0
    assert secret(stack, "auth", "database_url") == before


def test_a_name_service_that_the_node_has_begun_by_itself_ends_with_the_stack(stack: Layout) -> None:
    supervisor = Supervisor(stack)
    for name in ("rabbitmq", "epmd"):
        supervisor.stop_one("servers", name)
    supervisor.start_one("servers", "rabbitmq")
    until(lambda: not is_free(stack.ports.erlang_names) and not is_free(stack.ports.amqp))
    assert command.main(["down"]) == 0
    assert is_free(stack.ports.erlang_names)
    assert command.main(["up", "--only", "servers"]) == 0


def test_nothing_is_left_behind_when_the_supervisor_itself_is_killed(stack: Layout) -> None:
    os.kill(int((stack.directory / "supervisor" / "pid").read_text()), signal.SIGKILL)
    until(lambda: all(is_free(port) for port, _, _ in stack.ports.servers()))
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
