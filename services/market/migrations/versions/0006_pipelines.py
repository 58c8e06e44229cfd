"""Pipelines: a run for each day, what is known of each source's breaker, and screens that run by themselves."""

from alembic import op
from kit.migrations import lock_timeout, service

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE pipeline_runs (
            id           uuid PRIMARY KEY,
            pipeline     text NOT NULL CHECK (pipeline IN ('collect', 'adjust', 'figures', 'screens', 'clean_up')),
            market       text NOT NULL CHECK (market IN ('KRX', 'US')),
            day          date NOT NULL,
            status       text NOT NULL CHECK (status IN ('waiting', 'running', 'finished', 'failed')),
            attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
            not_before   timestamptz NOT NULL,
            requested_at timestamptz NOT NULL,
            started_at   timestamptz,
            finished_at  timestamptz,
            done         integer NOT NULL DEFAULT 0 CHECK (done >= 0),
            total        integer NOT NULL DEFAULT 0 CHECK (total >= 0),
            report       jsonb NOT NULL DEFAULT '{}',
            error        text,
            UNIQUE (pipeline, market, day)
        )
        """
    )
    op.execute("CREATE INDEX pipeline_runs_due ON pipeline_runs (not_before) WHERE status IN ('waiting', 'running')")
    op.execute(
        """
        CREATE TABLE source_breakers (
            source     text PRIMARY KEY,
            failures   integer NOT NULL,
            open_until timestamptz,
            reason     text NOT NULL,
            is_block   boolean NOT NULL
        )
        """
    )
    # only the worker role works with these: the app role, which serves users, is granted nothing
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline_runs, source_breakers TO {service()}_worker")
    op.execute(
        """
        ALTER TABLE screens
            ADD COLUMN scheduled boolean NOT NULL DEFAULT false,
            ADD COLUMN last_day  date,
            ADD COLUMN last_matches text[] NOT NULL DEFAULT '{}'
        """
    )
    op.execute("CREATE INDEX screens_scheduled ON screens (id) WHERE scheduled")
