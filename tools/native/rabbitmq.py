"""RabbitMQ: a private node with its own name service, user and virtual host; nothing of the machine's own node."""

import asyncio
import base64
import hashlib
import json
import secrets
from pathlib import Path

import aio_pika
import aiormq.exceptions

from tools.native import accounts, credentials
from tools.native.credentials import AMQP_USER, AMQP_VHOST, Passwords
from tools.native.layout import Layout
from tools.native.packages import Binaries
from tools.native.ports import is_free
from tools.native.programs import Program

ANSWER_SECONDS_MAX = 5
MEMORY_MAX = "512MB"
DISK_FREE_MIN = "256MB"


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
        depends_on=(home / "rabbitmq.conf",),
        account=accounts.account_for("rabbitmq"),
        stop_seconds=60,
    )
    return names, node


def _write_files(layout: Layout, home: Path, passwords: Passwords) -> None:
    accounts.write_private(home / "definitions.json", definitions(passwords.of("rabbitmq")), "rabbitmq")
    accounts.write_private(home / "enabled_plugins", "[].\n", "rabbitmq")
    accounts.write_private(home / ".erlang.cookie", passwords.of("erlang"), "rabbitmq")
    text = settings(f"127.0.0.1:{layout.ports.amqp}", str(home / "definitions.json"))
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
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
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


def settings(listen: str, definitions_file: str) -> str:
    """The configuration file, natively and in containers."""
    return (
        f"listeners.tcp.default = {listen}\n"
        f"load_definitions = {definitions_file}\n"
        f"vm_memory_high_watermark.absolute = {MEMORY_MAX}\n"
        f"disk_free_limit.absolute = {DISK_FREE_MIN}\n"
        "log.console.level = info\n"
    )


def definitions(password: str) -> str:
    """One user and one virtual host, imported at every start; the default guest user is then never made."""
    return json.dumps(
        {
            "users": [
                {
                    "name": AMQP_USER,
                    "password_hash": password_hash(password, secrets.token_bytes(4)),
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": "",
                }
            ],
            "vhosts": [{"name": AMQP_VHOST}],
            "permissions": [
                {"user": AMQP_USER, "vhost": AMQP_VHOST, "configure": ".*", "write": ".*", "read": ".*"},
            ],
        },
        indent=1,
    )


def password_hash(password: str, salt: bytes) -> str:
    """As RabbitMQ stores it: base64 of the salt and the SHA-256 of salt and password."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


async def _why_not_ready(port: int, url: str) -> str | None:
    if is_free(port):  # asked first because the client logs every refused connection
        return "nothing listens yet"
    try:
        connection = await aio_pika.connect(url, timeout=ANSWER_SECONDS_MAX)
    except (OSError, TimeoutError, aiormq.exceptions.AMQPError) as error:
        return f"{type(error).__name__}: {error}"
    await connection.close()
    return None
