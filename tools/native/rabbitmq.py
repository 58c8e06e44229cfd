"""RabbitMQ: a private node with its own name service, users and virtual host; nothing of the machine's own node."""

import asyncio
import base64
import hashlib
import json
import re
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import aio_pika
import aiormq.exceptions

from tools.native import accounts, credentials
from tools.native.credentials import AMQP_USER, AMQP_VHOST, Passwords
from tools.native.layout import LOOPBACK, ROOT, Layout, monitoring_is_wanted
from tools.native.packages import Binaries
from tools.native.ports import SERVICES, is_free
from tools.native.programs import Program

ANSWER_SECONDS_MAX = 5
# A message passes a dozen of its processes: with one scheduler none has to be woken on another core. One carries more
# messages than one machine makes.
ONE_SCHEDULER = "+S 1:1"
POLL_SECONDS = 0.1
END_NAMES, STILL_KNOWS_A_NODE = b"\x00\x01k", b"NO"
"""What epmd ends at (one letter, after how many follow), and what it says instead, also just after its node ended."""
MEMORY_MAX = "512MB"
DISK_FREE_MIN = "256MB"
# As kit.amqp names them; not imported, because the stack starts without the services' code on its path.
EXCHANGE = "exodus.events"
DEAD_EXCHANGE = "exodus.dead"
KIND = "topic"

CATALOGUE = ROOT / "contracts" / "CATALOG.md"
READ_BY = re.compile(r"^\| \[`(?P<type>[a-z0-9_.]+)`\]\S* \| \w+ \| (?P<readers>[\w, ]+) \|$", re.MULTILINE)
"""A line of the catalogue, which is generated from what each service subscribes to."""

CELERYS = "|celery_delayed_[a-z0-9]+"
"""What Celery makes for tasks that are to wait, as soon as a queue is a quorum queue; it cannot be told not to."""


def prepare(layout: Layout, binaries: Binaries, passwords: Passwords) -> tuple[Program, Program]:
    """Writes the settings and says how to run the name service and the node."""
    home = accounts.home_for("rabbitmq", layout.state_of("rabbitmq"))
    url = credentials.amqp_url(passwords, f"127.0.0.1:{layout.ports.amqp}")
    _write_files(layout, home, passwords)
    environment = _environment(layout, home)
    names = Program(
        name="epmd",
        group="servers",
        command=(str(binaries.epmd), "-address", "127.0.0.1", "-port", str(layout.ports.erlang_names)),
        directory=home,
        why_not_ready=lambda: None,  # the node is not ready without it
        environment=environment,
        account=accounts.account_for("rabbitmq"),
    )
    node = Program(
        name="rabbitmq",
        group="servers",
        command=(str(binaries.rabbitmq),),
        directory=home,
        why_not_ready=lambda: asyncio.run(_why_not_ready(layout.ports.amqp, url)),
        environment=environment,
        depends_on=(home / "rabbitmq.conf", home / "definitions.json", home / "enabled_plugins"),
        account=accounts.account_for("rabbitmq"),
        stop_seconds=60,
    )
    return names, node


def _write_files(layout: Layout, home: Path, passwords: Passwords) -> None:
    accounts.write_private(home / "definitions.json", definitions(passwords), "rabbitmq")
    plugins = "rabbitmq_prometheus" if monitoring_is_wanted() and not layout.disposable else ""
    accounts.write_private(home / "enabled_plugins", f"[{plugins}].\n", "rabbitmq")
    accounts.write_private(home / ".erlang.cookie", passwords.of("erlang"), "rabbitmq")
    text = settings(f"127.0.0.1:{layout.ports.amqp}", str(home / "definitions.json"))
    if plugins:
        port = layout.ports.exporter("rabbitmq")
        text += f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {port}\n"
    accounts.write_private(home / "rabbitmq.conf", text, "rabbitmq")


def _environment(layout: Layout, home: Path) -> dict[str, str]:
    """Every path the node would otherwise look for in /etc and /var."""
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(layout.ports.erlang_names),
        "RABBITMQ_NODENAME": "exodus@localhost",
        "RABBITMQ_DIST_PORT": str(layout.ports.erlang_distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{ONE_SCHEDULER} -kernel inet_dist_use_interface {{127,0,0,1}}",
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
        "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "pid"),
        # Makes the start script become the node instead of watching over it: a supervisor does that here.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def end_stray_names(layout: Layout) -> None:
    """End a name service that the node has begun by itself, as it does where ours is not there: it outlives both."""
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while _ask_names_to_end(layout.ports.erlang_names) == STILL_KNOWS_A_NODE and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _ask_names_to_end(port: int) -> bytes:
    """Return what it says, after it has closed the line: by then it has ended, or will not; nothing without one."""
    said = b""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), ANSWER_SECONDS_MAX) as line:
        line.sendall(END_NAMES)
        while more := line.recv(16):
            said += more
    return said


def control(layout: Layout, binaries: Binaries, *command: str) -> str:
    """Tell the running node something by rabbitmqctl; return what it says.

    Raises:
        subprocess.CalledProcessError: when the node refuses, with its words in `stderr`.
    """
    environment = _environment(layout, layout.state_of("rabbitmq")) | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    program = binaries.rabbitmq.with_name("rabbitmqctl")
    return subprocess.run(
        (str(program), "--quiet", *command), env=environment, check=True, capture_output=True, text=True
    ).stdout


