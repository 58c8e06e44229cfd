"""Takes a backup: the whole database cluster at one instant, the secrets and audit heads that belong to it, sealed."""

import datetime as dt
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

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
BINARIES_VARIABLE = "EXODUS_POSTGRES_BIN"
VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
BEGINS: Final = re.compile(r"write-ahead log start point: ([0-9A-F]+)/([0-9A-F]+) on timeline (\d+)")
SEGMENT_BITS: Final = 24
"""16 MiB, as `initdb` makes it: a segment's name is its timeline and its number, in two halves."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself, readable without the key."""

    made_at: str
    postgres: int
    """The major version whose server can read it."""
    files: dict[str, str]
    """File → SHA-256 of it, as it lies there."""
    verified_at: str | None = None
    finished_at: str | None = None
    """When the copy was whole: the log leads to any moment after it."""
    log_from: str | None = None
    """The segment of the log that it begins in; none in backups of before the log was kept."""

    @classmethod
    def peek(cls, folder: Path) -> Self:
        """Read it, and none of the files it speaks of."""
        return cls(**json.loads((folder / MANIFEST).read_text()))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it, and see that every file is there and as it was.

        Raises:
            StackError: when there is none, or a file is missing or was changed.
        """
        if not (folder / MANIFEST).exists():
            raise StackError(f"{folder} holds no backup: there is no {MANIFEST}")
        manifest = cls.peek(folder)
        for name, digest in manifest.files.items():
            if not (folder / name).exists() or digest_of(folder / name) != digest:
                raise StackError(f"{folder / name} is missing or was changed since the backup was taken")
        return manifest

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


def name_of(moment: dt.datetime) -> str:
    """What a backup is called that was begun then."""
    return f"{moment:%Y%m%dT%H%M%S.%fZ}"


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
        # Readable: in containers the notification service, whose account is another, looks at it too.
        write_private(layout.backup_counted_from, moment.isoformat(), mode=0o644)


def counted_from(layout: Layout) -> dt.datetime:
    return dt.datetime.fromisoformat(layout.backup_counted_from.read_text().strip())


def list_all(folder: Path) -> list[Path]:
    """The backups in a folder, the oldest first."""
    return sorted(file.parent for file in folder.glob(f"[0-9]*/{MANIFEST}"))


def list_proved(folder: Path) -> list[Path]:
    """Those that were restored once, the oldest first."""
    return [backup for backup in list_all(folder) if Manifest.peek(backup).verified_at is not None]


def take(layout: Layout, moment: dt.datetime) -> Path:
    """Take a backup of a running stack; return its folder, whose name is the moment. An interrupted one leaves none.

    Raises:
        StackError: when the database does not answer or the disk is full.
    """
    key = backup_key(layout)
    target = folder_of(layout) / name_of(moment)
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    try:
        log_from = _copy_cluster(layout, unfinished / CLUSTER, key)
        finished_at = dt.datetime.now(dt.UTC).isoformat()
        with (unfinished / STACK).open("wb") as file:
            seal(_stack_of(layout), file, key)
        files = {name: digest_of(unfinished / name) for name in (CLUSTER, STACK)}
        manifest = Manifest(moment.isoformat(), postgres_major(), files, finished_at=finished_at, log_from=log_from)
        manifest.write(unfinished)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _copy_cluster(layout: Layout, target: Path, key: bytes) -> str:
    """Seal what pg_basebackup says, one compressed archive with the log that makes it whole; return where that begins.

    It copies files, so row-level security, which hides rows even from a table's owner, cannot make it leave any out.
    """
    user = credentials.BACKUP_USER
    command = [
        str(postgres_binaries() / "pg_basebackup"),
        *("--host", layout.database[0], "--port", str(layout.database[1]), "--username", user, "--no-password"),
        *("--pgdata", "-", "--format", "tar", "--wal-method", "fetch", "--checkpoint", "fast", "--compress", "gzip:1"),
        "--verbose",
    ]
    environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD": credentials.open_passwords(layout).of(user)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        with target.open("wb") as file:
            size_bytes = seal(running.stdout, file, key)
        said = running.stderr.read().decode(errors="replace").strip()
    if running.returncode != 0:
        raise StackError(f"the database could not be copied: {said or running.returncode}")
    if size_bytes == 0 or (begins := BEGINS.search(said)) is None:
        raise StackError(f"the database gave an empty backup, or did not say where its log begins: {said}")
    return segment_name(int(begins[3]), (int(begins[1], 16) << 32 | int(begins[2], 16)) >> SEGMENT_BITS)


def segment_name(timeline: int, number: int) -> str:
    """What PostgreSQL calls a segment of its log."""
    return f"{timeline:08X}{number >> 8:08X}{number & 0xFF:08X}"


def segment_after(name: str) -> str:
    """The name of the segment that follows."""
    number = int(name[8:16], 16) << 8 | int(name[16:], 16)
    return segment_name(int(name[:8], 16), number + 1)


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


def copy_away(path: Path, environment: Mapping[str, str]) -> bool:
    """Give a backup, or a piece of the log, to the command that takes it off this machine: its path is `$1`.

    Returns:
        Whether there is such a command.

    Raises:
        StackError: when the command fails: a backup on the same disk is none.
    """
    command = environment.get(COPY_VARIABLE)
    if not command:
        return False
    try:
        done = subprocess.run(
            ["sh", "-c", command, "sh", str(path)],
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=COPY_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired as late:
        raise StackError(f"{COPY_VARIABLE} took longer than {COPY_SECONDS_MAX} s") from late
    if done.returncode != 0:
        raise StackError(f"{COPY_VARIABLE} failed: {(done.stderr or done.stdout).strip() or done.returncode}")
    return True


def forget_old(layout: Layout, keep: int) -> list[Path]:
    """Remove all but the newest proved backups, and what was broken off or never proved: tries must not fill a disk."""
    here = folder_of(layout)
    kept = set(list_proved(here)[-keep:])
    old = [folder for folder in list_all(here) if folder not in kept]
    for folder in [*old, *here.glob(".*.unfinished")]:
        shutil.rmtree(folder)
    return old


def postgres_binaries() -> Path:
    """The folder with PostgreSQL's programs: this machine's, or what stands for them in a container."""
    told = os.environ.get(BINARIES_VARIABLE)
    return Path(told) if told else packages.ensure().postgres


def postgres_major() -> int:
    """The major version of those programs.

    Raises:
        StackError: when they do not say.
    """
    said = subprocess.run([postgres_binaries() / "postgres", "--version"], capture_output=True, text=True, check=False)
    if (version := VERSION.search(said.stdout)) is None:
        raise StackError(f"PostgreSQL does not say its version: {said.stdout}{said.stderr}")
    return int(version[1])


def scratch_of(layout: Layout) -> Path:
    """Where a backup is tried. In a container that is inside of what is mounted, which cannot be removed itself."""
    room = layout.directory / "scratch"
    return room / "stack" if room.is_mount() else room


def digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
