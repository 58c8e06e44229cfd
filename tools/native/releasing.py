"""A new version of the services takes the place of the running one, and nobody waits: blue and green.

Both run side by side for some seconds, on ports of their own. What only one may do is done by whoever holds its
advisory lock, which the old let go when they stop. Killed anywhere, it can be said again: one file has what is live.
"""

import datetime as dt
from dataclasses import replace
from typing import get_args

from quant.markets.calendar import is_session, session_hours
from quant.markets.listing import Market

from tools.native import credentials, edge, running, services
from tools.native.errors import NothingThere, StackError
from tools.native.layout import Layout
from tools.native.programs import Program
from tools.native.readiness import wait_until_ready
from tools.native.supervisor import Supervisor
from tools.native.versions import Versions


def release(layout: Layout, now: dt.datetime, *, anyway: bool = False) -> None:
    """Put the repository's code in the place of what is live.

    Args:
        layout: a running native stack.
        now: an aware datetime.
        anyway: also while a market is open.

    Raises:
        StackError: when it must not be done now, or the new version does not get ready; the old one is still live then.
    """
    live, supervisor = _prepared(layout, now, anyway=anyway)
    if live.versions.is_leaving:
        print("a release was cut off after the switch; it is brought to its end")
        return _leave_the_other(live, supervisor)
    new = live.wearing(live.ports.other_colour)
    _require_the_same_servers(live, supervisor)
    supervisor.remove_group(new.ports.colour)  # what a release left that was cut off
    replace(live.versions, can_go_back=False).write(live.versions_file)
    services.take_code(new)
    credentials.write_all(new, credentials.Addresses.native(new))
    print("bringing the databases up to date, as far as the old version can live with")
    services.migrate(new)
    return _switch(live, new, supervisor)


def roll_back(layout: Layout, now: dt.datetime, *, anyway: bool = False) -> None:
    """Put the version before in the place of what is live. The databases stay as they are: it can live with that.

    Raises:
        StackError: as of a release, and when there is no version before.
    """
    live, supervisor = _prepared(layout, now, anyway=anyway)
    if live.versions.is_leaving:
        _leave_the_other(live, supervisor)
    if not live.versions.can_go_back:
        raise StackError("there is no version to go back to")
    old = live.wearing(live.ports.other_colour)
    supervisor.remove_group(old.ports.colour)
    _switch(live, old, supervisor)


def open_markets(now: dt.datetime) -> list[Market]:
    """The markets whose regular session is running; each lies within one day of UTC."""
    day = now.astimezone(dt.UTC).date()
    return [
        market for market in get_args(Market) if is_session(market, day) and session_hours(market, day).contains(now)
    ]


def _prepared(layout: Layout, now: dt.datetime, *, anyway: bool) -> tuple[Layout, Supervisor]:
    """The stack in its live colour, and its supervisor."""
    if layout.in_containers:
        raise StackError("containers have no two colours: `make up` replaces them, with a gap (docs/release.md)")
    if (open_now := open_markets(now)) and not anyway:
        raise StackError(f"the market is open ({', '.join(open_now)}): wait, or say ANYWAY=1")
    supervisor = Supervisor(layout)
    if not supervisor.is_running():
        raise NothingThere("nothing runs: `make up` starts it")
    if layout.quarantine_file.exists():
        raise StackError("the stack is in quarantine: release that first")
    return layout.wearing(layout.versions.live), supervisor


def _require_the_same_servers(live: Layout, supervisor: Supervisor) -> None:
    """PostgreSQL, Redis and RabbitMQ take over other settings only when they start."""
    base = [program for program in running.programs(live) if program.group == "servers"]
    if changed := supervisor.changed(base):
        raise StackError(f"this version changes the settings of {', '.join(changed)}: `make down`, then `make up`")


def _switch(live: Layout, new: Layout, supervisor: Supervisor) -> None:
    print(f"starting {new.ports.colour} beside {live.ports.colour}")
    added = services.programs(new)
    supervisor.write([*running.programs(live), *added])
    supervisor.update(new.ports.colour)
    try:
        for program in added:  # all at once they would take the processors from the version that people trade on
            supervisor.start_one(new.ports.colour, program.name)
            wait_until_ready(new, supervisor, [program])
    except StackError:
        supervisor.write(running.programs(live))
        supervisor.remove_group(new.ports.colour)
        raise
    Versions(new.ports.colour, can_go_back=True, is_leaving=True, is_released=True).write(new.versions_file)
    _leave_the_other(new, supervisor)


def _leave_the_other(live: Layout, supervisor: Supervisor) -> None:
    """Let the gateway ask the live colour alone, then stop the other."""
    print(f"{live.ports.colour} is live; {live.ports.other_colour} finishes what it has begun")
    everything: list[Program] = running.programs(live)  # which renders the gateway's configuration
    edge.reload(supervisor.pid_of("gateway"))
    supervisor.write(everything)
    supervisor.remove_group(live.ports.other_colour)
    if any(process["group"] == "monitoring" for process in supervisor.processes()):
        supervisor.update("monitoring")  # it asks other ports now
        supervisor.start_group("monitoring")
    replace(live.versions, is_leaving=False).write(live.versions_file)
    print(f"everything is {live.ports.colour}")
