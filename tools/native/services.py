"""Our own processes: an API and a worker for each service, their environment, and their migrations."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.native import emulators, outsiders
from tools.native.credentials import SERVICE_CLIENTS
from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout
from tools.native.ports import COMPUTERS_MAX, SERVICES
from tools.native.probes import why_not_ready
from tools.native.programs import Program
from tools.native.supervising import yielding

# How long an API may take to finish what it has begun; the supervisor waits a little longer.
GRACE_SECONDS = 8
STOP_SECONDS = GRACE_SECONDS + 4
# In a burst, orders are accepted first and worked off right after: whoever waits for an answer goes first. Then comes
# the worker that places the orders of automations: what others make of the first ones does not hold up the rest.
WORKER_NICENESS = 19
NICENESS_OF: Mapping[str, int] = {"trading": 10}
# A larger frame closes the connection; compression would cost half a megabyte for each client.
WEBSOCKET_FRAME_BYTES_MAX = 65_536
# Longer than any client of ours keeps an idle connection (httpx 5 s, the gateway 4 s): whoever ends it first must be
# who would use it, or a request runs into the end.
KEPT_SECONDS = 10
MIGRATION_SECONDS_MAX = 300
# What lies beside the code and no process of a service imports.
NO_PART = ("tests", "emulators")
# Who writes to people, or sends their browsers elsewhere and back, and so has to know where people reach us.
LINKS_TO_US = ("auth", "notification")
# Where traces go, by OpenTelemetry's own variable; without it there are none.
TRACES_TO = "OTEL_EXPORTER_OTLP_ENDPOINT"


def programs(layout: Layout) -> list[Program]:
    """Every process of every service, of one colour; in quarantine no worker, so that nothing goes out."""
    require_all()
    ours = [process for service in SERVICES for process in (_api(layout, service), _worker(layout, service))]
    computers = [_computer(layout, number) for number in range(computer_count())]
    if layout.quarantine_file.exists():
        ours, computers = [_api(layout, service) for service in SERVICES], []
    return [*ours, *computers]


def helpers(layout: Layout) -> list[Program]:
    """What stands in for the world outside, where it is wanted; it goes on while a release changes the services."""
    return [*emulators.programs(layout), *outsiders.programs(layout)]


def _named(layout: Layout, name: str) -> str:
    return f"{name}-green" if layout.ports.colour == "green" else name


def computer_count() -> int:
    """How many processes compute chunks of backtests: EXODUS_COMPUTERS, one if it says nothing."""
    told = os.environ.get("EXODUS_COMPUTERS") or "1"
    if not told.isdigit() or not 1 <= int(told) <= COMPUTERS_MAX:
        raise StackError(f"EXODUS_COMPUTERS={told} is not a number from 1 to {COMPUTERS_MAX}.")
    return int(told)


def require_all(root: Path = ROOT) -> None:
    """A service without its code is an error, not something to leave out quietly."""
    missing = [
        str(path.relative_to(root))
        for service in SERVICES
        for file in ("app.py", "worker.py")
        if not (path := root / "services" / service / service / file).exists()
    ]
    if missing:
        raise StackError(f"these files of the services are missing: {', '.join(missing)}")


def _api(layout: Layout, service: str) -> Program:
    port = layout.ports.api(service)
    return Program(
        name=_named(layout, f"{service}-api"),
        group=layout.ports.colour,
        command=(
            *(sys.executable, "-m", "uvicorn", f"{service}.app:create_app", "--factory"),
            *("--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"),
            *("--timeout-graceful-shutdown", str(GRACE_SECONDS), "--timeout-keep-alive", str(KEPT_SECONDS)),
            *("--no-access-log", "--no-server-header"),
            *("--ws", "kit.frames:FrameProtocol"),
            *("--ws-max-size", str(WEBSOCKET_FRAME_BYTES_MAX), "--ws-per-message-deflate", "false"),
        ),
        directory=layout.directory,
        why_not_ready=lambda: why_not_ready(port, "/health/ready"),
        environment=environment(layout, service),
        depends_on=_sources(layout, service),
        stop_seconds=STOP_SECONDS,
    )


def _worker(layout: Layout, service: str) -> Program:
    port = layout.ports.worker(service)
    return Program(
        name=_named(layout, f"{service}-worker"),
        group=layout.ports.colour,
        command=yielding(NICENESS_OF.get(service, WORKER_NICENESS), sys.executable, "-m", f"{service}.worker"),
        directory=layout.directory,
        why_not_ready=lambda: why_not_ready(port, "/health/ready"),
        environment=environment(layout, service),
        depends_on=_sources(layout, service),
        stop_seconds=STOP_SECONDS,
    )


def _computer(layout: Layout, number: int) -> Program:
    port = layout.ports.computer(number)
    return Program(
        name=_named(layout, "backtest-compute" if number == 0 else f"backtest-compute-{number + 1}"),
        group=layout.ports.colour,
        command=yielding(WORKER_NICENESS, sys.executable, "-m", "backtest.compute"),
        directory=layout.directory,
        why_not_ready=lambda: why_not_ready(port, "/health/ready"),
        environment={**environment(layout, "backtest"), "BACKTEST_COMPUTE_PORT": str(port)},
        depends_on=_sources(layout, "backtest"),
        stop_seconds=STOP_SECONDS,
    )


def code_of(service: str) -> tuple[str, ...]:
    """The folders a service imports from: the libraries and its own."""
    return ("libs/kit", "libs/quant", f"services/{service}")


def take_code(layout: Layout) -> None:
    """Copy the services' code, as it is in the repository now, to where this colour runs it from."""
    new = layout.code_copy.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    for folder in sorted({folder for service in SERVICES for folder in code_of(service)}):
        shutil.copytree(ROOT / folder, new / folder, ignore=shutil.ignore_patterns(*NO_PART))
    shutil.rmtree(layout.code_copy, ignore_errors=True)
    new.rename(layout.code_copy)


