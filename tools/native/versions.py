"""Which of the two versions of the services is live: written down, so that it outlives every process."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from tools.native.ports import Colour


@dataclass(frozen=True)
class Versions:
    """What the last release left."""

    live: Colour = "blue"
    can_go_back: bool = False
    """Whether the other colour still holds the version before."""
    is_leaving: bool = False
    """Whether the other colour may still be asked, and has to be stopped: a release is about to end."""
    is_released: bool = False
    """Whether there ever was a release; from then on, new code comes by a release alone."""

    @classmethod
    def read(cls, file: Path) -> Self:
        """What is written in a file; without one, the first version is live."""
        return cls(**json.loads(file.read_text())) if file.exists() else cls()

    def write(self, file: Path) -> None:
        """Write it down as a whole, or not at all."""
        new = file.with_suffix(".new")
        with new.open("w") as out:
            json.dump(asdict(self), out)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
