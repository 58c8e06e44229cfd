"""A rotation of keys, killed with -9 at each of its statements: nothing is ever unreadable."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from broker.config import Settings
from broker.domain.connection import Connection, ConnectionId, Secrets
from broker.domain.order import OwnerId
from broker.store import connections
from broker.vault import Vault
from kit.clock import now
from kit.db import Database
from kit.ids import new_id

from services.broker.tests.processes.test_kill import environment_of

SCRIPT = Path(__file__).parent / "dying_rotation.py"
SECONDS_MAX = 120
SECRETS = {"app_key": "key-1", "app_secret": "secret-1", "account": "5012345601"}
STATEMENTS_EACH = 5
"""Of a box that is moved: begin, keys, an older box, its new content, commit. So many there are for the key, too."""


@pytest.mark.requirement("R-53")
async def test_a_rotation_survives_kill_9_at_every_statement_and_goes_on_where_it_was(
    database: Database, settings: Settings
) -> None:
    owner, connection = OwnerId(new_id()), ConnectionId(new_id())
    kept = Connection(connection, owner, "kis", "paper", "모의투자", "01", now())
    async with database.owned(owner) as session:
        vault = Vault(settings.vault_key.get_secret_value())
        await connections.save(session, owner, kept, Secrets(SECRETS), vault)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT), str(owner), str(connection)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | environment_of(settings),
    )
    said, _ = await asyncio.wait_for(child.communicate(), SECONDS_MAX)
    assert child.returncode == 0
    deaths = [json.loads(line) for line in said.splitlines()]
    assert [death["statement"] for death in deaths] == list(range(1, len(deaths) + 1))
    assert len(deaths) >= STATEMENTS_EACH * (len(SECRETS) + 1)
    assert [death for death in deaths if death["after_death"] != SECRETS] == []
    assert [death for death in deaths if death["resumed"] != SECRETS] == []
    assert [death for death in deaths if death["older"]] == [], "what was begun is finished by the next call"
    assert deaths[-1]["key"] > len(SECRETS)
