"""The tables of automations; `migrations/versions` makes the same, a test compares."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from trading.store.tables import metadata


def _when(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


strategies = Table(
    "strategies",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("strategy_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    _when("published_at"),
    PrimaryKeyConstraint("owner_id", "strategy_id", "version"),
)

automations = Table(
    "automations",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("strategy_id", Uuid),
    Column("version", Integer),
    Column("market", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("symbols", ARRAY(Text), nullable=False),
    Column("history_from", Date),
    Column("mode", Text, nullable=False),
    Column("capital", Numeric, nullable=False),
    Column("positions_max", Integer, nullable=False),
    Column("answer_seconds", Integer, nullable=False),
    Column("interval", Text, nullable=False),
    Column("weekdays", ARRAY(Integer), nullable=False),
    Column("not_before", Time),
    Column("not_after", Time),
    Column("order_value_max", Numeric),
    Column("orders_per_day_max", Integer),
    Column("daily_loss_max", Numeric),
    Column("cool_off_minutes", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    _when("cool_off_until", nullable=True),
    _when("created_at"),
    _when("changed_at"),
    PrimaryKeyConstraint("owner_id", "id"),
    CheckConstraint("mode IN ('notify', 'ask', 'automatic')", "automations_mode"),
    CheckConstraint("status IN ('stopped', 'running', 'paused')", "automations_status"),
    CheckConstraint("capital > 0 AND positions_max > 0", "automations_money"),
)

automation_runs = Table(
    "automation_runs",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("automation_id", Uuid, nullable=False),
    Column("phase", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    _when("scheduled_at"),
    _when("due_at"),
    Column("status", Text, nullable=False),
    Column("outcome", JSONB),
    Column("epoch", BigInteger),
    _when("settled_at", nullable=True),
    PrimaryKeyConstraint("owner_id", "automation_id", "phase", "symbol", "scheduled_at"),
    CheckConstraint("phase IN ('prepare', 'evaluate', 'tidy')", "automation_runs_phase"),
    CheckConstraint("status IN ('due', 'done', 'skipped')", "automation_runs_status"),
)

signals = Table(
    "signals",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("automation_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("price", Numeric, nullable=False),
    Column("target", Numeric),
    _when("bar", nullable=True),
    Column("reasons", JSONB, nullable=False),
    Column("mode", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("act_on", Date),
    _when("raised_at"),
    _when("valid_until"),
    _when("answer_until", nullable=True),
    Column("decided_by", Text),
    Column("trip_id", Uuid),
    Column("order_id", Uuid),
    Column("detail", Text),
    _when("settled_at", nullable=True),
    PrimaryKeyConstraint("owner_id", "id"),
    CheckConstraint("side IN ('buy', 'sell')", "signals_side"),
    CheckConstraint(
        "status IN ('noted', 'asked', 'waiting', 'ordered', 'declined', 'expired', 'refused', 'skipped')",
        "signals_status",
    ),
    CheckConstraint("target > 0", "signals_target_check"),
)

trips = Table(
    "trips",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("automation_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("entry_order_id", Uuid, nullable=False),
    Column("stop_price", Numeric),
    Column("target_price", Numeric),
    Column("trail_price", Numeric),
    Column("peak_price", Numeric),
    Column("bars_held", Integer, nullable=False),
    _when("opened_at"),
    _when("closed_at", nullable=True),
    PrimaryKeyConstraint("owner_id", "id"),
)

hooks = Table(
    "hooks",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("automation_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_digest", Text, nullable=False),
    Column("expected_every_minutes", Integer),
    _when("created_at"),
    _when("heard_at", nullable=True),
    _when("told_at", nullable=True),
    PrimaryKeyConstraint("owner_id", "id"),
    UniqueConstraint("id", name="hooks_id"),
)

hook_alerts = Table(
    "hook_alerts",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("hook_id", Uuid, nullable=False),
    Column("alert_key", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("detail", Text),
    _when("received_at"),
    _when("settled_at", nullable=True),
    PrimaryKeyConstraint("owner_id", "hook_id", "alert_key"),
    CheckConstraint("status IN ('queued', 'done', 'refused')", "hook_alerts_status"),
)

leases = Table(
    "leases",
    MetaData(),  # of the service itself and not of its owners
    Column("name", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    _when("taken_at"),
)
