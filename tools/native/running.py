"""The native stack as a whole: up, down, status, logs, clean."""

import datetime as dt
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tools.backups import nightly
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
    supervisor, layout = Supervisor(layout), _as_it_is_live(layout)
    if not servers_only and not layout.versions.is_released:
        services.take_code(layout)
    _require_ports(layout, supervisor, servers_only=servers_only)
    binaries = packages.ensure()
    passwords = credentials.write_all(layout, credentials.Addresses.native(layout))
    certificates.ensure(layout.gateway, dt.datetime.now(dt.UTC))
    base, ours = _programs(layout, binaries, passwords, servers_only=servers_only)
    _say(begun, "starting PostgreSQL, Redis and RabbitMQ")
    supervisor.start([*base, *ours])
    wait_until_ready(layout, supervisor, base[:1])
    postgres.provision(layout, binaries.postgres, passwords)
    if ours:
        _say(begun, "bringing the databases up to date")
        services.migrate(layout)
        wait_until_ready(layout, supervisor, base)
        rabbitmq.renew_dead_letters(layout, passwords)
        _say(begun, "starting the services")
        for group in dict.fromkeys(program.group for program in ours):
            supervisor.start_group(group)
    wait_until_ready(layout, supervisor, [*base, *ours])
    _say(begun, "everything is ready")
    if layout.quarantine_file.exists():
        print("restored, and in quarantine: no worker runs and nothing goes out until `./exodus quarantine release`")


def _as_it_is_live(layout: Layout) -> Layout:
    """The stack in its live colour. A release that was cut off is over when nothing runs any more."""
    versions = layout.versions
    if versions.is_leaving:
        if Supervisor(layout).is_running():
            raise StackError("a release was cut off: `make release` brings it to its end")
        replace(versions, is_leaving=False).write(layout.versions_file)
    return layout.wearing(versions.live)


def programs(layout: Layout) -> list[Program]:
    """Everything that this stack runs, in the colour of `layout`; their settings are written."""
    base, ours = _programs(layout, packages.ensure(), credentials.open_passwords(layout), servers_only=False)
    return [*base, *ours]


def _programs(
    layout: Layout, binaries: packages.Binaries, passwords: credentials.Passwords, *, servers_only: bool
) -> tuple[list[Program], list[Program]]:
    """The servers, and what of ours runs on them."""
    ours: list[Program] = [] if servers_only else _services_and_gateway(layout, binaries)
    # Its keeper takes the log away; without one it would fill the disk.
    base = servers.prepare(layout, binaries, passwords, keeps_log=any(one.name == KEEPER for one in ours))
    if ours and monitoring_is_wanted():
        ours += monitoring.programs(layout, packages.ensure_monitoring(), passwords)
    return base, ours


def _services_and_gateway(layout: Layout, binaries: packages.Binaries) -> list[Program]:
    from tools.native import edge  # noqa: PLC0415 - the servers alone must not need the gateway's code

    helpers = [*services.helpers(layout), *nightly.programs(layout, os.environ)]
    return [*helpers, *services.programs(layout), edge.program(layout, binaries), edge.rotator(layout)]


def _require_ports(layout: Layout, supervisor: Supervisor, *, servers_only: bool) -> None:
    """Every port that a group not running yet will need must be free."""
    running = (
        {process["group"] for process in supervisor.processes() if process["pid"]} if supervisor.is_running() else {}
    )
    ports = layout.ports
    groups: dict[str, Iterator[tuple[int, str, str]]] = {"servers": ports.servers()}
    if not servers_only:
        groups |= {"helpers": ports.helpers(), ports.colour: ports.services(), "gateway": ports.edge()}
        if monitoring_is_wanted():
            groups["monitoring"] = ports.monitoring()
    require_free(port for group, needed in groups.items() if group not in running for port in needed)


def _say(begun: float, what: str) -> None:
    print(f"[{time.monotonic() - begun:5.1f} s] {what}", flush=True)


def down(layout: Layout) -> None:
    Supervisor(layout).stop()
    rabbitmq.end_stray_names(layout)


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
