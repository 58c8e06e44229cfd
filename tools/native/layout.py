"""Where one stack keeps its state and which ports it uses: everything else asks here."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Self

from tools.native import accounts
from tools.native.errors import StackError
from tools.native.ports import Colour, Ports
from tools.native.versions import Versions

ROOT = Path(__file__).resolve().parents[2]
STACK_DIR_DEFAULT = ".stack"
HTTPS_PORT = 443
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - only where the operator says so

# Unix sockets have at most 107 usable bytes in their path, and supervisord binds to "<path>.<pid>" first.
SOCKET_PATH_BYTES_MAX = 95
SOCKET_FOLDER = re.compile(r"[A-Za-z0-9/._-]{1,92}")
"""A folder for PostgreSQL's socket: no address and no setting has to escape it, and `/.s.PGSQL.65535` still fits."""

# How a stack runs: as processes, in the official images, or in images made from Debian's packages (deploy/offline).
# A stack keeps to what it was first started as, because the servers' data does.
NATIVE, CONTAINERS, OFFLINE = MODES = ("native", "containers", "offline")

# Marks a folder as a stack's, so that `clean` never removes anything else.
MARKER = ".exodus-stack"
MODE = 0o711
"""Servers with their own accounts pass through; nobody else can list it."""

# Where the state lives when root cloned into a folder that the servers' own accounts cannot enter.
UNREACHABLE_STATE_PARENT = Path("/var/lib")


@dataclass(frozen=True)
class Layout:
    """One stack: its folder and its ports. `disposable` stacks trade durability for speed (tests)."""

    directory: Path
    ports: Ports
    disposable: bool = False
    address: str = ""
    """Where people reach the gateway, if that is not this machine: `https://exodus.example`."""
    listens_at: str = LOOPBACK
    """Whom the gateway of a native stack lets in: this machine, or everybody who reaches it."""
    allowed: tuple[str, ...] = ()
    """The networks that may come in at all; everybody, when none is named."""
    postgres_at: str = ""
    """Where the database is for the keeper of backups in a container (`host:port`); elsewhere it is on loopback."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The stack that the environment names, in the colour that is live."""
        address = environment.get("EXODUS_PUBLIC_URL", "").rstrip("/")
        listens_at = environment.get("EXODUS_LISTEN") or LOOPBACK
        if listens_at not in {LOOPBACK, EVERYWHERE}:
            raise StackError(f"EXODUS_LISTEN={listens_at} is neither {LOOPBACK} nor {EVERYWHERE}.")
        allowed = tuple(filter(None, re.split(r"[\s,]+", environment.get("EXODUS_ALLOW", ""))))
        for network in allowed:
            try:
                ip_network(network)
            except ValueError as wrong:
                raise StackError(f"EXODUS_ALLOW: {wrong}") from wrong
        directory, ports = settle(shown_directory(environment)), Ports.from_environment(environment)
        found = cls(directory, ports, address=address, listens_at=listens_at, allowed=allowed)
        found = replace(found, postgres_at=environment.get("EXODUS_POSTGRES_ADDRESS", ""))
        return found.wearing(found.versions.live)

    def wearing(self, colour: Colour) -> Self:
        """The same stack, as the services of this colour see it."""
        return replace(self, ports=replace(self.ports, colour=colour))

    @property
    def public_url(self) -> str:
        """The origin of the gateway, as a browser writes it."""
        port = "" if self.ports.gateway == HTTPS_PORT else f":{self.ports.gateway}"
        return self.address or f"https://localhost{port}"

    @property
    def database(self) -> tuple[str, int]:
        """Host and port of PostgreSQL, for whoever is where this stack's own programs are."""
        host, _, port = self.postgres_at.partition(":")
        return (host, int(port)) if host else (LOOPBACK, self.ports.postgres)

    @property
    def database_socket(self) -> Path | None:
        """The folder of PostgreSQL's socket; None where it has none: its path is out of the ordinary, or not here."""
        folder = self.state_of("postgres")
        return folder if SOCKET_FOLDER.fullmatch(str(folder)) and not self.postgres_at else None

    @property
    def mode_file(self) -> Path:
        return self.directory / "mode"

    @property
    def mode(self) -> str | None:
        """How this stack runs (one of MODES); None before it was first started."""
        return self.mode_file.read_text().strip() if self.mode_file.exists() else None

    @property
    def in_containers(self) -> bool:
        return self.mode in {CONTAINERS, OFFLINE}

    @property
    def versions_file(self) -> Path:
        return self.directory / "versions.json"

    @property
    def versions(self) -> Versions:
        """Which colour is live, as the last release left it."""
        return Versions.read(self.versions_file)

    @property
    def code_copy(self) -> Path:
        """Where the code of this colour is kept: a release, or a pull, changes nothing under a running process."""
        return self.directory / "code" / self.ports.colour

    @property
    def code(self) -> Path:
        """Where this colour's processes import from: their copy, or the repository before the first start."""
        return self.code_copy if self.code_copy.exists() else ROOT

    @property
    def quarantine_file(self) -> Path:
        """There while what was restored must not reach anybody (tools/backups/quarantine.py)."""
        return self.directory / "quarantine"

    @property
    def backup_counted_from(self) -> Path:
        """The moment from which the age of backups counts: the newest proved one, or the making of the stack."""
        return self.directory / "backups" / "counted_from"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def secrets(self) -> Path:
        return self.directory / "secrets"

    @property
    def gateway(self) -> Path:
        return self.directory / "gateway"

    @property
    def alarms_file(self) -> Path:
        """Whom alarms go to, as the operator says it (docs/monitoring.md); not there when they go to nobody."""
        return self.secrets / "alarms.yml"

    def gateway_folders(self) -> list[Path]:
        """Where keys and certificates of the gateway lie: here, and in what its container is given, if there is one."""
        self.gateway.mkdir(mode=0o755, exist_ok=True)
        contained = self.secrets / "containers" / "gateway"
        return [self.gateway, *([contained] if contained.is_dir() else [])]

    @property
    def audit_anchors(self) -> Path:
        """Where heads of the audit log are written down, outside the database."""
        return self.directory / "audit" / "anchors"

    @property
    def metrics(self) -> Path:
        """Figures that programs leave behind for Prometheus, one `.prom` file each, such as a backup's age."""
        return self.directory / "metrics"

    @property
    def supervisor_config(self) -> Path:
        return self.directory / "supervisor" / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        return socket_path(self.directory)

    def state_of(self, server: str) -> Path:
        """The private folder of one server."""
        return self.directory / server


