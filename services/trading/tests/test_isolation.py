"""Every relation of trading's database keeps owners apart, found by enumeration and tried with four verbs."""

import pytest
from kit.testing import isolation
from kit.testing.databases import TestDatabase

TABLES: dict[str, str] = {
    "broker_halts": "the kill switches of brokers: every order reads them, only the worker role throws one",
    "leases": "which worker works off automations: an epoch, and nobody's",
    "jobs": "the worker's own timetable",
    "platform_halt": "the kill switch of the whole platform: every order reads it, only the worker role throws it",
}
KEYS: dict[str, str] = {"hooks_id": "a hook is found by the id in its address, before it is known whose it is"}


@pytest.mark.requirement("R-36", "R-37")
async def test_every_relation_keeps_owners_apart(fresh: TestDatabase) -> None:
    found = await isolation.findings(fresh, "trading", TABLES, KEYS)
    assert not found, "\n".join(found)
