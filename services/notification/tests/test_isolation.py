"""Every relation of notification's database keeps owners apart, found by enumeration and tried with four verbs."""

import pytest
from kit.testing import isolation
from kit.testing.databases import TestDatabase

TABLES: dict[str, str] = {}
KEYS = {"channels_chat": "a chat of Telegram gives commands for one person only; its number is the messenger's own"}


@pytest.mark.requirement("R-36", "R-37")
async def test_every_relation_keeps_owners_apart(fresh: TestDatabase) -> None:
    found = await isolation.findings(fresh, "notification", TABLES, KEYS)
    assert not found, "\n".join(found)
