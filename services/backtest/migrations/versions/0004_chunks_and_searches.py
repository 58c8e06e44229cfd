"""Sweeps are divided into chunks that any number of machines compute; runs can be canceled, walked forward and removed.

Only adds and loosens: the code of before goes on working beside the new one.
"""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = "'backtest', 'optimize', 'walk_forward', 'cross_validate'"
FINISHED = "'done', 'failed', 'canceled'"


def upgrade() -> None:
    lock_timeout()
    _loosen_runs()
    _loosen_results()
    _create_chunks()
    for table in ("runs", "results", "trades", "trials"):
        op.execute(f"GRANT DELETE ON {table} TO backtest_app")


def _loosen_runs() -> None:
    op.execute(
        f"""
        ALTER TABLE runs
            ADD COLUMN search jsonb CHECK (jsonb_typeof(search) = 'object'),
            DROP CONSTRAINT runs_kind_check,
            DROP CONSTRAINT runs_status_check,
            DROP CONSTRAINT runs_total_check,
            DROP CONSTRAINT runs_check2,
            DROP CONSTRAINT runs_check3,
            ADD CONSTRAINT runs_kind_check CHECK (kind IN ({KINDS})),
            ADD CONSTRAINT runs_status_check CHECK (status IN ('queued', 'running', {FINISHED})),
            ADD CONSTRAINT runs_total_check CHECK (total BETWEEN 1 AND 1000000),
            ADD CONSTRAINT runs_grid_kind_check CHECK
                ((kind = 'backtest') = (grid IS NULL) AND (grid IS NULL) = (objective IS NULL)),
            ADD CONSTRAINT runs_finished_check CHECK ((status IN ({FINISHED})) = (finished_at IS NOT NULL))
        """
    )


def _loosen_results() -> None:
    op.execute(
        """
        ALTER TABLE results
            ADD COLUMN details jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
            DROP CONSTRAINT results_check2,
            ADD CONSTRAINT results_curve_check CHECK ((dates IS NULL) = (equity IS NULL))
        """
    )


def _create_chunks() -> None:
    op.execute(
        """
        CREATE TABLE materials (
            run_id   uuid PRIMARY KEY,
            owner_id uuid NOT NULL,
            body     bytea NOT NULL CHECK (length(body) <= 67108864),
            FOREIGN KEY (owner_id, run_id) REFERENCES runs (owner_id, id) ON DELETE CASCADE
        )
        """
    )
    tenant_table("materials", app="SELECT, INSERT, DELETE")
    op.execute(
        """
        CREATE TABLE chunks (
            run_id     uuid NOT NULL,
            number     integer NOT NULL CHECK (number >= 0),
            owner_id   uuid NOT NULL,
            first      integer NOT NULL CHECK (first >= 0),
            size       integer NOT NULL CHECK (size BETWEEN 1 AND 100000),
            ticket     uuid UNIQUE,
            tries      integer NOT NULL DEFAULT 0,
            claimed_at timestamptz,
            done_at    timestamptz,
            body       bytea CHECK (length(body) <= 67108864),
            PRIMARY KEY (run_id, number),
            FOREIGN KEY (owner_id, run_id) REFERENCES runs (owner_id, id) ON DELETE CASCADE,
            CHECK ((ticket IS NULL) = (claimed_at IS NULL)),
            CHECK ((done_at IS NULL) = (body IS NULL) AND (done_at IS NULL OR ticket IS NOT NULL))
        )
        """
    )
    op.execute("CREATE INDEX chunks_by_owner ON chunks (owner_id, claimed_at)")
    tenant_table("chunks")
    op.execute(
        """
        CREATE TABLE files (
            run_id   uuid NOT NULL,
            name     text NOT NULL CHECK (name ~ '^[a-z_]+[.]parquet$'),
            owner_id uuid NOT NULL,
            size     bigint NOT NULL CHECK (size = length(body)),
            body     bytea NOT NULL CHECK (length(body) <= 67108864),
            PRIMARY KEY (run_id, name),
            FOREIGN KEY (owner_id, run_id) REFERENCES results (owner_id, run_id)
        )
        """
    )
    op.execute("CREATE INDEX files_by_owner ON files (owner_id)")
    tenant_table("files", app="SELECT, INSERT, DELETE", worker="SELECT, DELETE")
