"""Store minutes of the past that a source has told."""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.db import Session

from market.domain.minute import Minute
from market.store import minutes as store


@dataclass(frozen=True, slots=True)
class ImportedMinutes:
    """How many minutes a source told, and how many of them were news."""

    told: int
    stored: int


async def import_minutes(session: Session, minutes: Sequence[Minute]) -> ImportedMinutes:
    """Keep minutes that nobody had; one that came in live stays as it was heard, one that was replayed gives way.

    None of them is announced: a bar that closed long ago is no reason to trade now.
    """
    return ImportedMinutes(len(minutes), len(await store.save(session, minutes)))
