"""A database that refuses the commit of whoever changes what is in an account and has not counted its lock."""

import asyncpg
from kit.testing.databases import TestDatabase

TABLES = ("orders", "executions", "positions", "position_entries", "balances", "ledger_entries", "unsettled")
REQUIRE = """
CREATE FUNCTION require_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM accounts WHERE owner_id = NEW.owner_id AND id = NEW.account_id
                      AND xmin::text = pg_current_xact_id()::xid::text) THEN
        RAISE EXCEPTION '% of account % changed, and its lock was not counted', TG_TABLE_NAME, NEW.account_id;
    END IF;
    RETURN NULL;
END $$
"""


async def require_counted(fresh: TestDatabase) -> None:
    """Have it refuse from now on."""
    admin = await asyncpg.connect(fresh.admin_url)
    try:
        await admin.execute(REQUIRE)
        for table in TABLES:
            await admin.execute(
                f"CREATE CONSTRAINT TRIGGER {table}_counted AFTER INSERT OR UPDATE ON {table}"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_counted()"
            )
    finally:
        await admin.close()
