"""An account knows how many of its orders are open: every new one asks, and counting them cost what there were of them.

The database counts, in the transaction that opens or ends an order and under the lock of its account, so nobody can
forget to. Only adds: the code of before counts by itself, and is counted.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0017"
down_revision = "0016"

OPEN = "'accepted', 'held', 'partially_filled', 'pending_cancel', 'pending_replace', 'submitted', 'unknown'"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        "ALTER TABLE accounts ADD COLUMN open_orders bigint NOT NULL DEFAULT 0"
        " CONSTRAINT accounts_open_orders CHECK (open_orders >= 0)"
    )
    op.execute("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE")  # nobody opens or ends one while they are counted
    op.execute(
        """
        CREATE FUNCTION count_open_order() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            UPDATE accounts SET open_orders = open_orders + CAST(TG_ARGV[0] AS integer)
             WHERE owner_id = coalesce(NEW.owner_id, OLD.owner_id) AND id = coalesce(NEW.account_id, OLD.account_id);
            RETURN NULL;
        END $$
        """
    )
    for name, when, by in (
        ("opened", f"AFTER INSERT ON orders FOR EACH ROW WHEN ({_is_open('NEW')})", 1),
        (
            "ended",
            f"AFTER UPDATE OF status ON orders FOR EACH ROW WHEN ({_is_open('OLD')} AND NOT {_is_open('NEW')})",
            -1,
        ),
        (
            "open_again",
            f"AFTER UPDATE OF status ON orders FOR EACH ROW WHEN (NOT {_is_open('OLD')} AND {_is_open('NEW')})",
            1,
        ),
        ("gone", f"AFTER DELETE ON orders FOR EACH ROW WHEN ({_is_open('OLD')})", -1),
    ):
        op.execute(f"CREATE TRIGGER orders_{name} {when} EXECUTE FUNCTION count_open_order('{by}')")
    op.execute("ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"""
        UPDATE accounts a SET open_orders = o.number
          FROM (SELECT owner_id, account_id, count(*) AS number FROM orders WHERE status IN ({OPEN}) GROUP BY 1, 2) o
         WHERE a.owner_id = o.owner_id AND a.id = o.account_id
        """
    )
    op.execute("ALTER TABLE accounts FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE orders FORCE ROW LEVEL SECURITY")


def _is_open(row: str) -> str:
    return f"{row}.status IN ({OPEN})"
