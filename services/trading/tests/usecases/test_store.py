"""The database's own last word: what the tables refuse, and who may do what."""

import pytest
from kit.db import Database
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from trading.domain.order import OPEN, Status
from trading.store import automation_tables  # noqa: F401 - they belong to the same metadata
from trading.store.tables import metadata

from services.trading.tests.desk import Desk

TENANT_TABLES = sorted(metadata.tables)
IMPOSSIBLE = [
    "UPDATE balances SET available = -1",
    "UPDATE balances SET held = -1",
    "UPDATE orders SET filled_quantity = quantity + 1",
    "UPDATE orders SET status = 'filled'",
    "UPDATE orders SET status = 'canceled'",
    "UPDATE orders SET held = -1",
    "UPDATE positions SET held = quantity + 1",
    "UPDATE positions SET quantity = 0",
]
ENTRY = """
INSERT INTO ledger_entries (owner_id, transaction_key, currency, book, account_id, movement, amount, occurred_at)
VALUES (:owner, 'forged', 'KRW', :book, :account, 'deposit', :amount, now())
"""


async def write(desk: Desk, *statements: str, **given: object) -> None:
    async with desk.database.owned(desk.owner) as session:
        for statement in statements:
            await session.execute(text(statement), {"owner": desk.owner, "account": desk.account_id, **given})


class TestLedger:
    @pytest.mark.requirement("R-18")
    async def test_money_out_of_nothing_is_refused_at_the_commit(self, database: Database) -> None:
        desk = await Desk.open(database)
        with pytest.raises(DBAPIError, match="does not sum to zero"):
            await write(desk, ENTRY, book="cash", amount=1)
        assert await desk.count("ledger_entries") == 2

    @pytest.mark.requirement("R-18")
    async def test_the_worker_role_is_refused_as_well(self, database: Database) -> None:
        desk = await Desk.open(database)
        given = {"owner": desk.owner, "account": desk.account_id, "book": "cash", "amount": -1}
        with pytest.raises(DBAPIError, match="does not sum to zero"):
            async with database.system() as session:
                await session.execute(text(ENTRY), given)

    @pytest.mark.requirement("R-18")
    async def test_an_entry_added_to_an_old_transaction_is_refused(self, database: Database) -> None:
        desk = await Desk.open(database)
        forged = ENTRY.replace("'forged'", "'deposit:' || :account")
        with pytest.raises(DBAPIError, match="does not sum to zero"):
            await write(desk, forged.replace(":account,", "CAST(:account AS uuid),"), book="fees", amount=1)

    @pytest.mark.requirement("R-18")
    async def test_what_is_written_stays_as_it_is(self, database: Database) -> None:
        desk = await Desk.open(database)
        for statement in (
            "UPDATE ledger_entries SET amount = 2",
            "DELETE FROM ledger_entries",
            "TRUNCATE ledger_entries",
            "UPDATE executions SET fee = 2",
            "DELETE FROM executions",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"):
                await write(desk, statement)


class TestConstraints:
    @pytest.mark.requirement("R-19")
    async def test_an_impossible_row_is_refused(self, database: Database) -> None:
        desk = await Desk.open(database)
        await desk.owns(1)
        await desk.places()
        for statement in IMPOSSIBLE:
            with pytest.raises(IntegrityError, match="check constraint"):
                await write(desk, statement)

    async def test_the_tables_are_those_of_the_migrations(self, database: Database) -> None:
        columns = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        checks = text("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0")
        async with database.system() as session:
            there = {(row.table_name, row.column_name) for row in await session.execute(columns)}
            named = set(await session.scalars(checks))
        ours = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
        assert ours == {pair for pair in there if pair[0] in metadata.tables}
        declared = {str(check.name) for table in metadata.tables.values() for check in table.constraints if check.name}
        assert declared - {"orders_client_order_id", "accounts_of_connection", "hooks_id"} == {
            name for name in named if name.startswith(tuple(TENANT_TABLES))
        }

    async def test_the_database_counts_as_open_what_is_open(self, database: Database) -> None:
        triggers = text(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND NOT tgisinternal"
        )
        async with database.system() as session:
            counting = [each for each in await session.scalars(triggers) if "count_open_order" in each]
        assert len(counting) == 4
        for each in counting:
            assert {status for status in each.split("'") if status in set(Status)} == set(OPEN)

    async def test_the_index_of_open_orders_is_that_of_the_open_statuses(self, database: Database) -> None:
        async with database.system() as session:
            definition = str(await session.scalar(text("SELECT pg_get_indexdef('orders_open'::regclass)")))
        assert {status for status in definition.split("'") if status in set(OPEN)} == set(OPEN)
