"""The tables that are written row by row; bars are written by COPY and have their SQL in `bars`."""

from sqlalchemy import Boolean, Column, Date, DateTime, Integer, MetaData, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from market.domain.screen import RATIOS

metadata = MetaData()

instruments = Table(
    "instruments",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("market", Text, nullable=False),
    Column("board", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("adjustment", Text, nullable=False),
    Column("name_en", Text),
    Column("initials", Text, nullable=False),
    Column("sector", Text),
    Column("isin", Text),
    Column("listed_on", Date),
    Column("delisted_on", Date),
)

replays = Table(
    "replays",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("market", Text, nullable=False),
    Column("symbols", ARRAY(Text), nullable=False),
    Column("trading_date", Date, nullable=False),
    Column("duration_seconds", Integer, nullable=False),
    Column("ticks_per_symbol", Integer, nullable=False),
    Column("hold_open", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("requested_by", Uuid, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
)

screens = Table(
    "screens",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("universe", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("scheduled", Boolean, nullable=False),
    Column("last_day", Date),
    Column("last_matches", ARRAY(Text), nullable=False, server_default="{}"),
)

watchlists = Table(
    "watchlists",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("symbols", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

fundamentals = Table(
    "fundamentals",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("known_since", Date, primary_key=True),
    *(Column(name, Numeric) for name in RATIOS),
    Column("source", Text, nullable=False),
)

corporate_actions = Table(
    "corporate_actions",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("ex_day", Date, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("price_factor", Numeric, nullable=False),
    Column("volume_factor", Numeric, nullable=False),
    Column("source", Text, nullable=False),
)

adjustments = Table(
    "adjustments",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date, nullable=False),
    Column("price_factor", Numeric, nullable=False),
    Column("volume_factor", Numeric, nullable=False),
)

pipeline_runs = Table(
    "pipeline_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", DateTime(timezone=True), nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("report", JSONB, nullable=False),
    Column("error", Text),
)

source_breakers = Table(
    "source_breakers",
    metadata,
    Column("source", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("open_until", DateTime(timezone=True)),
    Column("reason", Text, nullable=False),
    Column("is_block", Boolean, nullable=False),
)

investor_flows = Table(
    "investor_flows",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("known_since", Date, nullable=False),
    Column("individual", Numeric, nullable=False),
    Column("institution", Numeric, nullable=False),
    Column("foreigner", Numeric, nullable=False),
    Column("corporation", Numeric, nullable=False),
    Column("source", Text, nullable=False),
)

disclosures = Table(
    "disclosures",
    metadata,
    Column("receipt_no", Text, primary_key=True),
    Column("symbol", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("known_since", Date, nullable=False),
    Column("source", Text, nullable=False),
)
