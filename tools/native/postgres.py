"""PostgreSQL: a private cluster, and one database with three roles for each service."""

import asyncio
import shlex
import subprocess
from pathlib import Path

import asyncpg

from tools.native import accounts, credentials
from tools.native.credentials import POSTGRES_ADMIN, Passwords
from tools.native.errors import StackError
from tools.native.layout import LOOPBACK, Layout
from tools.native.ports import SERVICES
from tools.native.programs import Program

# Two pools of ten connections in each of twelve processes, twice while a release goes on, and a person who looks.
CONNECTIONS_MAX = 500
CONNECT_SECONDS_MAX = 3
INITDB_SECONDS_MAX = 120
PROVISION_SECONDS_MAX = 60

# For two cores and eight gigabytes that the whole platform shares.
SETTINGS = f"""\
max_connections = {CONNECTIONS_MAX}
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'

shared_buffers = '512MB'
effective_cache_size = '2GB'
work_mem = '8MB'
maintenance_work_mem = '128MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
checkpoint_completion_target = 0.9
wal_compression = 'lz4'
wal_keep_size = '512MB'  # a backup that is being taken still finds the log it began with
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 1

# a client that went away must not hold its locks
idle_in_transaction_session_timeout = '60s'
tcp_keepalives_idle = 60
log_min_duration_statement = '1s'
log_lock_waits = on
"""

# An acknowledged order is on disk.
DURABLE = "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n"

# Nothing of a test run is worth waiting for the disk.
DISPOSABLE = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nmax_wal_size = '1GB'\n"


# A segment that is not full is finished too, so that what was committed leaves this server within a minute.
LOG_SECONDS_MAX = 30
LOG_KEPT = """\
archive_mode = on
archive_timeout = '{seconds}s'
archive_command = '{command}'
"""
LOG_NOT_KEPT = "archive_mode = off\n"


def log_folder(layout: Layout) -> Path:
    """Where finished segments of the log wait to be taken away (tools/backups/log.py)."""
    return layout.state_of("postgres") / "log"


def address_of(layout: Layout) -> str:
    """`host:port`, as addresses of databases have it."""
    return "{}:{}".format(*layout.database)


def data_folder(layout: Layout) -> Path:
    """Where the cluster lies; in images made from Debian's packages, one below the volume."""
    volume = layout.state_of("postgres") / "data"
    return cluster if (cluster := volume / "cluster").exists() else volume


def log_settings(folder: Path) -> str:
    """Whole or not there: a segment shows under its own name when it is on disk; a second time is as the first."""
    at = shlex.quote(str(folder)).replace("%", "%%")
    command = f"cp -p %p {at}/.%f && sync {at}/.%f && mv -f {at}/.%f {at}/%f && sync {at}"
    return LOG_KEPT.format(seconds=LOG_SECONDS_MAX, command=command.replace("\\", "\\\\").replace("'", "''"))


def prepare(layout: Layout, binaries: Path, passwords: Passwords, *, keeps_log: bool = False) -> Program:
    """Makes the cluster when there is none, writes its settings, and says how to run it.

    Args:
        keeps_log: whether finished segments of the log are put into `log_folder`, where somebody has to fetch them.
    """
    home = accounts.home_for("postgres", layout.state_of("postgres"))
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        _make_cluster(layout, binaries, data, passwords)
    listens = "*" if layout.postgres_at else LOOPBACK
    own = f"port = {layout.database[1]}\nlisten_addresses = '{listens}'\n"
    own += f"unix_socket_directories = '{layout.database_socket or ''}'\n"
    durability = DISPOSABLE if layout.disposable else DURABLE
    log = LOG_NOT_KEPT
    if keeps_log:
        log = log_settings(accounts.home_for("postgres", log_folder(layout)))
    accounts.write_private(home / "postgresql.conf", f"{own}{SETTINGS}{durability}{log}", "postgres")

    dsn = credentials.postgres_url(passwords, address_of(layout)).replace("+asyncpg", "")

    def why_not_ready() -> str | None:
        return asyncio.run(_why_not_ready(dsn))

    return Program(
        name="postgres",
        group="servers",
        # The cluster's own postgresql.conf is replaced as a whole by ours.
        command=(str(binaries / "postgres"), "-D", str(data), "-c", f"config_file={home / 'postgresql.conf'}"),
        directory=home,
        why_not_ready=why_not_ready,
        depends_on=(home / "postgresql.conf",),
        account=accounts.account_for("postgres"),
        stop_signal="INT",  # fast: ends the sessions, writes a checkpoint
        stop_seconds=60,
        death_signal="QUIT",  # at once, sessions included; the log makes it whole at the next start
    )


