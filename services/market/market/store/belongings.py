"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from typing import Final

from market.store.tables import screens, watchlists

TOLD: Final = (screens, watchlists)
UNTOLD: Final = {
    "events": "the outbox: facts about prices, which are nobody's",
}
ERASED: Final = (screens, watchlists)
"""Deleted when somebody leaves, in this sequence: what refers to another goes first."""
KEPT: Final[dict[str, str]] = {}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
