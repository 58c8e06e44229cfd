"""The native stack as a whole: up, down, status, logs, clean."""

import datetime as dt
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from tools.native import certificates, credentials, monitoring, packages, postgres, rabbitmq, servers, services
from tools.native.errors import StackError
from tools.native.layout import Layout, monitoring_is_wanted
from tools.native.ports import require_free
from tools.native.programs import Program
from tools.native.readiness import wait_until_ready
from tools.native.supervisor import Supervisor

LOG_LINES_BEFORE_FOLLOWING = "20"
KEEPER = "backups"


def up(layout: Layout, *, servers_only: bool = False) -> None:
    """Starts what does not run, in order; returns when everything is ready."""
    begun = time.monotonic()
    supervisor = Supervisor(layout)
    _require_ports(layout, supervisor, servers_only=servers_only)
    binaries = packages.ensure()
    passwords = credentials.write_all(layout, credentials.Addresses.native(layout))
    certificates.ensure(layout.gateway, dt.datetime.now(dt.UTC))
    ours: list[Program] = [] if servers_only else _services_and_gateway(layout, binaries)
    # Its keeper takes the log away; without one it would fill the disk.
    base = servers.prepare(layout, binaries, passwords, keeps_log=any(one.name == KEEPER for one in ours))
    if ours and monitoring_is_wanted():
        ours += monitoring.programs(layout, packages.ensure_monitoring(), passwords)

    _say(begun, "starting PostgreSQL, Redis and RabbitMQ")
    supervisor.start([*base, *ours])
    wait_until_ready(layout, supervisor, base[:1])
    postgres.provision(layout, binaries.postgres, passwords)
    if ours:
        _say(begun, "bringing the databases up to date")
        services.migrate(layout)
        wait_until_ready(layout, supervisor, base)
        rabbitmq.renew(layout, passwords)
        _say(begun, "starting the services")
        supervisor.start_group("services")
        supervisor.start_group("gateway")
        if monitoring_is_wanted():
            supervisor.start_group("monitoring")
    wait_until_ready(layout, supervisor, [*base, *ours])
    _say(begun, "everything is ready")
    if layout.quarantine_file.exists():
        print("restored, and in quarantine: no worker runs and nothing goes out until `./exodus quarantine release`")


def _services_and_gateway(layout: Layout, binaries: packages.Binaries) -> list[Program]:
    from tools.backups import nightly  # noqa: PLC0415 - it knows services, which know us
    from tools.native import edge  # noqa: PLC0415 - the servers alone must not need the gateway's code

    return [*services.programs(layout), *nightly.programs(layout, os.environ), edge.program(layout, binaries)]


def _require_ports(layout: Layout, supervisor: Supervisor, *, servers_only: bool) -> None:
    """Every port that a group not running yet will need must be free."""
    running = (
        {process["group"] for process in supervisor.processes() if process["pid"]} if supervisor.is_running() else {}
    )
    ports = layout.ports
    groups = {"servers": ports.servers()}
    if not servers_only:
        groups |= {"services": ports.services(), "gateway": ports.edge()}
        if monitoring_is_wanted():
            groups["monitoring"] = ports.monitoring()
    require_free(port for group, needed in groups.items() if group not in running for port in needed)


def _say(begun: float, what: str) -> None:
    print(f"[{time.monotonic() - begun:5.1f} s] {what}", flush=True)


def down(layout: Layout) -> None:
    Supervisor(layout).stop()


def status(layout: Layout) -> bool:
    """Prints one line per process; whether all of them run."""
    supervisor = Supervisor(layout)
    if not supervisor.is_running():
        print("not running")
        return False
    processes = supervisor.processes()
    for process in processes:
        print(f"{process['name']:<22}{process['statename']:<10}{process['description']}")
    return all(process["statename"] == "RUNNING" for process in processes)


def logs(layout: Layout, names: Sequence[str], *, follow: bool) -> None:
    """Becomes `tail` on the log files of these processes, or of all."""
    known = sorted(layout.logs.glob("*.log"))
    chosen = [file for file in known if not names or file.stem in names]
    if not chosen:
        raise StackError(f"no such log; there are: {', '.join(file.stem for file in known) or 'none yet'}")
    arguments = ["tail", "-n", LOG_LINES_BEFORE_FOLLOWING, *(["-F"] if follow else []), *map(str, chosen)]
    os.execvp(arguments[0], arguments)  # noqa: S606 - no shell is wanted


def clean(layout: Layout, shown: Path) -> None:
    """Stops the stack and removes its state, secrets included; `shown` may be a link to the real folder."""
    down(layout)
    shutil.rmtree(layout.directory)
    if layout.supervisor_socket.parent.exists():
        shutil.rmtree(layout.supervisor_socket.parent)
    if shown.is_symlink():
        shown.unlink()
