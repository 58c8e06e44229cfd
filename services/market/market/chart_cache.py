"""Charts that were asked for lately, as the text they were answered with: each is good for one revision of its market.

Whatever changes bars or their adjustments raises the revision in the same transaction, so nobody ever sees an old
chart; asking for the revision is one short query.
"""

from collections import OrderedDict
from datetime import date
from typing import NamedTuple

from market.store.charts import Interval

CHARTS_BYTES_MAX = 32 << 20
"""About a hundred charts of ten years in each API process."""


class Asked(NamedTuple):
    """What was asked for."""

    symbol: str
    interval: Interval
    first: date
    last: date
    adjusted: bool


class ChartCache:
    """The charts of this process, the newest used last; bounded by their size."""

    def __init__(self, bytes_max: int = CHARTS_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: OrderedDict[Asked, tuple[int, bytes]] = OrderedDict()

    def find(self, asked: Asked, revision: int) -> bytes | None:
        """The body answered before at this revision; None when there is none."""
        kept = self._kept.get(asked)
        if kept is None or kept[0] != revision:
            return None
        self._kept.move_to_end(asked)
        return kept[1]

    def save(self, asked: Asked, revision: int, body: bytes) -> None:
        """Keep a body, and let go of those that were not asked for the longest."""
        before = self._kept.pop(asked, None)
        self._kept[asked] = (revision, body)
        self._bytes += len(body) - (len(before[1]) if before else 0)
        while self._bytes > self._bytes_max:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
