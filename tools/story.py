"""What every part of the demo's story tells with: a sentence that holds, or the end of the story."""

from collections.abc import Callable

Tells = Callable[..., None]
"""Prints a step that held, and the files that did it."""


class StoryBroke(Exception):
    """A step did not hold."""


def holds(truth: object, sentence: str) -> None:
    """Stop the story unless this is true."""
    if not truth:
        raise StoryBroke(sentence)