def settings(listen: str, definitions_file: str) -> str:
    """The configuration file, natively and in containers."""
    return (
        f"listeners.tcp.default = {listen}\n"
        f"load_definitions = {definitions_file}\n"
        f"vm_memory_high_watermark.absolute = {MEMORY_MAX}\n"
        f"disk_free_limit.absolute = {DISK_FREE_MIN}\n"
        "log.console.level = info\n"
    )


def definitions(passwords: Passwords) -> str:
    """The users and what each may do, imported at every start; the default guest user is then never made.

    The operator may do everything. A service makes queues and exchanges under its own name, announces what begins with
    it, and binds its queue to that and to what the catalogue says it reads; the exchanges that all share are made here,
    so that no service can remove them.
    """
    return json.dumps(
        {
            "users": [_user(AMQP_USER, passwords.of("rabbitmq"))]
            + [_user(service, passwords.of(f"rabbitmq:{service}")) for service in SERVICES],
            "vhosts": [{"name": AMQP_VHOST}],
            "permissions": [
                {"user": AMQP_USER, "vhost": AMQP_VHOST, "configure": ".*", "write": ".*", "read": ".*"},
                *(_permissions(service) for service in SERVICES),
            ],
            "topic_permissions": [each for service in SERVICES for each in (_topics(service), _dead_letters(service))],
            "exchanges": [_exchange(EXCHANGE), _exchange(DEAD_EXCHANGE)],
        },
        indent=1,
    )


def read_by(service: str) -> list[str]:
    """The types of events that a service reads, as the catalogue has it."""
    lines = READ_BY.finditer(CATALOGUE.read_text())
    return [line["type"] for line in lines if service in line["readers"].split(", ")]


def _user(name: str, password: str) -> dict[str, str]:
    """A user. The salt follows from the password, 256 random bits: so the file changes only when a password does."""
    return {
        "name": name,
        "password_hash": password_hash(password, hashlib.sha256(f"{name}:{password}".encode()).digest()[:4]),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }


def _permissions(service: str) -> dict[str, str]:
    own = rf"{service}\.[a-z]+{CELERYS if service == 'backtest' else ''}"
    exchanges = "|".join(re.escape(name) for name in (EXCHANGE, DEAD_EXCHANGE))
    used = f"^({own}|{exchanges})$"
    return {"user": service, "vhost": AMQP_VHOST, "configure": f"^({own})$", "write": used, "read": used}


def _topics(service: str) -> dict[str, str]:
    """What a service may announce, and what its queue may be bound to: a pattern is compared as it is written."""
    own = rf"{service}\..*"
    heard = "|".join([own, *map(re.escape, read_by(service))])
    return {"user": service, "vhost": AMQP_VHOST, "exchange": EXCHANGE, "write": f"^{own}$", "read": f"^({heard})$"}


def _dead_letters(service: str) -> dict[str, str]:
    """A service sets aside, and finds again, under its own name alone."""
    own = f"^{service}$"
    return {"user": service, "vhost": AMQP_VHOST, "exchange": DEAD_EXCHANGE, "write": own, "read": own}


def _exchange(name: str) -> dict[str, object]:
    """An exchange; RabbitMQ looks at keys, and so at whose letters they are, where it is a topic exchange only."""
    kept = {"durable": True, "auto_delete": False, "internal": False, "arguments": {}}
    return {"name": name, "vhost": AMQP_VHOST, "type": KIND, **kept}


def password_hash(password: str, salt: bytes) -> str:
    """As RabbitMQ stores it: base64 of the salt and the SHA-256 of salt and password."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def renew_dead_letters(layout: Layout, passwords: Passwords) -> None:
    """Make the exchange of dead letters what the definitions say: they change none that is there already.

    Until now it was a direct one, which keeps nobody's letters from anybody. Queues and letters stay as they are.
    """
    asyncio.run(_renew_dead_letters(credentials.amqp_url(passwords, f"127.0.0.1:{layout.ports.amqp}")))


async def _renew_dead_letters(url: str) -> None:
    async with await aio_pika.connect(url, timeout=ANSWER_SECONDS_MAX) as connection:
        try:
            await (await connection.channel()).declare_exchange(DEAD_EXCHANGE, KIND, durable=True)
        except aiormq.exceptions.ChannelPreconditionFailed:
            channel = await connection.channel()
            await channel.exchange_delete(DEAD_EXCHANGE)
            await channel.declare_exchange(DEAD_EXCHANGE, KIND, durable=True)
            for service in SERVICES:
                with suppress(aiormq.exceptions.ChannelNotFoundEntity):  # it has not been started yet
                    queue = await (await connection.channel()).get_queue(f"{service}.dead")
                    await queue.bind(DEAD_EXCHANGE, service)


async def _why_not_ready(port: int, url: str) -> str | None:
    if is_free(port):  # asked first because the client logs every refused connection
        return "nothing listens yet"
    try:
        connection = await aio_pika.connect(url, timeout=ANSWER_SECONDS_MAX)
    except (OSError, TimeoutError, aiormq.exceptions.AMQPError) as error:
        return f"{type(error).__name__}: {error}"
    await connection.close()
    return None
