"""Tells a running gateway that its keys or its certificate are others now; it turns nobody away meanwhile."""

import os
import signal
import subprocess
from pathlib import Path

from tools.containers import compose
from tools.native.layout import Layout


def reload_gateway(layout: Layout) -> None:
    """Has nginx read its files again, natively or in its container; returns at once, also when none runs."""
    if layout.in_containers:
        compose(layout, "kill", "-s", "HUP", "gateway")
        return
    if (master := nginx_of(layout.gateway / "nginx" / "nginx.pid")) is not None:
        os.kill(master, signal.SIGHUP)


def nginx_of(pid_file: Path) -> int | None:
    """The nginx that wrote this file, if it still runs; its number may be somebody else's by now."""
    text = pid_file.read_text().strip() if pid_file.exists() else ""
    if not text.isdigit():
        return None
    named = subprocess.run(["ps", "-o", "comm=", "-p", text], capture_output=True, text=True, check=False)
    return int(text) if named.stdout.strip() == "nginx" else None
