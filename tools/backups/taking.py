"""Takes a backup: the whole database cluster at one instant, the secrets and audit heads that belong to it, sealed."""

import datetime as dt
import fcntl
import hashlib
import io
import json
import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from tools.backups.sealing import KEY_BYTES, seal
from tools.native import certificates, credentials, packages, signing_keys
from tools.native.accounts import write_private
from tools.native.errors import StackError
from tools.native.layout import Layout

CLUSTER = "cluster.tar.gz.sealed"
STACK = "stack.tar.sealed"
INVENTORY = "inventory.json.sealed"
MANIFEST = "manifest.json"
KEY_FILE = "backup_key"
# What is told by the running stack itself, and the key, which must not lie in what it opens.
LEFT_OUT = frozenset({KEY_FILE, "containers"})
METRICS = "backup.prom"
LOCK = ".lock"
COPY_VARIABLE = "EXODUS_BACKUP_COPY"
COPY_SECONDS_MAX = 3600


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself, readable without the key."""

    made_at: str
    postgres: int
    """The major version whose server can read it."""
    files: dict[str, str]
    """File → SHA-256 of it, as it lies there."""
    verified_at: str | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it, and see that every file is there and as it was.

        Raises:
            StackError: when there is none, or a file is missing or was changed.
        """
        file = folder / MANIFEST
        if not file.exists():
            raise StackError(f"{folder} holds no backup: there is no {MANIFEST}")
        manifest = cls(**json.loads(file.read_text()))
        for name, digest in manifest.files.items():
            if not (folder / name).exists() or digest_of(folder / name) != digest:
                raise StackError(f"{folder / name} is missing or was changed since the backup was taken")
        return manifest

    @staticmethod
    def is_proved(folder: Path) -> bool:
        """Whether this backup was restored once, without reading all of it again."""
        return json.loads((folder / MANIFEST).read_text())["verified_at"] is not None

    def write(self, folder: Path) -> None:
        write_private(folder / MANIFEST, json.dumps(asdict(self), indent=1))


def backup_key(layout: Layout) -> bytes:
    """The key that seals this stack's backups, made when it is first asked for."""
    file = layout.secrets / KEY_FILE
    if not file.exists():
        write_private(file, secrets.token_hex(KEY_BYTES))
    return key_from(file)


def key_from(file: Path) -> bytes:
    """A backup key from its file.

    Raises:
        StackError: when it is none.
    """
    try:
        return bytes.fromhex(file.read_text().strip())
    except (OSError, ValueError) as wrong:
        raise StackError(f"{file} holds no backup key: {KEY_BYTES * 2} hexadecimal digits are needed") from wrong


def folder_of(layout: Layout) -> Path:
    folder = layout.directory / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Be the only one who takes backups of this stack; who dies lets go.

    Raises:
        StackError: when somebody else is at it.
    """
    with (folder_of(layout) / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise StackError("a backup of this stack is being taken already") from taken
        yield


def count_from(layout: Layout, moment: dt.datetime, *, proved: bool = False) -> None:
    """Begin to count the age of backups: from a proved one, or from a stack's making, which is written down once."""
    folder_of(layout)
    if proved or not layout.backup_counted_from.exists():
        write_private(layout.backup_counted_from, moment.isoformat())


def counted_from(layout: Layout) -> dt.datetime:
    return dt.datetime.fromisoformat(layout.backup_counted_from.read_text().strip())


def list_all(layout: Layout) -> list[Path]:
    """The backups of this stack, the oldest first."""
    return sorted(file.parent for file in folder_of(layout).glob(f"[0-9]*/{MANIFEST}"))


def take(layout: Layout, moment: dt.datetime) -> Path:
    """Take a backup of a running stack; return its folder, whose name is the moment. An interrupted one leaves none.

    Raises:
        StackError: when the database does not answer or the disk is full.
    """
    key = backup_key(layout)
    target = folder_of(layout) / f"{moment:%Y%m%dT%H%M%S.%fZ}"
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    try:
        with _cluster(layout) as cluster, (unfinished / CLUSTER).open("wb") as file:
            if seal(cluster, file, key) == 0:
                raise StackError("the database gave an empty backup")
        with (unfinished / STACK).open("wb") as file:
            seal(_stack_of(layout), file, key)
        files = {name: digest_of(unfinished / name) for name in (CLUSTER, STACK)}
        Manifest(moment.isoformat(), postgres_major(), files).write(unfinished)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


@contextmanager
def _cluster(layout: Layout) -> Iterator[IO[bytes]]:
    """What pg_basebackup says: one compressed archive with the log that makes it whole.

    It copies files, so row-level security, which hides rows even from a table's owner, cannot make it leave any out.
    """
    user = credentials.BACKUP_USER
    command = [
        str(packages.ensure().postgres / "pg_basebackup"),
        *("--host", "127.0.0.1", "--port", str(layout.ports.postgres), "--username", user, "--no-password"),
        *("--pgdata", "-", "--format", "tar", "--wal-method", "fetch", "--checkpoint", "fast", "--compress", "gzip:1"),
    ]
    environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD": credentials.open_passwords(layout).of(user)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        yield running.stdout
        said = running.stderr.read().decode(errors="replace").strip()
    if running.returncode != 0:
        raise StackError(f"the database could not be copied: {said or running.returncode}")


def _stack_of(layout: Layout) -> io.BytesIO:
    """Secrets, certificate and audit heads: without them the sealed rows of the cluster are lost. A few kilobytes.

    The key that signs access tokens stays out: a restored stack makes a new one, so no token from before is good there,
    whatever became of its session in the time that the backup does not know.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(layout.secrets.iterdir()):
            if path.name not in LEFT_OUT:
                tar.add(path, f"secrets/{path.name}", filter=_without_signing_key)
        for name in (certificates.CERTIFICATE, certificates.KEY):
            if (layout.gateway / name).exists():
                tar.add(layout.gateway / name, f"gateway/{name}")
        if layout.audit_anchors.exists():
            tar.add(layout.audit_anchors, "audit/anchors")
    archive.seek(0)
    return archive


def _without_signing_key(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(member.name).name == signing_keys.FILE else member


def copy_away(folder: Path) -> None:
    """Give the backup to the command that takes it off this machine, if there is one: its path is `$1`.

    Raises:
        StackError: when the command fails: a backup on the same disk is none.
    """
    command = os.environ.get(COPY_VARIABLE)
    if not command:
        print(f"note: {COPY_VARIABLE} names no command that takes backups off this machine")
        return
    done = subprocess.run(
        ["sh", "-c", command, "sh", str(folder)], capture_output=True, text=True, check=False, timeout=COPY_SECONDS_MAX
    )
    if done.returncode != 0:
        raise StackError(f"{COPY_VARIABLE} failed: {(done.stderr or done.stdout).strip() or done.returncode}")


def forget_old(layout: Layout, keep: int) -> list[Path]:
    """Remove all but the newest proved backups, and what was broken off or never proved: tries must not fill a disk."""
    proved = [folder for folder in list_all(layout) if Manifest.is_proved(folder)]
    kept = set(proved[-keep:])
    old = [folder for folder in list_all(layout) if folder not in kept]
    for folder in [*old, *folder_of(layout).glob(".*.unfinished")]:
        shutil.rmtree(folder)
    return old


def postgres_major() -> int:
    return int(packages.ensure().postgres.parent.name)


def digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
