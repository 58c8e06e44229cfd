"""Looks for secrets in what is committed: `python -m tools.supply.leaks`, a part of `make check`.

detect-secrets reads every file; what it holds for a secret and is none is in `audited.yml`, with the reason. An entry
there that fits nothing any more fails too. A file that was read is read again only when it changes.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

ROOT: Final = Path(__file__).resolve().parents[2]
AUDITED: Final = Path(__file__).with_name("audited.yml")
CACHE: Final = ROOT / ".leaks_cache"
LOCKS: Final = frozenset({"requirements.lock", "requirements-dev.lock", "web/package-lock.json"})
"""Hashes and nothing else: tools/supply/locked.py reads every line of them."""
FILES_AT_ONCE: Final = 20
DIGITS: Final = 16


class Found(NamedTuple):
    """One thing that looks like a secret. The thing itself is not kept, and not shown."""

    path: str
    line: int
    looks_like: str
    mark: str
    """The beginning of its SHA-1, by which an audited one is known wherever in the file it moves."""


def look(root: Path, paths: Iterable[str]) -> list[Found]:
    """Read files for secrets."""
    found = []
    with default_settings():
        for path in paths:
            seen = SecretsCollection(root=str(root))
            seen.scan_file(path)
            found += [Found(path, secret.line_number, secret.type, secret.secret_hash[:DIGITS]) for _, secret in seen]
    return sorted(set(found))


def tracked(root: Path) -> list[str]:
    """What is committed or about to be, without what `.gitignore` leaves out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60).stdout
    files = {path for path in listed.split("\0") if path} - LOCKS
    return sorted(path for path in files if (root / path).is_file())


def find(root: Path, cache: Path) -> list[Found]:
    """Read every file that is not known as it is now, on all processors."""
    known: dict[str, list[list[str | int]]] = json.loads(cache.read_text()) if cache.exists() else {}
    digests = {path: _digest(root / path) for path in tracked(root)}
    unknown = [path for path, digest in digests.items() if f"{path} {digest}" not in known]
    parts = [unknown[at : at + FILES_AT_ONCE] for at in range(0, len(unknown), FILES_AT_ONCE)]
    with ProcessPoolExecutor(os.cpu_count()) as readers:
        read = [one for part in readers.map(look, [root] * len(parts), parts) for one in part]
    by_file: dict[str, list[list[str | int]]] = {f"{path} {digests[path]}": [] for path in unknown}
    for one in read:
        by_file[f"{one.path} {digests[one.path]}"].append(list(one))
    now = {name: (known | by_file)[name] for name in (f"{path} {digest}" for path, digest in digests.items())}
    cache.write_text(json.dumps(now))
    return [Found(*each) for name in now for each in now[name]]  # type: ignore[arg-type]  # as it was written


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:DIGITS]


def judge(found: Iterable[Found], audited: dict[str, dict[str, str]]) -> list[str]:
    """One line for each secret that nobody has looked at, and for each entry that fits nothing."""
    there = {(one.path, one.mark): one for one in found}
    lines = [
        f"{one.path}:{one.line}: looks like a secret ({one.looks_like}); take it out, and change it if it was pushed. "
        f"If it is none, {AUDITED.name} needs `{one.mark}` under `{one.path}`, with the reason"
        for (path, mark), one in sorted(there.items())
        if mark not in audited.get(path, {})
    ]
    return lines + [
        f"{AUDITED.name}: `{mark}` of {path} fits nothing any more: remove it"
        for path, marks in audited.items()
        for mark in marks
        if (path, mark) not in there
    ]


def main(root: Path = ROOT, cache: Path = CACHE, audited: Path = AUDITED) -> int:
    """Say what was found; the exit status is 0 only when it is nothing new."""
    known = yaml.safe_load(audited.read_text()) or {}
    lines = judge(find(root, cache), known)
    print("\n".join(lines) or f"no secrets: {sum(map(len, known.values()))} lookalikes are known")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
