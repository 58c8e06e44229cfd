"""Orders of several owners may be placed by one transaction, which names them all; tables are learned as they fill.

Only widens: a transaction of one owner sees what it saw. A setting that is missing, empty or no id stays an error, and
tables that are not named here refuse several.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0016"
down_revision = "0015"

# A filter and no condition for an index: statements name the owner themselves, and find rows by that.
MINE = """
    CASE WHEN current_setting('app.owner_id') = 'several' THEN owner_id = ANY (current_setting('app.owner_ids')::uuid[])
         ELSE owner_id = current_setting('app.owner_id')::uuid END
"""
TABLES = ("accounts", "balances", "positions", "orders", "ledger_entries", "halts", "risk_limits")
"""What placing an order reads and writes."""


def upgrade() -> None:
    lock_timeout()
    _learn_tables()
    for table in TABLES:
        op.execute(f"ALTER POLICY {table}_owner ON {table} USING ({MINE}) WITH CHECK ({MINE})")
    op.execute(
        f"ALTER POLICY events_append ON events WITH CHECK (CASE WHEN owner_id IS NULL THEN true ELSE {MINE} END)"
    )


def _learn_tables() -> None:
    op.execute(
        """
        CREATE FUNCTION learn_tables() RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            filled regclass;
            found  integer := 0;
        BEGIN
            -- at 200 rows, 1,000, 5,000, ...: sooner, and the best plan were one for a table of a page
            FOR filled IN SELECT s.relid FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
                           WHERE s.schemaname = 'public' AND s.n_live_tup >= 5 * greatest(c.reltuples, 40)
            LOOP
                EXECUTE format('ANALYZE %s', filled);
                found := found + 1;
            END LOOP;
            RETURN found;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION learn_tables() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION learn_tables() TO trading_worker")
