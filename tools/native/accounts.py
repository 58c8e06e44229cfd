"""Which account each server runs under: ours when we are a normal user, an unprivileged one when we are root."""

import os
import pwd
import shutil
from pathlib import Path


def is_root() -> bool:
    return os.geteuid() == 0


def account_for(server: str) -> str | None:
    """The account that a server started by root must change to; None means that it stays with ours.

    PostgreSQL refuses to run as root. Debian's packages bring an account for each of our servers.
    """
    return server if is_root() else None


def home_for(server: str, directory: Path) -> Path:
    """Makes a private folder (0700) that belongs to the account of this server."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    give(directory, server)
    return directory


def give(path: Path, server: str) -> None:
    account = account_for(server)
    if account is not None:
        shutil.chown(path, account, pwd.getpwnam(account).pw_gid)


def write_private(path: Path, text: str, server: str | None = None, mode: int = 0o600) -> None:
    """Writes a file that only its owner can read, or who `mode` lets; `server` names whose it is, default ours.

    Whoever opens it finds the old text or the new one, whole and with its rights, after kill -9 and power cuts too.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    if server is not None:
        give(temporary, server)
    temporary.rename(path)


def everybody_may_enter(directory: Path) -> bool:
    """Whether accounts other than the owner's can pass through this folder and all folders above it."""
    existing = next(path for path in (directory, *directory.parents) if path.exists()).resolve()
    return all(path.stat().st_mode & 0o001 for path in (existing, *existing.parents))
