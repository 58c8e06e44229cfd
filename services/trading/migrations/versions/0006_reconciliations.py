"""Where accounts at brokers stand against what their brokers show: the last comparison that said something new."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE reconciliations (
            owner_id    uuid NOT NULL,
            account_id  uuid NOT NULL,
            differences text[] NOT NULL,
            seen_at     timestamptz NOT NULL,
            PRIMARY KEY (owner_id, account_id),
            FOREIGN KEY (owner_id, account_id) REFERENCES accounts (owner_id, id)
        )
        """
    )
    tenant_table("reconciliations", app="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE, DELETE")
