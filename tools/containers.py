"""The platform in containers: prepares secrets and settings for docker-compose.yml, then lets compose run it."""

import datetime as dt
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tools.native import certificates, credentials, postgres, rabbitmq, redis, services
from tools.native.errors import StackError
from tools.native.layout import ROOT, Layout
from tools.native.ports import SERVICES, require_free
from tools.native.probes import why_not_ready

ENGINE_SECONDS_MAX = 20
READY_SECONDS_MAX = 300
POLL_SECONDS = 1

# Inside the containers' own network ports cannot clash.
API_PORT = 8000
WORKER_PORT = 8001
GATEWAY_PORT = 8443
GATEWAY_HTTP_PORT = 8080
SERVERS = credentials.Addresses(postgres="postgres:5432", redis="redis:6379", amqp="rabbitmq:5672")

POSTGRES_SETTINGS = "listen_addresses = '*'\nshared_preload_libraries = 'timescaledb'\n"

# Engine → the compose command that speaks to it.
ENGINES = {"docker": ("docker", "compose"), "podman": ("podman-compose",)}


def compose_command() -> tuple[str, ...] | None:
    """The compose command whose engine really answers; a client without an engine does not count."""
    for engine, compose in ENGINES.items():
        if _answers(engine, "info") and _answers(*compose, "version"):
            return compose
    return None


def _answers(*command: str) -> bool:
    if not shutil.which(command[0]):
        return False
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=ENGINE_SECONDS_MAX).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def up(layout: Layout) -> None:
    """Builds, starts and waits until the gateway says that everything is ready."""
    services.require_all()
    if not _running(layout):
        require_free(layout.ports.edge())
    prepare(layout)
    compose(layout, "up", "--detach", "--build", "--remove-orphans")
    deadline = time.monotonic() + READY_SECONDS_MAX
    while reason := why_not_ready(layout.ports.gateway, "/health", tls=True):
        if time.monotonic() > deadline:
            compose(layout, "ps", "--all")
            raise StackError(f"the gateway is not ready after {READY_SECONDS_MAX} s ({reason}); see `make logs`")
        time.sleep(POLL_SECONDS)


def down(layout: Layout) -> None:
    compose(layout, "down")


def status(layout: Layout) -> bool:
    compose(layout, "ps", "--all")
    return why_not_ready(layout.ports.gateway, "/health", tls=True) is None


def logs(layout: Layout, names: Sequence[str], *, follow: bool) -> None:
    compose(layout, "logs", "--tail", "20", *(["--follow"] if follow else []), *names)


def clean(layout: Layout) -> None:
    """Stops everything and removes the containers' volumes."""
    compose(layout, "down", "--volumes")


def _running(layout: Layout) -> bool:
    return why_not_ready(layout.ports.gateway, "/health", tls=True) is None


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
    folder = layout.secrets / "containers"
    folder.mkdir(exist_ok=True)
    files = {
        "postgres_password": passwords.of(credentials.POSTGRES_ADMIN),
        "provision.sql": postgres.provision_script(passwords),
        "postgresql.conf": f"{POSTGRES_SETTINGS}{postgres.SETTINGS}{postgres.DURABLE}",
        "redis.conf": redis.settings(passwords, port=6379, folder="/tmp", permissions=redis.PERMISSIONS),  # noqa: S108
        "rabbitmq.conf": rabbitmq.settings("5672", "/etc/rabbitmq/definitions.json"),
        "definitions.json": rabbitmq.definitions(passwords.of("rabbitmq")),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    _render_gateway(layout, folder / "gateway")
    layout.audit_anchors.parent.mkdir(exist_ok=True)
    layout.audit_anchors.parent.chmod(0o777)  # auth's worker writes there
    for path in layout.secrets.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in [folder / "gateway", *(path for path in (folder / "gateway").rglob("*") if path.is_dir())]:
        path.chmod(0o777)  # nginx keeps its pid and temporary files here


def settings_of(layout: Layout, service: str) -> dict[str, str]:
    """What the service is told besides its secrets, as files in the same folder."""
    told = services.settings(
        service,
        environment="production",
        http_port=API_PORT,
        worker_port=WORKER_PORT,
        urls={name: f"http://{name}-api:{API_PORT}" for name in SERVICES},
    )
    if service == "auth":
        told |= {"AUTH_AUDIT_ANCHOR_FILE": "/audit/anchors", "AUTH_PUBLIC_URL": layout.public_url}
    return {name.lower(): text for name, text in told.items()}


def _render_gateway(layout: Layout, target: Path) -> None:
    """Rendered on this machine and mounted at the same path in the container, so that its paths hold in both."""
    from gateway.render import render  # noqa: PLC0415 - only needed when containers are used

    target.mkdir(exist_ok=True)
    certificates.ensure(layout.gateway, dt.datetime.now(dt.UTC))
    for name in (certificates.CERTIFICATE, certificates.KEY, "keys.json"):
        shutil.copyfile(layout.gateway / name, target / name)
    web_root = ROOT / "web" / "dist"
    render(
        target,
        https_port=GATEWAY_PORT,
        http_port=GATEWAY_HTTP_PORT,
        upstreams={service: f"{service}-api:{API_PORT}" for service in SERVICES},
        certificate=target / certificates.CERTIFICATE,
        key=target / certificates.KEY,
        keys_file=target / "keys.json",
        module_path="/usr/lib/nginx/modules/ngx_http_js_module.so",
        log_dir=Path("/tmp"),  # noqa: S108 - the container's own, in memory
        web_root=web_root if web_root.exists() else None,
        listen_address="0.0.0.0",  # noqa: S104 - inside the container; compose publishes it
    )


def compose(layout: Layout, *arguments: str) -> None:
    command = compose_command()
    if command is None:
        raise StackError("no container engine answers: `docker info` and `podman info` fail. Use `up --native`.")
    environment = {
        **os.environ,
        "EXODUS_STACK_DIR": str(layout.directory),
        "EXODUS_GATEWAY_PORT": str(layout.ports.gateway),
        "EXODUS_GATEWAY_HTTP_PORT": str(layout.ports.gateway_http),
    }
    file = str(ROOT / "docker-compose.yml")
    if subprocess.run([*command, "--file", file, *arguments], env=environment, check=False).returncode != 0:
        raise StackError(f"`{' '.join(command)} {' '.join(arguments)}` failed")
