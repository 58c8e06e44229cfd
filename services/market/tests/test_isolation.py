"""Every relation of market's database keeps owners apart, found by enumeration and tried with four verbs."""

import pytest
from kit.testing import isolation
from kit.testing.databases import TestDatabase

TABLES: dict[str, str] = {
    "bars": "prices belong to nobody",
    "instruments": "what is listed belongs to nobody",
    "minute_bars": "prices belong to nobody",
    "adjustments": "prices belong to nobody",
    "corporate_actions": "what a company does to its shares belongs to nobody",
    "fundamentals": "what a company publishes belongs to nobody",
    "investor_flows": "what an exchange publishes belongs to nobody",
    "disclosures": "what a company files belongs to nobody",
    "revisions": "a counter that says when prices have changed",
    "replays": "the session everybody sees, started by the operator",
}
KEYS: dict[str, str] = {}


@pytest.mark.requirement("R-36", "R-37")
async def test_every_relation_keeps_owners_apart(fresh: TestDatabase) -> None:
    found = await isolation.findings(fresh, "market", TABLES, KEYS)
    assert not found, "\n".join(found)
