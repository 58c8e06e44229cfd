"""Connections to brokers, their sealed credentials, and each owner's wrapped keys."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE connections (
            id           uuid PRIMARY KEY,
            owner_id     uuid NOT NULL,
            broker       text NOT NULL,
            environment  text NOT NULL CHECK (environment IN ('paper', 'real')),
            name         text NOT NULL,
            account_hint text NOT NULL,
            created_at   timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX connections_of_owner ON connections (owner_id, id)")
    tenant_table("connections", app="SELECT, INSERT, DELETE", worker="SELECT")
    op.execute(
        """
        CREATE TABLE owner_keys (
            owner_id uuid NOT NULL,
            version  integer NOT NULL CHECK (version > 0),
            wrapped  bytea NOT NULL,
            PRIMARY KEY (owner_id, version)
        )
        """
    )
    tenant_table("owner_keys", app="SELECT, INSERT", worker="SELECT")
    op.execute(
        """
        CREATE TABLE connection_secrets (
            connection_id uuid NOT NULL,
            field         text NOT NULL,
            owner_id      uuid NOT NULL,
            key_version   integer NOT NULL,
            box           bytea NOT NULL,
            PRIMARY KEY (owner_id, connection_id, field),
            FOREIGN KEY (owner_id, connection_id) REFERENCES connections (owner_id, id),
            FOREIGN KEY (owner_id, key_version) REFERENCES owner_keys
        )
        """
    )
    tenant_table("connection_secrets", app="SELECT, INSERT, UPDATE, DELETE", worker="SELECT")
