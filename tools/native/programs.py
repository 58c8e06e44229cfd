"""What the supervisor runs: one value per process."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

# Started from left to right, stopped from right to left, each group as a whole.
# The services are a group of each colour: one of them, or both while a release goes on.
Group = Literal["servers", "helpers", "blue", "green", "gateway", "monitoring"]
GROUPS: tuple[Group, ...] = ("servers", "helpers", "blue", "green", "gateway", "monitoring")


@dataclass(frozen=True)
class Program:
    """One process: how it starts, how it stops, and how we see that it is ready."""

    name: str
    group: Group
    command: tuple[str, ...]
    directory: Path
    why_not_ready: Callable[[], str | None]  # None when it is ready, otherwise the reason in words
    environment: Mapping[str, str] = field(default_factory=dict)
    # Files whose change means that a running process must start again.
    depends_on: tuple[Path, ...] = ()
    account: str | None = None
    stop_signal: Literal["TERM", "INT", "QUIT"] = "TERM"
    stop_seconds: int = 10
    # What the kernel sends when supervisord itself dies. Gone at once is best, except for what has children of its own.
    death_signal: Literal["KILL", "QUIT", "TERM"] = "KILL"

    def version(self) -> str:
        """Changes when one of the files does that this process depends on."""
        digest = hashlib.sha256()
        for file in sorted(self.depends_on):
            digest.update(str(file).encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()[:12]
