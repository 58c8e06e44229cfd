"""The container engines we can speak to: which one answers, which images it has, what its containers are doing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.native.errors import StackError

ANSWER_SECONDS_MAX = 20
PULL_SECONDS_MAX = 1800
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
REPLICA = " "
"""Between the name of a service and the number of a container of it, from the second on."""


@dataclass(frozen=True)
class Engine:
    """One engine and the compose command that speaks to it."""

    program: str
    compose: tuple[str, ...]

    def ask(self, *arguments: str, seconds: float = ANSWER_SECONDS_MAX) -> subprocess.CompletedProcess[str]:
        """Run one command of the engine; a refusal is the caller's to read.

        Raises:
            StackError: when it takes longer than `seconds`.
        """
        command = [self.program, *arguments]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise StackError(f"`{' '.join(command)}` did not answer in {seconds:.0f} s") from late

    def containers(self, project: str) -> dict[str, dict[str, Any]]:
        """What the engine says of a project's containers, by the service's name; `name 2` is its second replica."""
        ids = self.ask("ps", "--all", "--quiet", "--filter", f"label={PROJECT_LABEL}={project}").stdout.split()
        if not ids:
            return {}
        described = json.loads(self.ask("inspect", "--type", "container", *ids).stdout)
        return {_name(one["Config"]["Labels"]): one for one in described}

    def has(self, image: str) -> bool:
        return self.ask("image", "inspect", image).returncode == 0

    def fetch(self, images: Iterable[str]) -> None:
        """Pull the images that are not here yet.

        Raises:
            StackError: with the engine's own reason when one cannot be had.
        """
        for image in sorted(set(images)):
            if self.has(image):
                continue
            print(f"fetching {image} …", flush=True)
            pulled = self.ask("pull", "--quiet", image, seconds=PULL_SECONDS_MAX)
            if pulled.returncode != 0:
                reason = (pulled.stderr.strip() or "no reason given").splitlines()[-1]
                raise StackError(f"{self.program} cannot fetch {image}: {reason}")


def _name(labels: Mapping[str, str]) -> str:
    number = labels.get(NUMBER_LABEL, "1")
    return labels[SERVICE_LABEL] if number == "1" else f"{labels[SERVICE_LABEL]}{REPLICA}{number}"


# In the order in which they are asked.
ENGINES = (Engine("docker", ("docker", "compose")), Engine("podman", ("podman-compose",)))


def find() -> Engine | None:
    """The first engine that really answers, its compose command too; a client without an engine does not count."""
    return next(
        (engine for engine in ENGINES if answers([engine.program, "info"]) and answers([*engine.compose, "version"])),
        None,
    )


def answers(command: Sequence[str]) -> bool:
    if not shutil.which(command[0]):
        return False
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=ANSWER_SECONDS_MAX).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main() -> int:
    """Say which engine answers; the exit status is 0 only when one does."""
    engine = find()
    print(f"{engine.program} answers" if engine else "no container engine answers")
    return 0 if engine else 1


if __name__ == "__main__":
    sys.exit(main())