def _sources(layout: Layout, service: str) -> tuple[Path, ...]:
    return tuple(file for folder in code_of(service) for file in (layout.code / folder).glob("[!.]*/**/*.py"))


def environment(layout: Layout, service: str) -> dict[str, str]:
    """What a process of this service finds in its environment: its own code, settings and secrets only."""
    ports = layout.ports
    told = settings(
        service,
        environment="development",
        http_port=ports.api(service),
        worker_port=ports.worker(service),
        urls={name: f"http://127.0.0.1:{ports.api(name)}" for name in SERVICES},
        public_url=layout.public_url,
    )
    if service == "auth":
        told["AUTH_AUDIT_ANCHOR_FILE"] = str(layout.audit_anchors)
    if service == "broker" and layout.quarantine_file.exists():
        told["BROKER_QUARANTINED"] = "true"
    if service == "notification":
        told["NOTIFICATION_BACKUP_COUNTED_FROM_FILE"] = str(layout.backup_counted_from)
        told |= outsiders.settings(layout)
    return {
        "PYTHONPATH": os.pathsep.join(str(layout.code / folder) for folder in code_of(service)),
        "PYTHONUNBUFFERED": "1",
        "NUMBA_CACHE_DIR": str(layout.directory / "cache" / "numba"),
        "EXODUS_SECRETS_DIR": str(layout.secrets / service),
        **{name: os.environ[name] for name in (TRACES_TO,) if os.environ.get(name)},
        **told,
        **(emulators.settings(layout) if service == "broker" else {}),
    }


def settings(
    service: str, *, environment: str, http_port: int, worker_port: int, urls: Mapping[str, str], public_url: str
) -> dict[str, str]:
    """The settings that are no secrets, by variable; `urls` is where each service answers the others."""
    prefix = service.upper()
    told = {
        f"{prefix}_ENVIRONMENT": environment,
        f"{prefix}_HTTP_PORT": str(http_port),
        f"{prefix}_WORKER_PORT": str(worker_port),
        f"{prefix}_JWKS_URL": f"{urls['auth']}/.well-known/jwks.json",
    }
    if service in SERVICE_CLIENTS:
        told |= {f"{prefix}_AUTH_URL": urls["auth"], f"{prefix}_MARKET_URL": urls["market"]}
    if service in LINKS_TO_US:
        told[f"{prefix}_PUBLIC_URL"] = public_url
    if service == "auth":
        told["AUTH_SERVICE_URLS"] = ",".join(f"{name}={url}" for name, url in urls.items())
    return told


def migrate(layout: Layout) -> None:
    """Brings every service's database to its newest version."""
    code = [ROOT, *(ROOT / folder for service in SERVICES for folder in code_of(service))]
    result = subprocess.run(
        [sys.executable, "-m", "tools.native.migrations", str(layout.secrets)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, code))},
        cwd=layout.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=MIGRATION_SECONDS_MAX,
    )
    if result.returncode != 0:
        raise StackError(f"a migration failed:\n{result.stdout}")
