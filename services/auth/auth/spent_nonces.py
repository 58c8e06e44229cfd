"""Nonces that this process has seen spent: a replayed request is refused here, before it costs the database anything.

It only ever refuses, and only what the database has said before: that a proven request used this nonce. So it need not
know everything. What another process has seen, or what was dropped for room, the database still refuses.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from auth.domain.api_key import WINDOW, ApiKeyId

KEPT_SECONDS: Final = 4 * WINDOW.total_seconds()
"""As long as the database keeps them; a signature that is older is refused for its age."""
NONCES_MAX: Final = 20_000
"""At about 250 bytes each: 5 MB."""


class SpentNonces:
    """At most `NONCES_MAX` of the newest, each with the second at which it may be forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Measure age by a clock that never goes back."""
        self._clock = clock
        self._until: OrderedDict[tuple[ApiKeyId, str], float] = OrderedDict()

    def add(self, key_id: ApiKeyId, nonce: str) -> None:
        """Remember a nonce that the database holds; the oldest go when there are too many."""
        self._until[key_id, nonce] = self._clock() + KEPT_SECONDS
        self._until.move_to_end((key_id, nonce))
        while len(self._until) > NONCES_MAX or next(iter(self._until.values())) <= self._clock():
            self._until.popitem(last=False)

    def __contains__(self, spent: tuple[ApiKeyId, str]) -> bool:
        """Tell whether a key's owner is known to have used a nonce."""
        return self._until.get(spent, 0.0) > self._clock()
