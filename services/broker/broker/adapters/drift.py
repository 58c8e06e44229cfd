"""The drift alarm: a broker's frames that have more or fewer fields than before are read all the same, and told of.

Brokers change what they send without notice. A frame's shape is a matter of the broker and not of whoever listens, so
one alarm is enough for a process: `drifts` gathers them, and the worker announces what it finds there.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import structlog
from prometheus_client import Counter

WAITING_MAX: Final = 100

frames_drifted = Counter("broker_frames_drifted_total", "Frames of a shape never seen before", ["broker", "frame"])

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Drift:
    """A kind of frame, how many fields one has now, and how many it had."""

    broker: str
    frame: str
    fields: int
    before: int


@dataclass
class Drifts:
    """The shapes that are known, and the alarms that nobody has taken yet."""

    _known: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _waiting: deque[Drift] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))

    def see(self, broker: str, frame: str, fields: int, usual: int | None = None) -> None:
        """Look at a frame's shape. The first of its kind is taken for the usual one where the protocol names none.

        Each shape is told of once, so one that comes and goes is no flood.
        """
        known = self._known.setdefault((broker, frame), [usual or fields])
        if fields in known:
            return
        drift = Drift(broker, frame, fields, known[-1])
        known.append(fields)
        frames_drifted.labels(broker, frame).inc()
        log.error("a broker's frames have changed their shape", broker=broker, frame=frame, fields=fields)
        self._waiting.append(drift)

    def take(self) -> list[Drift]:
        """Every alarm that waits, oldest first; they wait no longer."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


drifts: Final = Drifts()
"""Those of this process."""
