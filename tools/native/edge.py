"""The gateway: its configuration rendered for this stack, run by nginx."""

import sys
from pathlib import Path

from gateway.render import render
from tools import web
from tools.native import certificates
from tools.native.layout import ROOT, Layout
from tools.native.packages import Binaries
from tools.native.ports import SERVICES
from tools.native.probes import why_not_ready
from tools.native.programs import Program


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
            *(file for file in config.parent.rglob("*") if file.suffix in {".conf", ".js"}),
            *(layout.gateway / name for name in (certificates.CERTIFICATE, "keys.json")),
        ),
        stop_signal="QUIT",  # lets requests finish; the configuration bounds how long
        stop_seconds=15,
        death_signal="TERM",
    )
