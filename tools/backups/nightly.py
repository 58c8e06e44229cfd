"""The keeper, `python -m tools.backups.nightly`: a backup each night, the log all day, and how old both are.

It sleeps nearly always, so it is small, and leaves the work to `./exodus backup`, which takes a lock: by hand or by
night, there is one at a time. A night that the machine slept through is made up for when it wakes.
"""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.backups import log, taking
from tools.native.accounts import write_private
from tools.native.errors import StackError
from tools.native.layout import EVERYWHERE, LOOPBACK, ROOT, Layout
from tools.native.probes import why_not_ready
from tools.native.programs import Program

AT_VARIABLE = "EXODUS_BACKUP_AT"
AT_DEFAULT = "18:30"
"""Half past three in the morning in Seoul: both markets of Korea are closed, and those of the United States open."""
OFF = "off"
KEPT_VARIABLES = (taking.COPY_VARIABLE, AT_VARIABLE, log.DAYS_VARIABLE, "EXODUS_PUBLIC_URL")
SETTINGS_FILE = "nightly_settings"
LOOK_SECONDS = 30
SHIP_SECONDS = 5
SHIP_AGAIN_SECONDS = 20
"""After a failure: a command that fails is not asked for every few seconds."""
RETRY_AFTER = dt.timedelta(hours=1)
BACKUP_SECONDS_MAX = 6 * 3600


def time_of_day(environment: Mapping[str, str]) -> dt.time | None:
    """When the nightly backup is due, UTC; None when it is switched off.

    Raises:
        StackError: when EXODUS_BACKUP_AT is neither `HH:MM` nor `off`.
    """
    told = environment.get(AT_VARIABLE) or AT_DEFAULT
    if told == OFF:
        return None
    try:
        return dt.datetime.strptime(told, "%H:%M").replace(tzinfo=dt.UTC).time()
    except ValueError as wrong:
        raise StackError(f"{AT_VARIABLE}={told} is neither a time in UTC, as 18:30, nor `{OFF}`.") from wrong


def is_due(at: dt.time, counted_from: dt.datetime, now: dt.datetime) -> bool:
    """Whether a nightly moment has passed since the newest proved backup, or since the stack was made."""
    last = dt.datetime.combine(now.date(), at, dt.UTC)
    if last > now:
        last -= dt.timedelta(days=1)
    return counted_from < last


def programs(layout: Layout, environment: Mapping[str, str]) -> list[Program]:
    """The keeper, unless it is switched off or the stack is in quarantine, whose state nobody wants to keep yet."""
    taking.count_from(layout, dt.datetime.now(dt.UTC))
    if time_of_day(environment) is None or layout.quarantine_file.exists():
        return []
    log.days_kept(environment)
    taking.backup_key(layout)  # made before two could make it at once
    # In a file because a supervisor's settings cannot hold every character that a command has.
    lines = [f"{name}={environment[name]}" for name in KEPT_VARIABLES if environment.get(name)]
    write_private(layout.secrets / SETTINGS_FILE, "\n".join(lines))
    port = layout.ports.backups
    told = {
        "EXODUS_STACK_DIR": str(layout.directory),
        "EXODUS_PORT_BASE": str(layout.ports.base),
        "EXODUS_GATEWAY_PORT": str(layout.ports.gateway),
        "EXODUS_GATEWAY_HTTP_PORT": str(layout.ports.gateway_http),
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in (".", "libs/kit", "libs/quant")),
        "PYTHONUNBUFFERED": "1",
    }
    return [
        Program(
            name="backups",
            group="helpers",
            command=(sys.executable, "-m", "tools.backups.nightly"),
            directory=ROOT,
            why_not_ready=lambda: why_not_ready(port, "/health/ready"),
            environment=told,
            depends_on=(layout.secrets / SETTINGS_FILE, *Path(__file__).parent.glob("*.py")),
        )
    ]


class Keeper:
    """Waits for the night, has the backup taken, and counts what failed."""

    def __init__(self, layout: Layout, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._environment = environment
        self._tried_at: dt.datetime | None = None
        self.failures = 0
        self.log_failures = 0
        self._woken = 0

    def look(self, now: dt.datetime) -> bool:
        """Take the backup if it is due; tell whether one was tried. What failed is tried again after an hour."""
        at = time_of_day(self._environment)
        if at is None or not is_due(at, taking.counted_from(self._layout), now):
            return False
        if self._tried_at is not None and now - self._tried_at < RETRY_AFTER:
            return False
        self._tried_at = now
        command = [sys.executable, "-m", "tools.backups.proving"]
        try:
            done = subprocess.run(command, env=dict(self._environment), check=False, timeout=BACKUP_SECONDS_MAX)
            failed = done.returncode != 0
        except (OSError, subprocess.TimeoutExpired) as broken:
            failed = True
            print(f"the nightly backup was not taken: {broken}", file=sys.stderr)
        self.failures += failed
        return True

    def ship(self) -> bool:
        """Take the log away as far as it is finished; tell whether that went well."""
        self._woken = log.wake_checkpointer(self._layout, self._woken)
        try:
            log.ship(self._layout, self._environment)
        except (StackError, OSError) as broken:
            self.log_failures += 1
            print(f"the log was not taken away: {broken}", file=sys.stderr, flush=True)
            return False
        return True

    def ship_until(self, stop: threading.Event) -> None:
        """Do so every few seconds, in a thread of its own: a backup takes minutes, and the log must not wait for it."""
        while not stop.wait(SHIP_SECONDS if self.ship() else SHIP_AGAIN_SECONDS):
            pass

    def metrics(self) -> str:
        """What Prometheus is told: what `./exodus backup` left behind, and what is known here."""
        left = "".join(file.read_text() for file in sorted(self._layout.metrics.glob("backup*.prom")))
        counted = {
            "exodus_backup_failures_total": ("Nightly backups that failed.", self.failures),
            "exodus_backup_log_failures_total": ("Times the log could not be taken away.", self.log_failures),
        }
        mine = "".join(
            f"# HELP {name} {means}\n# TYPE {name} counter\n{name} {count}\n"
            for name, (means, count) in counted.items()
        )
        return left + log.metrics(self._layout) + mine


def serve(keeper: Keeper, port: int, host: str = LOOPBACK) -> ThreadingHTTPServer:
    """Answer /health/live, /health/ready and /metrics, in a thread of its own."""

    class Answers(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            known = {"/health/live": "ok\n", "/health/ready": "ok\n", "/metrics": ""}
            text = keeper.metrics() if self.path == "/metrics" else known.get(self.path)
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_: object) -> None:
            """Nobody wants to read who scraped."""

    server = ThreadingHTTPServer((host, port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Look every half minute until told to stop."""
    layout = Layout.from_environment(os.environ)
    settings = layout.secrets / SETTINGS_FILE
    told = settings.read_text().splitlines() if settings.exists() else []  # in a container, compose tells them
    environment = {**os.environ, **dict(line.split("=", 1) for line in told)}
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keeper = Keeper(layout, environment)
    taking.count_from(layout, dt.datetime.now(dt.UTC))
    server = serve(keeper, layout.ports.backups, EVERYWHERE if layout.postgres_at else LOOPBACK)
    shipping = threading.Thread(target=keeper.ship_until, args=(stop,))
    if time_of_day(environment) is None:
        stop.wait()
    else:
        shipping.start()
    while not stop.wait(LOOK_SECONDS):
        keeper.look(dt.datetime.now(dt.UTC))
    if shipping.ident is not None:
        shipping.join()
    server.shutdown()


if __name__ == "__main__":
    main()
