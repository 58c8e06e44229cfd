"""What the containers are given: secrets, settings and the gateway's configuration, as files that compose mounts."""

import datetime as dt
import json
import os
import shutil
from pathlib import Path

from gateway.render import render
from tools import web
from tools.backups import log, nightly, taking
from tools.native import certificates, credentials, emulators, monitoring, postgres, rabbitmq, redis, services
from tools.native.layout import OFFLINE, Layout, fingerprint
from tools.native.ports import SERVICES

# Inside the containers' own network ports cannot clash.
API_PORT = 8000
WORKER_PORT = 8001
GATEWAY_PORT = 8443
GATEWAY_HTTP_PORT = 8080
SERVERS = credentials.Addresses(postgres="postgres:5432", redis="redis:6379", amqp="rabbitmq:5672")
REDIS_AS_MONITOR = ("redis://monitor@redis:6379", "redis://redis:6379")
"""Where the exporter finds its password: newer ones look it up with the user in the address, and Debian's without."""

EMULATED = {name: f"{each.served_by or name}-emulator:{API_PORT}" for name, each in emulators.EMULATORS.items()}
"""Where the emulators of deploy/emulators.yml answer, by broker."""

# The offline images' nginx looks a name up once, so that with them the APIs have addresses of their own instead. The
# last numbers are those of deploy/offline/compose.yml.
FIRST_API_NUMBER = 201


WRITTEN_BY_CONTAINERS = ("audit", "backups", "log", "metrics", "scratch")
"""Folders of the stack in which containers leave something: heads of the audit log, backups, and what these need."""

HBA = f"""\
local all all trust
host all all all scram-sha-256
host replication {credentials.BACKUP_USER} all scram-sha-256
"""
"""As the image has it, and whoever copies the cluster may. Its own socket is inside of its container."""


def prepare(layout: Layout) -> None:
    """Writes every file that docker-compose.yml mounts.

    The containers' accounts are not ours, so these files are readable by all; the folder above them, `secrets`, is
    not (0700): on this machine only we get in.
    """
    passwords = credentials.write_all(layout, SERVERS)
    for service in SERVICES:
        folder = layout.secrets / service
        for name, text in settings_of(layout, service).items():
            (folder / name).write_text(text)
    (layout.secrets / "broker" / "emulators.json").write_text(emulators.brokers_at(EMULATED))
    nightly.time_of_day(os.environ)
    log.days_kept(os.environ)  # both said wrongly are said now
    taking.backup_key(layout)
    folder = layout.secrets / "containers"
    folder.mkdir(exist_ok=True)
    files = {
        "postgres_password": passwords.of(credentials.POSTGRES_ADMIN),
        "provision.sql": postgres.provision_script(passwords),
        "postgresql.conf": postgres_settings(layout),
        "pg_hba.conf": HBA,
        "redis.conf": redis.settings(passwords, port=6379, folder="/tmp", permissions=redis.PERMISSIONS),  # noqa: S108
        "rabbitmq.conf": rabbitmq.settings("5672", "/etc/rabbitmq/definitions.json"),
        "definitions.json": rabbitmq.definitions(passwords),
        "monitor_postgres_password": passwords.of("postgres:monitor"),
        "grafana_password": passwords.of("grafana"),
        "alertmanager.yml": monitoring.alarms_go_to(layout.alarms_file),
        "monitor_redis_passwords": json.dumps(dict.fromkeys(REDIS_AS_MONITOR, passwords.of("redis:monitor"))),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    _render_gateway(layout, folder / "gateway")
    for name in WRITTEN_BY_CONTAINERS:
        shared = layout.directory / name
        shared.mkdir(exist_ok=True)
        shared.chmod(0o1777)  # whose accounts are not ours; what one of them wrote no other removes
    for path in layout.secrets.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in [folder / "gateway", *(path for path in (folder / "gateway").rglob("*") if path.is_dir())]:
        path.chmod(0o777)  # nginx keeps its pid and temporary files here


def postgres_settings(layout: Layout) -> str:
    """Debian has no TimescaleDB; without it, bars lie in plain partitions. The log is kept if somebody fetches it."""
    timescale = "" if layout.mode == OFFLINE else "shared_preload_libraries = 'timescaledb'\n"
    kept = nightly.time_of_day(os.environ) is not None and not layout.quarantine_file.exists()
    log = postgres.log_settings(Path("/log")) if kept else postgres.LOG_NOT_KEPT
    where = "listen_addresses = '*'\nhba_file = '/etc/pg_hba.conf'\n"
    return f"{where}{timescale}{postgres.SETTINGS}{postgres.DURABLE}{log}"


def upstreams(layout: Layout) -> dict[str, str]:
    """Where the gateway finds each API: by name, or by address where its nginx cannot follow names."""
    if layout.mode == OFFLINE:
        return {
            service: f"{subnet(layout)}.{number}:{API_PORT}"
            for number, service in enumerate(SERVICES, start=FIRST_API_NUMBER)
        }
    return {service: f"{service}-api:{API_PORT}" for service in SERVICES}


def subnet(layout: Layout) -> str:
    """The first three numbers of the containers' own network: derived, so that two stacks differ, or as told."""
    return os.environ.get("EXODUS_SUBNET") or f"10.213.{int(fingerprint(layout.directory)[:2], 16)}"


def settings_of(layout: Layout, service: str) -> dict[str, str]:
    """What the service is told besides its secrets, as files in the same folder."""
    told = services.settings(
        service,
        environment="production",
        http_port=API_PORT,
        worker_port=WORKER_PORT,
        urls={name: f"http://{name}-api:{API_PORT}" for name in SERVICES},
        public_url=layout.public_url,
    )
    told[f"{service.upper()}_WORKER_HOST"] = "0.0.0.0"  # noqa: S104 - inside the container; compose publishes nothing of it
    if service == "notification":
        told["NOTIFICATION_BACKUP_COUNTED_FROM_FILE"] = "/backups/counted_from"
    if service == "auth":
        told["AUTH_AUDIT_ANCHOR_FILE"] = "/audit/anchors"
    return {name.lower(): text for name, text in told.items()}


def _render_gateway(layout: Layout, target: Path) -> None:
    """Rendered on this machine and mounted at the same path in the container, so that its paths hold in both."""
    target.mkdir(exist_ok=True)
    certificates.ensure(layout.gateway, dt.datetime.now(dt.UTC))
    for name in (certificates.CERTIFICATE, certificates.KEY, "keys.json"):
        shutil.copyfile(layout.gateway / name, target / name)
    web_root = target / "web"
    shutil.rmtree(web_root, ignore_errors=True)
    if web.DIST.exists():
        shutil.copytree(web.DIST, web_root)  # what is in `target` is mounted, what is in the repository is not
    render(
        target,
        https_port=GATEWAY_PORT,
        http_port=GATEWAY_HTTP_PORT,
        upstreams=upstreams(layout),
        certificate=target / certificates.CERTIFICATE,
        key=target / certificates.KEY,
        keys_file=target / "keys.json",
        module_path="/usr/lib/nginx/modules/ngx_http_js_module.so",
        log_dir=None,  # the engine keeps it, as of every container
        web_root=web_root if web_root.exists() else None,
        allowed=layout.allowed,
        listen_address="0.0.0.0",  # noqa: S104 - inside the container; compose publishes it
    )
