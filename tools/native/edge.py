"""The gateway: its configuration rendered for this stack, run by nginx."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil

from gateway.render import render
from tools import web
from tools.native import certificates
from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout
from tools.native.packages import Binaries
from tools.native.ports import SERVICES
from tools.native.probes import why_not_ready
from tools.native.programs import Program

RELOAD_SECONDS_MAX = 30
# The configuration lets old workers live for ten seconds: what still hangs on them after this is told by the services.
DRAIN_SECONDS = 3
POLL_SECONDS = 0.1


def program(layout: Layout, binaries: Binaries) -> Program:
    """Renders the configuration and says how to run nginx with it."""
    ports = layout.ports
    config: Path = render(
        layout.gateway / "nginx",
        https_port=ports.gateway,
        http_port=ports.gateway_http,
        upstreams={service: f"127.0.0.1:{ports.api(service)}" for service in SERVICES},
        certificate=layout.gateway / certificates.CERTIFICATE,
        key=layout.gateway / certificates.KEY,
        keys_file=layout.gateway / "keys.json",
        module_path=str(binaries.nginx_js),
        log_dir=layout.logs,
        web_root=web.DIST if web.DIST.exists() else None,
        listen_address=layout.listens_at,
        allowed=layout.allowed,
    )
    return Program(
        name="gateway",
        group="gateway",
        command=(
            *(sys.executable, "-m", "tools.native.run_nginx", str(config.with_name("nginx.pid"))),
            *(str(binaries.nginx), "-e", "stderr", "-c", str(config)),
        ),
        environment={"PYTHONPATH": str(ROOT)},
        directory=layout.gateway,
        why_not_ready=lambda: why_not_ready(ports.gateway, "/health", tls=True),
        depends_on=(
            *(file for file in config.parent.rglob("*") if _needs_a_restart(file)),
            *(layout.gateway / name for name in (certificates.CERTIFICATE, "keys.json")),
        ),
        stop_signal="QUIT",  # lets requests finish; the configuration bounds how long
        stop_seconds=15,
        death_signal="TERM",
    )


def rotator(layout: Layout) -> Program:
    """What cuts the gateway's logs, which nginx itself never does."""
    logs = [layout.logs / f"gateway-{kind}.log" for kind in ("access", "error")]
    return Program(
        name="rotating",
        group="gateway",
        command=(
            *(sys.executable, "-m", "tools.native.rotating"),
            *map(str, (layout.gateway / "nginx" / "nginx.pid", *logs)),
        ),
        environment={"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        directory=layout.gateway,
        why_not_ready=lambda: None,  # it answers nobody; the supervisor sees to it that it runs
        depends_on=(Path(__file__).with_name("rotating.py"),),
    )


def _needs_a_restart(file: Path) -> bool:
    """Which services are asked changes with a release, which reloads; it is no reason to start again."""
    return file.suffix in {".conf", ".js"} and file.name != "upstreams.conf"


def reload(master: int) -> None:
    """Has nginx take over its configuration; returns when new workers serve and what the old had begun is answered.

    What lasts longer than three seconds, such as a WebSocket, is left to them.

    Raises:
        StackError: when the configuration does not hold; nginx then goes on with the one before.
    """
    nginx = psutil.Process(master)
    old = nginx.children()
    os.kill(master, signal.SIGHUP)
    deadline = time.monotonic() + RELOAD_SECONDS_MAX
    while set(nginx.children()) <= set(old):
        if time.monotonic() > deadline:
            raise StackError("the gateway did not take over its configuration; see the end of gateway.log")
        time.sleep(POLL_SECONDS)
    psutil.wait_procs(old, timeout=DRAIN_SECONDS)
