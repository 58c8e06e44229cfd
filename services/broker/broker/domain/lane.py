"""Lanes: whose turn matters more when a broker counts our calls."""

from typing import Final, Literal

Lane = Literal["cancel", "exit", "entry", "query", "history"]
PATIENCE_MILLISECONDS: Final[dict[Lane, int]] = {
    "cancel": 4_000,
    "exit": 3_500,
    "entry": 3_000,
    "query": 2_000,
    "history": 500,
}
"""How far off a turn may be for each lane; what would come later is not sent at all.

So a lane never waits behind more of a lesser one than that one's patience: a cancel has at most two seconds of
questions in front of it, however many are asked.
"""
