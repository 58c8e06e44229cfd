"""What notification holds of somebody: all is told to its owner, and all goes that has no reason to stay."""

from uuid import UUID

import pytest
from kit.db import Database
from kit.testing import leaving
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from notification.app import create_app
from notification.config import Settings
from notification.store import belongings
from notification.usecases.erase_owner import erase_owner


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
            assert await erase_owner(session, owner)

    await leaving.assert_forgotten(fresh, erase, belongings.KEPT)
