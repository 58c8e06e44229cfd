"""What every migration is made of: bounded lock waits, tenant tables that the database itself keeps apart, grants.

Called from a service's migrations/versions files. Roles are named after the service: `<service>_owner` migrates,
`<service>_app` serves one owner at a time, `<service>_worker` works for all of them.
"""

from alembic import op

LOCK_TIMEOUT = "3s"
APP_DEFAULT = "SELECT, INSERT, UPDATE, DELETE"


def service() -> str:
    """Return the name of the service that is being migrated."""
    config = op.get_context().config
    assert config is not None
    return str(config.attributes["service"])


def lock_timeout() -> None:
    """Begin a migration: rather fail than make everybody wait behind us."""
    op.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def tenant_table(name: str, *, app: str = APP_DEFAULT, worker: str = APP_DEFAULT) -> None:
    """Make a table with an `owner_id uuid` column visible row by row to its owner, even for the table's own role.

    An owner that is not set is an error, not an empty answer: the setting is read without a default.
    """
    role = service()
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    own = "owner_id = current_setting('app.owner_id')::uuid"
    op.execute(f"CREATE POLICY {name}_owner ON {name} TO {role}_app USING ({own}) WITH CHECK ({own})")
    op.execute(f"CREATE POLICY {name}_worker ON {name} TO {role}_worker USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {app} ON {name} TO {role}_app")
    op.execute(f"GRANT {worker} ON {name} TO {role}_worker")


def shared_table(name: str, *, app: str = "SELECT", worker: str = APP_DEFAULT) -> None:
    """Grant a table that belongs to nobody in particular: market data, queues of work."""
    role = service()
    op.execute(f"GRANT {app} ON {name} TO {role}_app")
    op.execute(f"GRANT {worker} ON {name} TO {role}_worker")


def create_events_tables() -> None:
    """Create the events table (outbox and history) and the inbox of handled messages."""
    role = service()
    op.execute(
        """
        CREATE TABLE events (
            position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id             uuid NOT NULL UNIQUE,
            type           text NOT NULL,
            subject        text NOT NULL,
            owner_id       uuid,
            correlation_id uuid NOT NULL,
            causation_id   uuid,
            data           jsonb NOT NULL,
            must_reach     boolean NOT NULL,
            occurred_at    timestamptz NOT NULL,
            published_at   timestamptz,
            retry_at       timestamptz
        )
        """
    )
    op.execute("CREATE INDEX events_unsent ON events (position) WHERE published_at IS NULL")
    op.execute("ALTER TABLE events ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE events FORCE ROW LEVEL SECURITY")
    # CASE, because AND and OR promise no order: a shared fact must not read the owner setting at all
    mine = "CASE WHEN owner_id IS NULL THEN true ELSE owner_id = current_setting('app.owner_id')::uuid END"
    op.execute(f"CREATE POLICY events_append ON events FOR INSERT TO {role}_app WITH CHECK ({mine})")
    op.execute(f"CREATE POLICY events_worker ON events TO {role}_worker USING (true) WITH CHECK (true)")
    op.execute(f"GRANT INSERT ON events TO {role}_app")
    op.execute(f"GRANT SELECT, INSERT ON events TO {role}_worker")
    op.execute(f"GRANT UPDATE (published_at, retry_at) ON events TO {role}_worker")
    op.execute(
        """
        CREATE TABLE inbox (
            consumer    text NOT NULL,
            message_id  uuid NOT NULL,
            received_at timestamptz NOT NULL,
            PRIMARY KEY (consumer, message_id)
        )
        """
    )
    op.execute("CREATE INDEX inbox_by_age ON inbox (received_at)")
    op.execute(f"GRANT SELECT, INSERT ON inbox TO {role}_app")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON inbox TO {role}_worker")
