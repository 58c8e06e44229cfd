"""Notes of people, and the tables of events."""

from alembic import op
from kit.migrations import create_events_tables, lock_timeout, tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    lock_timeout()
    create_events_tables()
    op.execute(
        "CREATE TABLE notes (id uuid PRIMARY KEY, owner_id uuid NOT NULL, words text NOT NULL CHECK (words <> ''))"
    )
    tenant_table("notes")