def _make_cluster(layout: Layout, binaries: Path, data: Path, passwords: Passwords) -> None:
    password_file = data.parent / "password"
    accounts.write_private(password_file, passwords.of(POSTGRES_ADMIN), "postgres")
    command = [
        str(binaries / "initdb"),
        *("--pgdata", str(data), "--username", POSTGRES_ADMIN, "--pwfile", str(password_file)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"),
        *(["--no-sync"] if layout.disposable else []),
    ]
    try:
        result = subprocess.run(
            command,
            user=accounts.account_for("postgres"),
            group=accounts.account_for("postgres"),
            extra_groups=[] if accounts.is_root() else None,
            cwd=data.parent,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=INITDB_SECONDS_MAX,
        )
    finally:
        password_file.unlink()
    if result.returncode != 0:
        raise StackError(f"initdb failed:\n{result.stdout}{result.stderr}")


async def _why_not_ready(dsn: str) -> str | None:
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return f"{type(error).__name__}: {error}"
    await connection.close()
    return None


def provision(layout: Layout, binaries: Path, passwords: Passwords) -> None:
    """Makes every service's database and roles; safe to repeat."""
    result = subprocess.run(
        [str(binaries / "psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"],
        input=provision_script(passwords),
        env={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(layout.ports.postgres),
            "PGUSER": POSTGRES_ADMIN,
            "PGPASSWORD": passwords.of(POSTGRES_ADMIN),
            "PGDATABASE": "postgres",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PROVISION_SECONDS_MAX,
    )
    if result.returncode != 0:
        raise StackError(f"the databases could not be made:\n{result.stderr}")


# Names are ours and passwords hexadecimal: nothing here needs quoting.
ROLE = """
SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD '{password}';
"""

BACKUP_ROLE = """
SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} LOGIN REPLICATION NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD '{password}';
"""

# A service cannot reach another's database. In its own, only the owner, which runs the migrations, creates anything.
DATABASE = """
SELECT 'CREATE DATABASE {database} OWNER {owner}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \\gexec
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {app}, {worker};
\\connect {database}
ALTER SCHEMA public OWNER TO {owner};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {app}, {worker};
"""

# Sees how the server fares and nothing that is in it: it gets into no database but the empty one.
MONITOR = """
SELECT 'CREATE ROLE monitor' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \\gexec
ALTER ROLE monitor LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE INHERIT CONNECTION LIMIT 5
  PASSWORD '{password}';
GRANT pg_monitor TO monitor;
GRANT CONNECT ON DATABASE postgres TO monitor;
"""


def provision_script(passwords: Passwords) -> str:
    """What psql is given, natively and in containers."""
    backup = credentials.BACKUP_USER
    parts = ["REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;\n"]
    parts.append(BACKUP_ROLE.format(role=backup, password=passwords.of(backup)))
    parts.append(MONITOR.format(password=passwords.of("postgres:monitor")))
    for service in SERVICES:
        roles = {kind: credentials.role(service, kind) for kind in credentials.ROLES}
        parts += [ROLE.format(role=name, password=passwords.of(name)) for name in roles.values()]
        parts.append(DATABASE.format(database=credentials.database(service), **roles))
    return "".join(parts)
