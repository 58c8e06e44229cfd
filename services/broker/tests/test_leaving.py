"""What broker holds of somebody: all is told to its owner, and all goes that has no reason to stay."""

from datetime import timedelta
from uuid import UUID

import pytest
from broker.app import create_app
from broker.config import Settings
from broker.store import belongings
from broker.store.belongings import EVIDENCE_KEPT
from broker.store.tables import attempts, broker_executions
from broker.usecases.erase_owner import erase_owner
from broker.usecases.forget_evidence import forget_evidence
from kit.belongings import delete_rows
from kit.clock import now
from kit.db import Database
from kit.testing import leaving
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens

# What stays of texts: words of ours and of brokers, and ids.
WORDS = {
    "attempts": "broker state broker_order_id intent",
    "broker_executions": "execution_id broker symbol market side",
}


async def test_every_table_with_owners_is_told_or_has_a_reason_not_to(fresh: TestDatabase) -> None:
    await leaving.assert_named(fresh, belongings.TOLD, belongings.UNTOLD)


@pytest.mark.requirement("R-38")
async def test_an_export_holds_ones_own_rows_of_every_table_and_nobody_elses(
    fresh: TestDatabase, settings: Settings, tokens: Tokens
) -> None:
    async with client(create_app(settings, tokens.verifier)) as http:
        await leaving.assert_told(fresh, http, tokens, belongings.TOLD)


@pytest.mark.requirement("R-39")
async def test_after_leaving_nothing_is_left_but_what_is_kept_for_a_reason(
    fresh: TestDatabase, database: Database
) -> None:
    async def erase(owner: UUID) -> None:
        async with database.system() as session:
            assert await erase_owner(session, owner, now())

    await leaving.assert_forgotten(fresh, erase, belongings.KEPT, WORDS)


@pytest.mark.requirement("R-39")
async def test_evidence_goes_when_it_is_old_and_not_before(fresh: TestDatabase, database: Database) -> None:
    moment, almost = now(), timedelta(days=1)
    async with leaving.two_people(fresh) as two:
        set_back = "UPDATE leavers SET erased_at = $1 WHERE owner_id = $2"
        await two.admin.execute(set_back, moment - EVIDENCE_KEPT + almost, two.leaver)
        await two.admin.execute(set_back, moment, two.stayer)
        stays = await two.rows_of(two.stayer)
        assert await forget_evidence(database, moment) == 0
        assert await forget_evidence(database, moment + almost) == 1
        assert (await two.rows_of(two.leaver)).keys() & belongings.KEPT.keys() == set()
        async with database.system() as session:
            await delete_rows(session, two.stayer, (broker_executions, attempts))
        assert await two.rows_of(two.stayer) == stays, "the database keeps what is not old"
