"""The kill switch of a broker, a strategy's orders, and dead man's switches."""

from alembic import op
from kit.migrations import lock_timeout, shared_table, tenant_table

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Only add: code of the version before runs on it."""
    lock_timeout()
    op.execute(
        """
        CREATE TABLE broker_halts (
            broker    text PRIMARY KEY,
            mode      text NOT NULL CONSTRAINT broker_halts_mode CHECK (mode IN ('halted', 'reduce_only')),
            reason    text,
            halted_by uuid NOT NULL,
            halted_at timestamptz NOT NULL
        )
        """
    )
    shared_table("broker_halts")
    op.execute("ALTER TABLE orders ADD COLUMN strategy_id uuid")
    op.execute(
        """
        CREATE TABLE dead_men (
            owner_id   uuid NOT NULL,
            account_id uuid NOT NULL,
            seconds    integer NOT NULL CONSTRAINT dead_men_seconds CHECK (seconds BETWEEN 5 AND 60),
            due_at     timestamptz NOT NULL,
            PRIMARY KEY (owner_id, account_id),
            FOREIGN KEY (owner_id, account_id) REFERENCES accounts
        )
        """
    )
    op.execute("CREATE INDEX dead_men_by_due ON dead_men (due_at)")
    tenant_table("dead_men", worker="SELECT, DELETE")
