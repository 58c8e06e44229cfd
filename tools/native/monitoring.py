"""Prometheus, its exporters and Alertmanager beside a native stack, when `EXODUS_MONITORING=1`.

They answer this machine alone. What is asked of whom, and which figures are an alarm, is in deploy/monitoring, the same
natively and in containers; here is only where each target is.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tools.backups import nightly
from tools.native import accounts, services
from tools.native.credentials import Passwords
from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout
from tools.native.ports import EXPORTED, SERVICES
from tools.native.probes import why_not_ready
from tools.native.programs import Program

CONFIG: Final = ROOT / "deploy" / "monitoring"
SHARED_FILES: Final = ("prometheus.yml", "rules.yml")
TARGETS: Final = "targets.json"
ALERTMANAGERS: Final = "alertmanagers.json"
RECEIVER: Final = "operator"
ACCOUNT: Final = "prometheus"
USER: Final = "monitor"
"""Of PostgreSQL and Redis: it reads figures, and no data."""
USERS: Final = ("", f"{USER}@")
KEPT_FOR: Final = "15d"
KEPT_BYTES_MAX: Final = "1GB"
COLLECTORS: Final = ("cpu", "filesystem", "loadavg", "meminfo", "textfile", "time")
"""Of the machine: what an alarm or a dashboard shows, and not the two thousand figures beside it."""


def programs(layout: Layout, binaries: Mapping[str, Path], passwords: Passwords) -> list[Program]:
    """Prometheus, and an exporter for everything that does not answer it by itself."""
    ports = layout.ports
    postgres, redis = _password_files(layout, passwords)
    layout.metrics.mkdir(exist_ok=True)
    layout.metrics.chmod(0o755)  # the exporter has an account of its own
    wanted: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "postgres": (
            ("--log.level=warn",),
            {
                "DATA_SOURCE_URI": f"127.0.0.1:{ports.postgres}/postgres?sslmode=disable",
                "DATA_SOURCE_USER": USER,
                "DATA_SOURCE_PASS_FILE": str(postgres),
            },
        ),
        "redis": (
            (
                *(f"--redis.addr=redis://127.0.0.1:{ports.redis}", f"--redis.user={USER}"),
                *(f"--redis.password-file={redis}", "--redis-only-metrics"),
            ),
            {},
        ),
        "nginx": ((f"--nginx.scrape-uri=http://127.0.0.1:{ports.gateway_http}/_status",), {}),
        "machine": (
            (
                *("--log.level=warn", "--collector.disable-defaults"),
                *(f"--collector.{name}" for name in COLLECTORS),
                f"--collector.textfile.directory={layout.metrics}",
            ),
            {},
        ),
    }
    exporters = [_exporter(layout, name, binaries[name], *how) for name, how in wanted.items()]
    return [*exporters, _alertmanager(layout, binaries["alarms"]), _prometheus(layout, binaries["prometheus"])]


def _password_files(layout: Layout, passwords: Passwords) -> tuple[Path, Path]:
    """The passwords for PostgreSQL and Redis, each in a file: a program's settings and environment are read by many."""
    home = accounts.home_for(ACCOUNT, layout.state_of("prometheus"))
    files = home / "postgres_password", home / "redis_passwords"
    # Newer exporters look it up with the user in the address, and Debian's without.
    by_address = {f"redis://{who}127.0.0.1:{layout.ports.redis}": passwords.of("redis:monitor") for who in USERS}
    for file, text in zip(files, (passwords.of("postgres:monitor"), json.dumps(by_address)), strict=True):
        accounts.write_private(file, text, ACCOUNT)
    return files


def _exporter(
    layout: Layout, name: str, binary: Path, options: tuple[str, ...], environment: Mapping[str, str]
) -> Program:
    port = layout.ports.exporter(name)
    return Program(
        name=f"{name}-exporter",
        group="monitoring",
        command=(str(binary), f"--web.listen-address=127.0.0.1:{port}", *options),
        directory=Path("/"),
        why_not_ready=lambda: why_not_ready(port, "/metrics"),
        environment=environment,
        account=accounts.account_for(ACCOUNT),
    )


def alarms_go_to(told: Path) -> str:
    """Alertmanager's settings: ours, and the operator's receiver as a file tells it, if there is one.

    Raises:
        StackError: when the file does not hold a receiver.
    """
    settings = yaml.safe_load((CONFIG / "alertmanager.yml").read_text())
    receiver = yaml.safe_load(told.read_text()) if told.exists() else {}
    if not isinstance(receiver, dict) or not all(str(name).endswith("_configs") for name in receiver):
        raise StackError(f"{told} has to hold what a receiver of Alertmanager does, such as webhook_configs")
    return yaml.safe_dump({**settings, "receivers": [{"name": RECEIVER, **receiver}]}, sort_keys=False)


def _alertmanager(layout: Layout, binary: Path) -> Program:
    home = accounts.home_for(ACCOUNT, layout.state_of("alertmanager"))
    settings = home / "alertmanager.yml"
    accounts.write_private(settings, alarms_go_to(layout.alarms_file), ACCOUNT)
    port = layout.ports.exporter("alarms")
    return Program(
        name="alertmanager",
        group="monitoring",
        command=(
            *(str(binary), f"--config.file={settings}", f"--storage.path={home}", "--cluster.listen-address="),
            *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
        ),
        directory=home,
        why_not_ready=lambda: why_not_ready(port, "/-/ready"),
        depends_on=(settings,),
        account=accounts.account_for(ACCOUNT),
    )


def _prometheus(layout: Layout, binary: Path) -> Program:
    home = accounts.home_for(ACCOUNT, layout.state_of("prometheus"))
    data = accounts.home_for(ACCOUNT, home / "data")
    for name in SHARED_FILES:
        accounts.write_private(home / name, (CONFIG / name).read_text(), ACCOUNT)
    accounts.write_private(home / TARGETS, json.dumps(list(targets(layout)), indent=1), ACCOUNT)
    who_tells = {"targets": [f"127.0.0.1:{layout.ports.exporter('alarms')}"]}
    accounts.write_private(home / ALERTMANAGERS, json.dumps([who_tells]), ACCOUNT)
    port = layout.ports.prometheus
    return Program(
        name="prometheus",
        group="monitoring",
        command=(
            *(str(binary), f"--config.file={home / SHARED_FILES[0]}", f"--storage.tsdb.path={data}"),
            *(f"--storage.tsdb.retention.time={KEPT_FOR}", f"--storage.tsdb.retention.size={KEPT_BYTES_MAX}"),
            *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
        ),
        directory=home,
        why_not_ready=lambda: why_not_ready(port, "/-/ready"),
        depends_on=tuple(home / name for name in (*SHARED_FILES, TARGETS, ALERTMANAGERS)),
        account=accounts.account_for(ACCOUNT),
        stop_seconds=30,
    )


def targets(layout: Layout) -> Iterator[dict[str, Any]]:
    """Who is asked, in Prometheus' own form: each group of addresses with its labels."""
    ports = layout.ports
    for service in SERVICES:
        yield _target(f"{service}-api", ports.api(service))
        yield _target(f"{service}-worker", ports.worker(service))
    for number in range(services.computer_count()):
        yield _target("backtest-compute", ports.computer(number))
    if nightly.time_of_day(os.environ) is not None:  # otherwise nobody keeps anything
        yield _target("backups", ports.backups)
    for name in EXPORTED:
        yield _target(name, ports.exporter(name))


def _target(job: str, port: int) -> dict[str, Any]:
    return {"targets": [f"127.0.0.1:{port}"], "labels": {"job": job}}
