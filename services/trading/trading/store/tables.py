"""All tables and their constraints, the last line of defence; `migrations/versions` makes the same, a test compares."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.sql.elements import ColumnElement

from trading.domain.order import OPEN

metadata = MetaData()
BOOKED = text("nextval('booking_numbers')")
"""Numbers executions and entries of positions in one line: the order in which an account's shares moved."""


def _money(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Numeric, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable)


def _moment(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False)


def _of_account() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["owner_id", "account_id"], ["accounts.owner_id", "accounts.id"])


accounts = Table(
    "accounts",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    _text("name"),
    _text("kind"),
    _text("currency"),
    Column("trading_halted", Boolean, nullable=False),
    _moment("created_at"),
    Column("reset_at", DateTime(timezone=True)),
    Column("broker", Text, nullable=False, server_default=text("'simulator'")),
    Column("connection_id", Uuid),
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
    Column("open_orders", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("owner_id", "id"),
    UniqueConstraint("owner_id", "connection_id", name="accounts_of_connection"),
    CheckConstraint("kind IN ('paper', 'live')", "accounts_kind"),
    CheckConstraint("open_orders >= 0", "accounts_open_orders"),
    CheckConstraint("currency IN ('KRW', 'USD')", "accounts_currency"),
)

connections = Table(
    "connections",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    _text("broker"),
    _text("environment"),
    PrimaryKeyConstraint("owner_id", "id"),
    CheckConstraint("environment IN ('paper', 'real')", "connections_environment"),
)

rights = Table(
    "rights",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("live", Boolean, nullable=False),
    _moment("told_at"),
    PrimaryKeyConstraint("owner_id"),
)

balances = Table(
    "balances",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    _text("currency"),
    _money("available"),
    _money("held"),
    _money("unsettled_in"),
    _money("unsettled_out"),
    PrimaryKeyConstraint("owner_id", "account_id", "currency"),
    _of_account(),
    CheckConstraint("currency IN ('KRW', 'USD')", "balances_currency"),
    CheckConstraint("available >= 0", "balances_available"),
    CheckConstraint("held >= 0", "balances_held"),
    CheckConstraint("unsettled_in >= 0 AND unsettled_out >= 0", "balances_unsettled"),
    CheckConstraint("available + held - unsettled_in + unsettled_out >= 0", "balances_settled"),
)

unsettled = Table(
    "unsettled",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    _text("currency"),
    Column("settles_on", Date, nullable=False),
    _text("opened_by"),
    _text("symbol"),
    Column("replayed", Boolean, nullable=False),
    _money("incoming"),
    _money("outgoing"),
    PrimaryKeyConstraint("owner_id", "account_id", "currency", "settles_on"),
    _of_account(),
    CheckConstraint("incoming >= 0 AND outgoing >= 0 AND incoming + outgoing > 0", "unsettled_amounts"),
)

orders = Table(
    "orders",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    _text("client_order_id"),
    _text("symbol"),
    _text("market"),
    _text("venue"),
    _text("currency"),
    _text("side"),
    _text("order_type"),
    _money("quantity"),
    _money("limit_price", nullable=True),
    _money("stop_price", nullable=True),
    _text("time_in_force"),
    _text("board", nullable=True),
    _text("kind", nullable=True),
    _text("status"),
    _money("filled_quantity"),
    _money("filled_value"),
    _money("fee"),
    _money("tax"),
    _money("reserve_price", nullable=True),
    _money("held"),
    _text("reason", nullable=True),
    _text("detail", nullable=True),
    _moment("created_at"),
    _moment("updated_at"),
    _money("trail_amount", nullable=True),
    _money("trail_percent", nullable=True),
    _money("take_profit_price", nullable=True),
    _money("stop_loss_price", nullable=True),
    _money("stop_loss_limit_price", nullable=True),
    Column("group_id", Uuid),
    Column("trading_date", Date),
    _money("watched_price", nullable=True),
    Column("triggered_at", DateTime(timezone=True)),
    Column("replace_id", Uuid),
    _money("replace_quantity", nullable=True),
    _money("replace_limit_price", nullable=True),
    _money("replace_held"),
    _money("original_quantity", nullable=True),
    _money("original_limit_price", nullable=True),
    _money("original_stop_price", nullable=True),
    Column("strategy_id", Uuid),
    Column("correlation_id", Uuid),
    _money("oco_stop_price", nullable=True),
    _money("oco_stop_limit_price", nullable=True),
    PrimaryKeyConstraint("owner_id", "id"),
    UniqueConstraint("owner_id", "client_order_id", name="orders_client_order_id"),
    _of_account(),
    CheckConstraint("side IN ('buy', 'sell')", "orders_side"),
    CheckConstraint("quantity > 0", "orders_quantity"),
    CheckConstraint("filled_quantity BETWEEN 0 AND quantity", "orders_filled_quantity"),
    CheckConstraint("(status = 'filled') = (filled_quantity = quantity)", "orders_filled"),
    CheckConstraint("status <> 'denied' OR reason IS NOT NULL", "orders_denied_reason"),
    CheckConstraint(
        "held = 0 OR (held > 0 AND status IN ('accepted', 'held', 'partially_filled', 'pending_cancel',"
        " 'pending_replace', 'submitted', 'unknown'))",
        "orders_held",
    ),
    CheckConstraint("replace_held >= 0 AND replace_held <= held", "orders_replace_held"),
    CheckConstraint("(replace_id IS NULL) = (replace_quantity IS NULL)", "orders_replacement"),
)

executions = Table(
    "executions",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    _text("execution_id"),
    Column("order_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    _text("symbol"),
    _text("side"),
    _money("quantity"),
    _money("price"),
    _money("fee"),
    _money("tax"),
    _money("realized_profit"),
    _text("currency"),
    Column("trade_date", Date, nullable=False),
    Column("settlement_date", Date, nullable=False),
    _moment("executed_at"),
    _moment("recorded_at"),
    Column("booked", BigInteger, nullable=False, server_default=BOOKED),
    PrimaryKeyConstraint("owner_id", "execution_id"),
    ForeignKeyConstraint(["owner_id", "order_id"], ["orders.owner_id", "orders.id"]),
    CheckConstraint("quantity > 0 AND price > 0 AND fee >= 0 AND tax >= 0", "executions_amounts"),
)

positions = Table(
    "positions",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    _text("symbol"),
    _text("market"),
    _text("currency"),
    _money("quantity"),
    _money("held"),
    _money("cost"),
    _money("realized_profit"),
    PrimaryKeyConstraint("owner_id", "account_id", "symbol"),
    _of_account(),
    CheckConstraint("held >= 0 AND quantity >= held", "positions_held"),
    CheckConstraint("cost >= 0 AND (quantity > 0 OR cost = 0)", "positions_cost"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    _text("transaction_key"),
    _text("currency"),
    _text("book"),
    Column("position", BigInteger, Identity(always=True)),
    Column("account_id", Uuid, nullable=False),
    _text("movement"),
    _money("amount"),
    _moment("occurred_at"),
    PrimaryKeyConstraint("owner_id", "transaction_key", "currency", "book"),
    _of_account(),
    CheckConstraint(
        "book IN ('cash', 'held', 'receivable', 'payable', 'shares', 'fees', 'taxes', 'gains',"
        " 'dividends', 'withholding', 'corrections', 'deposits')",
        "ledger_entries_book",
    ),
    CheckConstraint("amount <> 0", "ledger_entries_amount"),
)

risk_limits = Table(
    "risk_limits",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    _text("scope"),
    Column("scope_id", Uuid, nullable=False),
    _text("currency"),
    _moment("effective_at"),
    _money("order_quantity_max", nullable=True),
    _money("order_value_max", nullable=True),
    _money("price_distance_max_percent", nullable=True),
    _money("position_value_max", nullable=True),
    _money("position_weight_max_percent", nullable=True),
    _money("leverage_max", nullable=True),
    _money("daily_loss_max", nullable=True),
    _money("daily_trades_max", nullable=True),
    _money("open_orders_max", nullable=True),
    _money("open_value_max", nullable=True),
    _money("orders_per_second_max", nullable=True),
    _money("duplicate_seconds", nullable=True),
    Column("restricted_symbols", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("owner_id", "scope", "scope_id", "currency", "effective_at"),
    CheckConstraint("scope IN ('user', 'account', 'strategy')", "risk_limits_scope"),
    CheckConstraint("currency IN ('KRW', 'USD')", "risk_limits_currency"),
)

halts = Table(
    "halts",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    _text("scope"),
    Column("scope_id", Uuid, nullable=False),
    _text("mode"),
    _text("reason", nullable=True),
    _moment("halted_at"),
    PrimaryKeyConstraint("owner_id", "scope", "scope_id"),
    CheckConstraint("scope IN ('user', 'account', 'strategy')", "halts_scope"),
    CheckConstraint("mode IN ('halted', 'reduce_only')", "halts_mode"),
)

position_entries = Table(
    "position_entries",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    _text("entry_id"),
    Column("account_id", Uuid, nullable=False),
    _text("symbol"),
    _text("market"),
    _text("currency"),
    _text("movement"),
    _money("quantity"),
    _money("cost"),
    _money("realized_profit"),
    _money("ratio", nullable=True),
    Column("occurred_on", Date, nullable=False),
    _moment("recorded_at"),
    Column("booked", BigInteger, nullable=False, server_default=BOOKED),
    PrimaryKeyConstraint("owner_id", "entry_id"),
    _of_account(),
    CheckConstraint("movement IN ('split', 'cash_in_lieu', 'correction', 'reset')", "position_entries_movement"),
    CheckConstraint("ratio > 0", "position_entries_ratio"),
)

dead_men = Table(
    "dead_men",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("seconds", Integer, nullable=False),
    _moment("due_at"),
    PrimaryKeyConstraint("owner_id", "account_id"),
    _of_account(),
    CheckConstraint("seconds BETWEEN 5 AND 60", "dead_men_seconds"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    _text("currency"),
    Column("session_date", Date, nullable=False),
    _money("cash"),
    _money("market_value"),
    _money("deposits"),
    _money("withdrawals"),
    _money("bought"),
    _money("sold"),
    Column("estimated", Boolean, nullable=False),
    Column("ledger_until", BigInteger, nullable=False),
    _moment("taken_at"),
    PrimaryKeyConstraint("owner_id", "account_id", "currency", "session_date"),
    _of_account(),
    CheckConstraint("deposits >= 0 AND withdrawals >= 0 AND bought >= 0 AND sold >= 0", "snapshots_flows"),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("owner_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("differences", ARRAY(Text), nullable=False),
    _moment("seen_at"),
    PrimaryKeyConstraint("owner_id", "account_id"),
    _of_account(),
)

leavers = Table(
    "leavers",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    _moment("left_at"),
    Column("erased_at", DateTime(timezone=True)),
)

jobs = Table(
    "jobs",
    MetaData(),  # of the service itself and not of its owners
    Column("name", Text, primary_key=True),
    _moment("started_at"),
    Column("finished_at", DateTime(timezone=True)),
    Column("outcome", Text),
)


def is_open() -> ColumnElement[bool]:
    """The condition of the partial index `orders_open`: literals, since a plan for parameters could not use it."""
    return orders.c.status.in_([literal_column(f"'{status}'") for status in sorted(OPEN)])
