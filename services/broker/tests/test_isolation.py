"""Every relation of broker's database keeps owners apart, found by enumeration and tried with four verbs."""

import pytest
from kit.testing import isolation
from kit.testing.databases import TestDatabase

TABLES: dict[str, str] = {
    "broker_tokens": "found by the keyed print of a key that only its owner can give, and sealed to it",
}
KEYS: dict[str, str] = {
    "broker_executions_pkey": "the broker's own id, with its name in front",
    "broker_executions_order_id_fkey": "an attempt's random id; the worker alone writes both",
}


@pytest.mark.requirement("R-36", "R-37")
async def test_every_relation_keeps_owners_apart(fresh: TestDatabase) -> None:
    found = await isolation.findings(fresh, "broker", TABLES, KEYS)
    assert not found, "\n".join(found)