def monitoring_is_wanted() -> bool:
    """Whether `make up` was asked for Prometheus and its exporters too."""
    return os.environ.get("EXODUS_MONITORING") == "1"


def shown_directory(environment: Mapping[str, str]) -> Path:
    """The stack's folder as its user names it, before links are followed."""
    return Path(environment.get("EXODUS_STACK_DIR") or ROOT / STACK_DIR_DEFAULT).absolute()


def settle(directory: Path) -> Path:
    """The real, absolute path of the stack's folder, made if it is missing.

    Root's servers run under accounts of their own. When those cannot enter the folder (a clone in /root), the state
    moves to /var/lib and the folder becomes a link to it, so that `.stack/` looks the same everywhere.
    """
    directory = directory.absolute()
    if accounts.is_root() and not directory.exists() and not accounts.everybody_may_enter(directory.parent):
        elsewhere = UNREACHABLE_STATE_PARENT / f"exodus-{fingerprint(directory)}"
        _make(elsewhere)
        directory.unlink(missing_ok=True)
        directory.symlink_to(elsewhere)
    _make(directory)
    return directory.resolve()


def _make(directory: Path) -> None:
    if directory.exists() and not (directory / MARKER).exists() and any(directory.iterdir()):
        raise StackError(f"{directory} holds other things. Point EXODUS_STACK_DIR at an empty or a new folder.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if directory.stat().st_mode & 0o777 != MODE:
            directory.chmod(MODE)
        if not (directory / MARKER).exists():
            (directory / MARKER).touch()
    except OSError as error:
        raise StackError(f"cannot use {directory} for state: {error.strerror}. Set EXODUS_STACK_DIR.") from error


def socket_path(directory: Path) -> Path:
    """The supervisor's socket: in the stack's folder, or at a short path of its own where that is too long."""
    inside = directory / "supervisor" / "socket"
    if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES_MAX:
        return inside
    parent = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"  # noqa: S108 - the folder below is ours alone, mode 0700
    return Path(parent) / f"exodus-{os.getuid()}-{fingerprint(directory)}" / "socket"


def fingerprint(directory: Path) -> str:
    return hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
