"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from typing import Final

from backtest.store.tables import chunks, files, materials, results, runs, strategies, trades, trials, versions

TOLD: Final = (strategies, versions, runs, results, trades, trials)
UNTOLD: Final = {
    "events": "the outbox: facts about what is told from its own tables",
    "files": "bytes of a sweep's trials; each file is downloaded from its result, and the best trials are told",
    "materials": "market's bars, kept while a run is computed",
    "chunks": "pieces of a run under way; what they come to is told as its result",
}
ERASED: Final = (files, trials, trades, results, chunks, materials, runs, versions, strategies)
"""Deleted when somebody leaves, in this sequence: what refers to another goes first."""
KEPT: Final[dict[str, str]] = {}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
