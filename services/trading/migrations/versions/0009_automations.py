"""Automations: published strategies, due runs, signals, round trips, hooks, and the lease of whoever works them off."""

from alembic import op
from kit.migrations import lock_timeout, shared_table, tenant_table

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    lock_timeout()
    _strategies()
    _automations()
    _runs()
    _signals()
    _hooks()
    op.execute("CREATE TABLE leases (name text PRIMARY KEY, epoch bigint NOT NULL, taken_at timestamptz NOT NULL)")
    shared_table("leases")


def _strategies() -> None:
    op.execute(
        """
        CREATE TABLE strategies (
            owner_id     uuid NOT NULL,
            strategy_id  uuid NOT NULL,
            version      integer NOT NULL,
            name         text NOT NULL,
            document     jsonb NOT NULL,
            published_at timestamptz NOT NULL,
            PRIMARY KEY (owner_id, strategy_id, version)
        )
        """
    )
    tenant_table("strategies", app="SELECT, INSERT", worker="SELECT, INSERT, DELETE")


def _automations() -> None:
    op.execute(
        """
        CREATE TABLE automations (
            owner_id           uuid NOT NULL,
            id                 uuid NOT NULL,
            account_id         uuid NOT NULL,
            name               text NOT NULL,
            strategy_id        uuid,
            version            integer,
            market             text NOT NULL,
            currency           text NOT NULL,
            symbols            text[] NOT NULL,
            history_from       date,
            mode               text NOT NULL CONSTRAINT automations_mode
                               CHECK (mode IN ('notify', 'ask', 'automatic')),
            capital            numeric NOT NULL,
            positions_max      integer NOT NULL,
            answer_seconds     integer NOT NULL,
            interval           text NOT NULL,
            weekdays           integer[] NOT NULL,
            not_before         time,
            not_after          time,
            order_value_max    numeric,
            orders_per_day_max integer,
            daily_loss_max     numeric,
            cool_off_minutes   integer NOT NULL,
            status             text NOT NULL CONSTRAINT automations_status
                               CHECK (status IN ('stopped', 'running', 'paused')),
            reason             text,
            cool_off_until     timestamptz,
            created_at         timestamptz NOT NULL,
            changed_at         timestamptz NOT NULL,
            PRIMARY KEY (owner_id, id),
            CONSTRAINT automations_money CHECK (capital > 0 AND positions_max > 0)
        )
        """
    )
    op.execute("CREATE INDEX automations_at_work ON automations (interval, market) WHERE status <> 'stopped'")
    tenant_table("automations")


def _runs() -> None:
    op.execute(
        """
        CREATE TABLE automation_runs (
            owner_id      uuid NOT NULL,
            automation_id uuid NOT NULL,
            phase         text NOT NULL CONSTRAINT automation_runs_phase
                          CHECK (phase IN ('prepare', 'evaluate', 'tidy')),
            symbol        text NOT NULL,
            scheduled_at  timestamptz NOT NULL,
            due_at        timestamptz NOT NULL,
            status        text NOT NULL CONSTRAINT automation_runs_status CHECK (status IN ('due', 'done', 'skipped')),
            outcome       jsonb,
            epoch         bigint,
            settled_at    timestamptz,
            PRIMARY KEY (owner_id, automation_id, phase, symbol, scheduled_at)
        )
        """
    )
    op.execute("CREATE INDEX automation_runs_due ON automation_runs (due_at) WHERE status = 'due'")
    op.execute("CREATE INDEX automation_runs_settled ON automation_runs (settled_at) WHERE status <> 'due'")
    tenant_table("automation_runs")


def _signals() -> None:
    op.execute(
        """
        CREATE TABLE signals (
            owner_id      uuid NOT NULL,
            id            uuid NOT NULL,
            automation_id uuid NOT NULL,
            account_id    uuid NOT NULL,
            symbol        text NOT NULL,
            side          text NOT NULL CONSTRAINT signals_side CHECK (side IN ('buy', 'sell')),
            kind          text NOT NULL,
            price         numeric NOT NULL,
            bar           timestamptz,
            reasons       jsonb NOT NULL,
            mode          text NOT NULL,
            status        text NOT NULL CONSTRAINT signals_status CHECK (status IN
                          ('noted', 'asked', 'waiting', 'ordered', 'declined', 'expired', 'refused', 'skipped')),
            act_on        date,
            raised_at     timestamptz NOT NULL,
            valid_until   timestamptz NOT NULL,
            answer_until  timestamptz,
            decided_by    text,
            trip_id       uuid,
            order_id      uuid,
            detail        text,
            settled_at    timestamptz,
            PRIMARY KEY (owner_id, id)
        )
        """
    )
    op.execute("CREATE INDEX signals_of_automation ON signals (owner_id, automation_id, symbol, id)")
    op.execute("CREATE INDEX signals_of_trip ON signals (owner_id, trip_id) WHERE trip_id IS NOT NULL")
    op.execute("CREATE INDEX signals_pending ON signals (id) WHERE status IN ('asked', 'waiting')")
    tenant_table("signals", app="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE, DELETE")
    op.execute(
        """
        CREATE TABLE trips (
            owner_id       uuid NOT NULL,
            id             uuid NOT NULL,
            automation_id  uuid NOT NULL,
            account_id     uuid NOT NULL,
            symbol         text NOT NULL,
            entry_order_id uuid NOT NULL,
            stop_price     numeric,
            target_price   numeric,
            trail_price    numeric,
            peak_price     numeric,
            bars_held      integer NOT NULL,
            opened_at      timestamptz NOT NULL,
            closed_at      timestamptz,
            PRIMARY KEY (owner_id, id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX trips_open ON trips (owner_id, automation_id, symbol) WHERE closed_at IS NULL")
    op.execute("CREATE INDEX trips_of_automation ON trips (owner_id, automation_id)")
    tenant_table("trips", app="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE, DELETE")


def _hooks() -> None:
    op.execute(
        """
        CREATE TABLE hooks (
            owner_id               uuid NOT NULL,
            id                     uuid NOT NULL CONSTRAINT hooks_id UNIQUE,
            automation_id          uuid NOT NULL,
            name                   text NOT NULL,
            secret_digest          text NOT NULL,
            expected_every_minutes integer,
            created_at             timestamptz NOT NULL,
            heard_at               timestamptz,
            told_at                timestamptz,
            PRIMARY KEY (owner_id, id)
        )
        """
    )
    tenant_table("hooks")
    op.execute(
        """
        CREATE TABLE hook_alerts (
            owner_id    uuid NOT NULL,
            hook_id     uuid NOT NULL,
            alert_key   text NOT NULL,
            body        jsonb NOT NULL,
            status      text NOT NULL CONSTRAINT hook_alerts_status CHECK (status IN ('queued', 'done', 'refused')),
            detail      text,
            received_at timestamptz NOT NULL,
            settled_at  timestamptz,
            PRIMARY KEY (owner_id, hook_id, alert_key)
        )
        """
    )
    op.execute("CREATE INDEX hook_alerts_queued ON hook_alerts (received_at) WHERE status = 'queued'")
    tenant_table("hook_alerts")
