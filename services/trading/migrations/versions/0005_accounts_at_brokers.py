"""Accounts at a broker, and the connections they may be bound to."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE connections (
            owner_id    uuid NOT NULL,
            id          uuid NOT NULL,
            broker      text NOT NULL,
            environment text NOT NULL CONSTRAINT connections_environment CHECK (environment IN ('paper', 'real')),
            PRIMARY KEY (owner_id, id)
        )
        """
    )
    tenant_table("connections", app="SELECT, INSERT, DELETE", worker="SELECT, INSERT, DELETE")
    op.execute(
        """
        ALTER TABLE accounts
            ADD COLUMN broker text NOT NULL DEFAULT 'simulator',
            ADD COLUMN connection_id uuid,
            ADD CONSTRAINT accounts_of_connection UNIQUE (owner_id, connection_id)
        """
    )
