"""Runs the platform on this machine: `python -m tools.stack --help` has the commands."""

import argparse
import datetime as dt
import os
import sys
from collections.abc import Sequence

from tools import containers
from tools.native import running
from tools.native.errors import NothingThere, StackError
from tools.native.layout import NATIVE, Layout, shown_directory
from tools.native.servers_for_tests import ensure_test_servers, stop_test_servers

__all__ = ["ensure_test_servers", "main", "stop_test_servers"]


def main(arguments: Sequence[str]) -> int:
    """Does one command; the exit status is 0 only when it held."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except NothingThere as nothing:
        print(nothing)
        return nothing.EXIT_STATUS if options.command is _status else 0
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.EXIT_STATUS
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description="Runs the platform on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start everything; returns when it is ready")
    how = up.add_mutually_exclusive_group()
    how.add_argument("--native", dest="how", action="store_const", const="native", help="processes on this machine")
    how.add_argument("--containers", dest="how", action="store_const", const="containers", help="docker or podman")
    how.add_argument(
        "--offline", dest="how", action="store_const", const="offline", help="containers, made from Debian's packages"
    )
    up.add_argument("--only", choices=["servers"], help="only PostgreSQL, Redis and RabbitMQ (native)")
    up.set_defaults(command=_up)

    for name, what in (
        ("release", "put this version of the services in place"),
        ("rollback", "put the one before back"),
    ):
        switch = commands.add_parser(name, help=f"{what}, while everybody goes on (native)")
        switch.add_argument("--anyway", action="store_true", help="also while a market is open")
        switch.set_defaults(command=_release if name == "release" else _roll_back)

    commands.add_parser("down", help="stop everything; the state stays").set_defaults(command=_down)
    commands.add_parser("status", help="one line per process").set_defaults(command=_status)
    commands.add_parser("clean", help="stop and remove all state, secrets included").set_defaults(command=_clean)

    logs = commands.add_parser("logs", help="follow the logs")
    logs.add_argument("names", nargs="*", metavar="NAME", help="such as trading-api; default: all")
    logs.add_argument("--no-follow", action="store_true", help="print the last lines and leave")
    logs.set_defaults(command=_logs)

    tests = commands.add_parser("test-servers", help="the disposable servers of the tests")
    tests.add_argument("action", choices=["up", "down"])
    tests.set_defaults(command=_test_servers)
    return parser


def _existing() -> Layout:
    """The stack that is there; only `up` makes one."""
    if not shown_directory(os.environ).exists():
        raise NothingThere(f"nothing runs and no state is kept in {shown_directory(os.environ)}")
    return Layout.from_environment(os.environ)


def _up(options: argparse.Namespace) -> int:
    layout = Layout.from_environment(os.environ)
    how = NATIVE if options.only else options.how or layout.mode or containers.best_mode(os.environ)
    if layout.mode not in {None, how}:
        raise StackError(f"this stack was made for {layout.mode}; `make clean` first, or set EXODUS_STACK_DIR")
    layout.mode_file.write_text(how)
    if layout.in_containers:
        containers.up(layout)
    else:
        running.up(layout, servers_only=options.only == "servers")
    print(_addresses(layout, servers_only=options.only == "servers"))
    return 0


def _addresses(layout: Layout, *, servers_only: bool) -> str:
    ports = layout.ports
    lines = (
        [
            f"PostgreSQL  127.0.0.1:{ports.postgres}",
            f"Redis       127.0.0.1:{ports.redis}",
            f"RabbitMQ    127.0.0.1:{ports.amqp}",
        ]
        if servers_only
        else [
            f"Exodus      https://localhost:{ports.gateway}   (http://localhost:{ports.gateway_http} redirects)",
            f"API         https://localhost:{ports.gateway}/docs",
            f"health      https://localhost:{ports.gateway}/health",
            f"certificate {layout.gateway / 'certificate.pem'}",
        ]
    )
    return "\n".join([*lines, "stop with `make down`, follow with `make logs`"])


def _release(options: argparse.Namespace) -> int:
    from tools.native import releasing  # noqa: PLC0415 - the servers alone must not need the gateway's code

    releasing.release(_existing(), dt.datetime.now(dt.UTC), anyway=options.anyway)
    return 0


def _roll_back(options: argparse.Namespace) -> int:
    from tools.native import releasing  # noqa: PLC0415 - as above

    releasing.roll_back(_existing(), dt.datetime.now(dt.UTC), anyway=options.anyway)
    return 0


def _down(_: argparse.Namespace) -> int:
    layout = _existing()
    if layout.in_containers:
        containers.down(layout)
    else:
        running.down(layout)
    return 0


def _status(_: argparse.Namespace) -> int:
    layout = _existing()
    fine = containers.status(layout) if layout.in_containers else running.status(layout)
    return 0 if fine else 1


def _logs(options: argparse.Namespace) -> int:
    layout = _existing()
    if layout.in_containers:
        containers.logs(layout, options.names, follow=not options.no_follow)
    else:
        running.logs(layout, options.names, follow=not options.no_follow)
    return 0


def _clean(_: argparse.Namespace) -> int:
    layout = _existing()
    if layout.in_containers:
        containers.clean(layout)
    running.clean(layout, shown_directory(os.environ))
    return 0


def _test_servers(options: argparse.Namespace) -> int:
    if options.action == "up":
        for name, value in ensure_test_servers().items():
            print(f"export {name}={value}")
    elif not stop_test_servers():
        print("the test servers stay up: another test run uses them")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
