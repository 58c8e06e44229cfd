"""Strategies with their versions, runs, and what came out of them."""

from alembic import op
from kit.migrations import create_events_tables, lock_timeout, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CONTENT = """
            name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
            description text NOT NULL CHECK (length(description) <= 2000),
            entry       text NOT NULL CHECK (length(entry) BETWEEN 1 AND 1000),
            exit        text NOT NULL CHECK (length(exit) BETWEEN 1 AND 1000),
            stop_loss   numeric CHECK (stop_loss > 0 AND stop_loss < 1),
"""


def upgrade() -> None:
    lock_timeout()
    create_events_tables()
    _create_strategies()
    _create_runs()
    _create_results()


def _create_strategies() -> None:
    op.execute(
        f"""
        CREATE TABLE strategies (
            id          uuid PRIMARY KEY,
            owner_id    uuid NOT NULL,
            {CONTENT}
            created_at  timestamptz NOT NULL,
            changed_at  timestamptz NOT NULL,
            UNIQUE (owner_id, id)
        )
        """
    )
    tenant_table("strategies", app="SELECT, INSERT, UPDATE", worker="SELECT")
    op.execute(
        f"""
        CREATE TABLE strategy_versions (
            strategy_id  uuid NOT NULL,
            number       integer NOT NULL CHECK (number >= 1),
            owner_id     uuid NOT NULL,
            {CONTENT}
            published_at timestamptz NOT NULL,
            PRIMARY KEY (strategy_id, number),
            FOREIGN KEY (owner_id, strategy_id) REFERENCES strategies (owner_id, id)
        )
        """
    )
    tenant_table("strategy_versions", app="SELECT, INSERT", worker="SELECT")


def _create_runs() -> None:
    op.execute(
        """
        CREATE TABLE runs (
            id           uuid PRIMARY KEY,
            owner_id     uuid NOT NULL,
            strategy_id  uuid,
            kind         text NOT NULL CHECK (kind IN ('backtest', 'optimize')),
            status       text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
            symbol       text NOT NULL CHECK (length(symbol) BETWEEN 1 AND 10),
            market       text NOT NULL CHECK (market IN ('KRX', 'US')),
            start_date   date,
            end_date     date CHECK (end_date >= start_date),
            initial_cash numeric NOT NULL CHECK (initial_cash > 0),
            entry        text NOT NULL CHECK (length(entry) BETWEEN 1 AND 1000),
            exit         text NOT NULL CHECK (length(exit) BETWEEN 1 AND 1000),
            stop_loss    numeric CHECK (stop_loss > 0 AND stop_loss < 1),
            grid         jsonb CHECK (jsonb_typeof(grid) = 'object'),
            objective    text,
            done         integer NOT NULL CHECK (done BETWEEN 0 AND total),
            total        integer NOT NULL CHECK (total BETWEEN 1 AND 5000),
            error_code   text,
            error        text,
            requested_at timestamptz NOT NULL,
            finished_at  timestamptz,
            UNIQUE (owner_id, id),
            FOREIGN KEY (owner_id, strategy_id) REFERENCES strategies (owner_id, id),
            CHECK ((kind = 'optimize') = (grid IS NOT NULL) AND (grid IS NULL) = (objective IS NULL)),
            CHECK ((status IN ('done', 'failed')) = (finished_at IS NOT NULL)),
            CHECK ((status = 'failed') = (error IS NOT NULL) AND (error IS NULL) = (error_code IS NULL)),
            CHECK (status <> 'done' OR done = total)
        )
        """
    )
    op.execute("CREATE INDEX runs_unfinished ON runs (requested_at) WHERE finished_at IS NULL")
    op.execute("CREATE INDEX runs_waiting ON runs (owner_id) WHERE finished_at IS NULL")
    tenant_table("runs", app="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")


def _create_results() -> None:
    op.execute(
        """
        CREATE TABLE results (
            run_id      uuid PRIMARY KEY,
            owner_id    uuid NOT NULL,
            fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
            board       text NOT NULL CHECK (board IN ('KOSPI', 'KOSDAQ', 'KONEX', 'US')),
            kind        text NOT NULL CHECK (kind IN ('stock', 'etf')),
            currency    text NOT NULL CHECK (currency IN ('KRW', 'USD')),
            bars        integer NOT NULL CHECK (bars BETWEEN 2 AND 12000),
            first_date  date NOT NULL,
            last_date   date NOT NULL CHECK (last_date > first_date),
            metrics     jsonb NOT NULL CHECK (jsonb_typeof(metrics) = 'object'),
            costs       double precision,
            dates       date[],
            equity      double precision[],
            UNIQUE (owner_id, run_id),
            FOREIGN KEY (owner_id, run_id) REFERENCES runs (owner_id, id),
            CHECK (cardinality(dates) = bars AND cardinality(equity) = bars),
            CHECK ((costs IS NULL) = (dates IS NULL) AND (dates IS NULL) = (equity IS NULL))
        )
        """
    )
    tenant_table("results", app="SELECT, INSERT", worker="SELECT")
    op.execute(
        """
        CREATE TABLE trades (
            run_id      uuid NOT NULL,
            number      integer NOT NULL CHECK (number >= 1),
            owner_id    uuid NOT NULL,
            entry_date  date NOT NULL,
            exit_date   date NOT NULL CHECK (exit_date >= entry_date),
            shares      bigint NOT NULL CHECK (shares > 0),
            entry_price double precision NOT NULL CHECK (entry_price > 0),
            exit_price  double precision NOT NULL CHECK (exit_price >= 0),
            costs       double precision NOT NULL CHECK (costs >= 0),
            profit      double precision NOT NULL,
            profit_rate double precision NOT NULL,
            reason      text NOT NULL CHECK (reason IN ('signal', 'stop_loss', 'take_profit', 'open')),
            PRIMARY KEY (run_id, number),
            FOREIGN KEY (owner_id, run_id) REFERENCES results (owner_id, run_id)
        )
        """
    )
    tenant_table("trades", app="SELECT, INSERT", worker="SELECT")
    op.execute(
        """
        CREATE TABLE trials (
            run_id     uuid NOT NULL,
            rank       integer NOT NULL CHECK (rank >= 1),
            owner_id   uuid NOT NULL,
            parameters jsonb NOT NULL CHECK (jsonb_typeof(parameters) = 'object'),
            metrics    jsonb NOT NULL CHECK (jsonb_typeof(metrics) = 'object'),
            PRIMARY KEY (run_id, rank),
            FOREIGN KEY (owner_id, run_id) REFERENCES results (owner_id, run_id)
        )
        """
    )
    tenant_table("trials", app="SELECT, INSERT", worker="SELECT")
