"""Reads the lock files: every package that is installed, by name, version and hashes."""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tools.native.errors import StackError

ROOT: Final = Path(__file__).resolve().parents[2]
SHIPPED: Final = ROOT / "requirements.lock"
WITH_TOOLS: Final = ROOT / "requirements-dev.lock"
WEB: Final = ROOT / "web" / "package-lock.json"
PINNED: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
HASHED: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
INSIDE: Final = "node_modules/"


@dataclass(frozen=True, order=True)
class Locked:
    """One package at one version."""

    kind: Literal["pypi", "npm"]
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...]
    """Of each file that may be installed: algorithm as CycloneDX writes it, and hexadecimal digits."""
    licence: str | None = None
    only_for_building: bool = False

    @property
    def purl(self) -> str:
        """The package's address in every tool that knows of packages."""
        return f"pkg:{self.kind}/{self.name.replace('@', '%40')}@{self.version.replace('+', '%2B')}"


def python(lock: Path) -> list[Locked]:
    """What a requirements lock has installed.

    Raises:
        StackError: when a line is not pinned to a version and to hashes.
    """
    found = []
    for entry in re.split(r"\n(?=\S)", lock.read_text().strip()):
        pinned, hashes = PINNED.match(entry), HASHED.findall(entry)
        if pinned is None or not hashes:
            raise StackError(f"{lock.name}: `{entry.splitlines()[0]}` is not pinned to a version and hashes")
        name = re.sub(r"[-_.]+", "-", pinned["name"]).lower()
        found.append(Locked("pypi", name, pinned["version"], tuple(("SHA-256", digest) for digest in hashes)))
    return sorted(found)


def web(lock: Path = WEB) -> list[Locked]:
    """What the web client's lock has installed; what only builds it is marked.

    Raises:
        StackError: when a package has no hash.
    """
    found = set()
    for path, told in json.loads(lock.read_text())["packages"].items():
        if not path or told.get("link"):
            continue
        name = told.get("name") or path.rpartition(INSIDE)[2]
        if not told.get("integrity"):
            raise StackError(f"{lock.name}: {name} has no hash")
        hashes = tuple(_digest(each) for each in told["integrity"].split())
        building = bool(told.get("dev") or told.get("devOptional"))
        found.add(Locked("npm", name, told["version"], hashes, told.get("license"), building))
    return sorted(found, key=lambda one: (one.purl, one.only_for_building))


def _digest(integrity: str) -> tuple[str, str]:
    """`sha512-BASE64` as CycloneDX has it: `SHA-512` and hexadecimal digits."""
    algorithm, _, digest = integrity.partition("-")
    return f"SHA-{algorithm.removeprefix('sha')}", base64.b64decode(digest).hex()
