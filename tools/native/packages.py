"""The Debian packages behind the native stack: found, or installed without starting the machine's own servers."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.native import accounts
from tools.native.errors import PackagesMissing, StackError

POSTGRES_VERSION_MIN = 15
INSTALL_SECONDS_MAX = 600
NGINX_JS_MODULE = "ngx_http_js_module.so"

# Debian asks this program before it starts a freshly installed server; 101 means no.
POLICY_PROGRAM = Path("/usr/sbin/policy-rc.d")
LOCK = Path("/run/lock/exodus-packages")
POLICY_SAYS_NO = "#!/bin/sh\nexit 101\n"


@dataclass(frozen=True)
class Binaries:
    """Where the servers' programs are."""

    postgres: Path  # the folder with initdb and postgres
    redis: Path
    rabbitmq: Path
    epmd: Path
    nginx: Path
    nginx_js: Path


def find_postgres() -> Path | None:
    """The folder of the newest PostgreSQL that is new enough."""
    versions = {
        int(match[1]): path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")
        if (match := re.match(r"/usr/lib/postgresql/(\d+)/", str(path)))
    }
    newest = max(versions, default=0)
    return versions[newest] if newest >= POSTGRES_VERSION_MIN else None


def find_rabbitmq() -> Path | None:
    """The server's own start script: the one on the path is a wrapper that insists on the machine's folders."""
    return max(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"), default=None)


def _program(name: str) -> Path | None:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/usr/lib/erlang/bin")
    return Path(found) if found else None


def _nginx_js() -> Path | None:
    return next((path for path in Path("/usr/lib/nginx/modules").glob(NGINX_JS_MODULE)), None)


# Package → how we see that it is there.
WANTED = {
    "postgresql": find_postgres,
    "redis-server": lambda: _program("redis-server"),
    "rabbitmq-server": find_rabbitmq,
    "erlang-base": lambda: _program("epmd"),
    "nginx": lambda: _program("nginx"),
    "libnginx-mod-http-js": _nginx_js,
}


# Only where EXODUS_MONITORING=1 asks for them (tools/native/monitoring.py).
MONITORING = {
    "prometheus": "prometheus",
    "prometheus-node-exporter": "machine",
    "prometheus-postgres-exporter": "postgres",
    "prometheus-redis-exporter": "redis",
    "prometheus-nginx-exporter": "nginx",
    "prometheus-alertmanager": "alarms",
}


def ensure_monitoring() -> dict[str, Path]:
    """Prometheus and what belongs to it, installed where it is missing: what each watches → its program."""
    if missing := [package for package in MONITORING if _program(package) is None]:
        install(missing)
    found = {watched: path for package, watched in MONITORING.items() if (path := _program(package)) is not None}
    if still := MONITORING.values() - found.keys():
        raise StackError(f"installed, but still not found: the programs that watch {', '.join(sorted(still))}")
    return found


# Only for tests in which a process's clock is wrong.
CLOCK = "faketime"


def find_clock() -> Path | None:
    """The library that tells a process another time than the machine's, for processes of several threads."""
    return max(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), default=None)


def ensure_clock() -> Path:
    """The same, installed where it is missing; PackagesMissing says which command installs it for who is not root."""
    if find_clock() is None:
        install([CLOCK])
    if (found := find_clock()) is None:
        raise StackError(f"installed, but still not found: {CLOCK}")
    return found


def find() -> dict[str, Path]:
    """Package → its program, for each package that is here."""
    return {package: path for package, look in WANTED.items() if (path := look()) is not None}


def ensure() -> Binaries:
    """Finds the servers; installs what is missing when we are root, otherwise says which command does."""
    missing = [package for package in WANTED if package not in find()]
    if missing:
        install(missing)
    found = find()
    if still := [package for package in WANTED if package not in found]:
        raise StackError(f"installed, but still not found: {' '.join(still)}")
    return Binaries(*(found[package] for package in WANTED))


def install(packages: list[str]) -> None:
    """Installs Debian packages when we are root, otherwise says which command does; no server among them is started."""
    command = f"apt-get install --yes --no-install-recommends {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise PackagesMissing(f"missing: {' '.join(packages)}, and this is not a Debian; install them your way")
    if not accounts.is_root():
        raise PackagesMissing(f"missing packages. Run this, then try again:\n  sudo {command}")
    print(f"installing {' '.join(packages)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with alone(), servers_stay_off():
        for line in ("apt-get update -qq", f"{command} -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0"):
            result = subprocess.run(
                line.split(), env=environment, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX
            )
            if result.returncode != 0:
                raise StackError(f"`{line}` failed:\n{(result.stdout + result.stderr)[-2000:]}")


@contextlib.contextmanager
def alone(file: Path = LOCK) -> Iterator[None]:
    """While this holds, no other process of ours installs: it waits."""
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def servers_stay_off(program: Path = POLICY_PROGRAM) -> Iterator[None]:
    """While this holds, installing a package does not start its server; whatever policy was there comes back."""
    before = program.read_bytes() if program.exists() else None
    mode = program.stat().st_mode if program.exists() else 0
    program.write_text(POLICY_SAYS_NO)
    program.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            program.unlink()
        else:
            program.write_bytes(before)
            program.chmod(mode)
