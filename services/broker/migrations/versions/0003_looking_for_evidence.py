"""Attempts remember how often evidence was looked for, and whether a human has to look."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        ALTER TABLE attempts
            ADD COLUMN looks integer NOT NULL DEFAULT 0 CHECK (looks >= 0),
            ADD COLUMN first_look_at timestamptz,
            ADD COLUMN needs_human boolean NOT NULL DEFAULT false
        """
    )
    op.execute("CREATE INDEX attempts_by_number ON attempts (broker, broker_order_id)")
    op.execute("CREATE INDEX attempts_in_doubt ON attempts (owner_id) WHERE state IN ('sending', 'unknown')")
