"""Corporate actions with the factors that follow from them, and bars of one minute."""

from alembic import op
from kit.migrations import lock_timeout, shared_table

revision = "0003"
down_revision = "0002"

FIRST_YEAR, LAST_YEAR = 2020, 2035
COLUMNS = """
    symbol text COLLATE "C" NOT NULL,
    at     timestamptz NOT NULL,
    open   numeric NOT NULL,
    high   numeric NOT NULL,
    low    numeric NOT NULL,
    close  numeric NOT NULL,
    volume bigint NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (symbol, at),
    CONSTRAINT minute_bars_sane CHECK (low > 0 AND high >= low AND volume >= 0)
"""


def upgrade() -> None:
    lock_timeout()
    op.execute(
        "ALTER TABLE instruments ADD COLUMN adjustment text NOT NULL DEFAULT 'raw'"
        " CHECK (adjustment IN ('raw', 'adjusted'))"
    )
    op.execute(
        """
        CREATE TABLE corporate_actions (
            symbol        text COLLATE "C" NOT NULL,
            ex_day        date NOT NULL,
            kind          text NOT NULL CHECK (kind IN ('split', 'merge', 'rights', 'bonus', 'reduction', 'dividend')),
            price_factor  numeric NOT NULL CHECK (price_factor > 0),
            volume_factor numeric NOT NULL CHECK (volume_factor > 0),
            source        text NOT NULL,
            PRIMARY KEY (symbol, ex_day, kind)
        )
        """
    )
    shared_table("corporate_actions", worker="SELECT, INSERT, UPDATE, DELETE")
    # What the actions of a symbol make of each span of days; written anew with every action.
    op.execute(
        """
        CREATE TABLE adjustments (
            symbol        text COLLATE "C" NOT NULL,
            first_day     date NOT NULL,
            last_day      date NOT NULL CHECK (last_day >= first_day),
            price_factor  numeric NOT NULL CHECK (price_factor > 0),
            volume_factor numeric NOT NULL CHECK (volume_factor > 0),
            PRIMARY KEY (symbol, first_day)
        )
        """
    )
    shared_table("adjustments", worker="SELECT, INSERT, DELETE")
    _create_minute_bars()


def _create_minute_bars() -> None:
    found = op.get_bind().exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").scalar()
    if found is not None:
        op.execute(f"CREATE TABLE minute_bars ({COLUMNS})")
        op.execute(
            "SELECT create_hypertable('minute_bars', 'at', chunk_time_interval => INTERVAL '7 days',"
            " create_default_indexes => false)"
        )
        op.execute(
            "ALTER TABLE minute_bars SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol',"
            " timescaledb.compress_orderby = 'at')"
        )
        op.execute("SELECT add_compression_policy('minute_bars', INTERVAL '30 days')")
    else:
        op.execute(f"CREATE TABLE minute_bars ({COLUMNS}) PARTITION BY RANGE (at)")
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            op.execute(
                f"CREATE TABLE minute_bars_{year} PARTITION OF minute_bars"
                f" FOR VALUES FROM ('{year}-01-01 00:00+00') TO ('{year + 1}-01-01 00:00+00')"
            )
        op.execute("CREATE TABLE minute_bars_other PARTITION OF minute_bars DEFAULT")
    shared_table("minute_bars", worker="SELECT, INSERT, UPDATE")
