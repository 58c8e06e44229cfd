"""Every relation of backtest's database keeps owners apart, found by enumeration and tried with four verbs."""

import pytest
from kit.testing import isolation
from kit.testing.databases import TestDatabase

TABLES: dict[str, str] = {}
NUMBERED = "numbered under a random id, which is the owner's"
NAMED = "named under a random id, which is the owner's"
TICKET = "the random id of a message, given to nobody"
KEYS: dict[str, str] = {
    "strategy_versions_pkey": NUMBERED,
    "trades_pkey": NUMBERED,
    "trials_pkey": NUMBERED,
    "chunks_pkey": NUMBERED,
    "files_pkey": NAMED,
    "chunks_ticket_key": TICKET,
}


@pytest.mark.requirement("R-36", "R-37")
async def test_every_relation_keeps_owners_apart(fresh: TestDatabase) -> None:
    found = await isolation.findings(fresh, "backtest", TABLES, KEYS)
    assert not found, "\n".join(found)
