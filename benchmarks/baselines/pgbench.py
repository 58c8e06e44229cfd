"""PostgreSQL's own benchmark on the very server the platform uses: what durable commits cost on this machine."""

import os
import re
import subprocess
from urllib.parse import urlsplit

from tools.native import credentials, packages
from tools.native.layout import Layout

DATABASE = "pgbench_baseline"
SCALE = 10
CLIENTS = 8


def tpc_b(layout: Layout, seconds: int) -> float:
    """Return the transactions per second of `pgbench -c 8 -j 2 -M prepared` (TPC-B-like, synchronous commits)."""
    passwords = credentials.open_passwords(layout)
    address = urlsplit(credentials.postgres_url(passwords, credentials.Addresses.native(layout).postgres))
    environment = {
        **os.environ,
        "PGHOST": str(layout.database_socket or address.hostname),  # the way that services take
        "PGPORT": str(address.port),
        "PGUSER": str(address.username),
        "PGPASSWORD": str(address.password),
    }
    programs = packages.ensure().postgres

    def run(program: str, *arguments: str) -> str:
        command = [str(programs / program), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    run("dropdb", "--if-exists", DATABASE)
    run("createdb", DATABASE)
    run("pgbench", "-i", "-q", "-s", str(SCALE), DATABASE)
    told = run("pgbench", "-c", str(CLIENTS), "-j", "2", "-M", "prepared", "-T", str(seconds), DATABASE)
    run("dropdb", DATABASE)
    found = re.search(r"tps = ([0-9.]+)", told)
    assert found is not None, told
    return float(found.group(1))
