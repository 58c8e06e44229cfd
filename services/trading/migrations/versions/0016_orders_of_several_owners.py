"""Orders of several owners may be placed by one transaction, which names them all.

Only widens: a transaction of one owner sees what it saw. A setting that is missing, empty or no list of ids stays an
error, and tables that are not named here refuse a list.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0016"
down_revision = "0015"

NAMED = "current_setting('app.owner_id')"
MINE = (
    f"owner_id = ANY (CASE WHEN strpos({NAMED}, ',') > 0 THEN string_to_array({NAMED}, ',')::uuid[]"
    f" ELSE ARRAY[{NAMED}::uuid] END)"
)
TABLES = ("accounts", "balances", "positions", "orders", "ledger_entries", "halts", "risk_limits")
"""What placing an order reads and writes."""


def upgrade() -> None:
    lock_timeout()
    for table in TABLES:
        op.execute(f"ALTER POLICY {table}_owner ON {table} USING ({MINE}) WITH CHECK ({MINE})")
    op.execute(
        f"ALTER POLICY events_append ON events WITH CHECK (CASE WHEN owner_id IS NULL THEN true ELSE {MINE} END)"
    )
