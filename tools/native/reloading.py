"""Tells a running gateway that its keys or its certificate are others now; it turns nobody away meanwhile."""

import os
import signal
import subprocess

from tools.containers import compose
from tools.native.layout import Layout


def reload_gateway(layout: Layout) -> None:
    """Has nginx read its files again, natively or in its container; returns at once, also when none runs."""
    if layout.in_containers:
        compose(layout, "kill", "-s", "HUP", "gateway")
        return
    pid_file = layout.gateway / "nginx" / "nginx.pid"
    text = pid_file.read_text().strip() if pid_file.exists() else ""
    if text.isdigit() and _is_nginx(int(text)):
        os.kill(int(text), signal.SIGHUP)


def _is_nginx(process: int) -> bool:
    named = subprocess.run(["ps", "-o", "comm=", "-p", str(process)], capture_output=True, text=True, check=False)
    return named.stdout.strip() == "nginx"
