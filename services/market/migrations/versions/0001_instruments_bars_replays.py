"""Instruments, daily bars as a hypertable or as yearly partitions, and replays."""

from alembic import op
from kit.migrations import create_events_tables, lock_timeout, service, shared_table

revision = "0001"
down_revision = None

FIRST_YEAR, LAST_YEAR = 2000, 2035
DECADES = (1980, 1990)

BAR_COLUMNS = """
    symbol text COLLATE "C" NOT NULL,
    day    date NOT NULL,
    open   numeric NOT NULL,
    high   numeric NOT NULL,
    low    numeric NOT NULL,
    close  numeric NOT NULL,
    volume bigint NOT NULL,
    halted boolean NOT NULL,
    source text NOT NULL
"""
BAR_RULES = """
    PRIMARY KEY (symbol, day),
    CONSTRAINT bars_sane CHECK (close > 0 AND low >= 0 AND high >= low AND volume >= 0 AND halted = (high = 0))
"""

# The image of TimescaleDB lets a database's owner create the extension; where that is refused, partitions do.
TRY_TIMESCALE = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS timescaledb;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'timescaledb is here but may not be created by this role: bars become partitions';
END $$
"""


def upgrade() -> None:
    lock_timeout()
    create_events_tables()
    _create_instruments()
    if _has_timescale():
        op.execute(f"CREATE TABLE bars ({BAR_COLUMNS}, {BAR_RULES})")
        op.execute(
            "SELECT create_hypertable('bars', 'day', chunk_time_interval => INTERVAL '1 year',"
            " create_default_indexes => false)"
        )
    else:
        _create_partitions()
    shared_table("bars", worker="SELECT, INSERT, UPDATE")
    # Rows wait here while an import compares them with what is stored; nothing in it has to survive a crash.
    op.execute(f"CREATE UNLOGGED TABLE bars_staging ({BAR_COLUMNS})")
    op.execute(f"GRANT SELECT, INSERT, TRUNCATE ON bars_staging TO {service()}_worker")
    _create_replays()


def _has_timescale() -> bool:
    connection = op.get_bind()
    offered = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
    if connection.exec_driver_sql(offered).scalar() is None:
        return False
    op.execute(TRY_TIMESCALE)
    return connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").scalar() is not None


def _create_partitions() -> None:
    op.execute(f"CREATE TABLE bars ({BAR_COLUMNS}, {BAR_RULES}) PARTITION BY RANGE (day)")
    spans = [(decade, decade + 10) for decade in DECADES]
    spans += [(year, year + 1) for year in range(FIRST_YEAR, LAST_YEAR + 1)]
    for first, after in spans:
        op.execute(
            f"CREATE TABLE bars_{first} PARTITION OF bars FOR VALUES FROM ('{first}-01-01') TO ('{after}-01-01')"
        )
    op.execute("CREATE TABLE bars_other PARTITION OF bars DEFAULT")


def _create_instruments() -> None:
    op.execute(
        """
        CREATE TABLE instruments (
            symbol    text COLLATE "C" PRIMARY KEY CHECK (symbol ~ '^[0-9A-Z][0-9A-Z.-]{0,9}$'),
            market    text NOT NULL CHECK (market IN ('KRX', 'US')),
            board     text NOT NULL CHECK (board IN ('KOSPI', 'KOSDAQ', 'KONEX', 'US')),
            kind      text NOT NULL CHECK (kind IN ('stock', 'etf')),
            currency  text NOT NULL CHECK (currency IN ('KRW', 'USD')),
            name      text NOT NULL CHECK (name <> ''),
            first_day date NOT NULL,
            last_day  date NOT NULL CHECK (last_day >= first_day)
        )
        """
    )
    shared_table("instruments", worker="SELECT, INSERT, UPDATE")


def _create_replays() -> None:
    op.execute(
        """
        CREATE TABLE replays (
            id               uuid PRIMARY KEY,
            market           text NOT NULL,
            symbols          text[] NOT NULL CHECK (cardinality(symbols) > 0),
            trading_date     date NOT NULL,
            duration_seconds integer NOT NULL CHECK (duration_seconds > 0),
            ticks_per_symbol integer NOT NULL CHECK (ticks_per_symbol > 3),
            hold_open        boolean NOT NULL,
            status           text NOT NULL CHECK (status IN ('waiting', 'running', 'stopping', 'finished', 'stopped')),
            requested_by     uuid NOT NULL,
            requested_at     timestamptz NOT NULL,
            started_at       timestamptz,
            finished_at      timestamptz
        )
        """
    )
    op.execute("CREATE INDEX replays_active ON replays (requested_at) WHERE finished_at IS NULL")
    shared_table("replays", worker="SELECT, INSERT, UPDATE")
