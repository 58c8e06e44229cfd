"""Attempts and executions of the broker service, and the books of the simulator."""

from alembic import op
from kit.migrations import create_events_tables, lock_timeout, service, tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    lock_timeout()
    create_events_tables()
    _attempts()
    _executions()
    _books()


def _attempts() -> None:
    op.execute(
        """
        CREATE TABLE attempts (
            order_id        uuid PRIMARY KEY,
            owner_id        uuid NOT NULL,
            broker          text NOT NULL,
            state           text NOT NULL
                            CHECK (state IN ('sending', 'unknown', 'accepted', 'rejected', 'canceled', 'expired')),
            broker_order_id text,
            intent          jsonb NOT NULL,
            correlation_id  uuid NOT NULL,
            begun_at        timestamptz NOT NULL,
            CHECK (state NOT IN ('accepted', 'canceled', 'expired') OR broker_order_id IS NOT NULL)
        )
        """
    )
    op.execute("CREATE INDEX attempts_unsettled ON attempts (begun_at) WHERE state IN ('sending', 'unknown')")
    tenant_table("attempts", app="SELECT", worker="SELECT, INSERT, UPDATE")


def _executions() -> None:
    op.execute(
        """
        CREATE TABLE broker_executions (
            execution_id    text PRIMARY KEY,
            position        bigint GENERATED ALWAYS AS IDENTITY,
            owner_id        uuid NOT NULL,
            order_id        uuid NOT NULL REFERENCES attempts,
            account_id      uuid NOT NULL,
            broker          text NOT NULL,
            symbol          text NOT NULL,
            market          text NOT NULL,
            side            text NOT NULL CHECK (side IN ('buy', 'sell')),
            quantity        numeric NOT NULL CHECK (quantity > 0),
            price           numeric NOT NULL CHECK (price > 0),
            fee             numeric NOT NULL CHECK (fee >= 0),
            tax             numeric NOT NULL CHECK (tax >= 0),
            trade_date      date NOT NULL,
            settlement_date date NOT NULL CHECK (settlement_date >= trade_date),
            executed_at     timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX broker_executions_newest ON broker_executions (owner_id, position DESC)")
    tenant_table("broker_executions", app="SELECT", worker="SELECT, INSERT")


def _books() -> None:
    """The simulator is an exchange outside of us that happens to keep its books here: no owners, worker only."""
    op.execute(
        """
        CREATE TABLE sim_orders (
            client_key    uuid PRIMARY KEY,
            sequence      bigint GENERATED ALWAYS AS IDENTITY,
            symbol        text NOT NULL,
            market        text NOT NULL,
            board         text NOT NULL,
            kind          text NOT NULL,
            side          text NOT NULL CHECK (side IN ('buy', 'sell')),
            order_type    text NOT NULL CHECK (order_type IN ('market', 'limit')),
            time_in_force text NOT NULL CHECK (time_in_force IN ('day', 'ioc', 'fok')),
            limit_price   numeric CHECK (limit_price > 0),
            quantity      numeric NOT NULL CHECK (quantity > 0),
            filled        numeric NOT NULL CHECK (filled BETWEEN 0 AND quantity),
            state         text NOT NULL CHECK (state IN ('open', 'filled', 'canceled', 'expired', 'refused')),
            refusal_code  text,
            refusal_text  text,
            trading_date  date,
            accepted_at   timestamptz NOT NULL,
            version       integer NOT NULL DEFAULT 1,
            told_version  integer NOT NULL DEFAULT 1,
            CHECK ((order_type = 'limit') = (limit_price IS NOT NULL)),
            CHECK ((state = 'filled') = (filled = quantity)),
            CHECK ((state = 'refused') = (refusal_code IS NOT NULL)),
            CHECK (state = 'refused' OR trading_date IS NOT NULL)
        )
        """
    )
    op.execute("CREATE INDEX sim_orders_open ON sim_orders (symbol, sequence) WHERE state = 'open'")
    op.execute("CREATE INDEX sim_orders_untold ON sim_orders (sequence) WHERE version > told_version")
    op.execute(
        """
        CREATE TABLE sim_executions (
            execution_id    text PRIMARY KEY,
            sequence        bigint GENERATED ALWAYS AS IDENTITY,
            client_key      uuid NOT NULL REFERENCES sim_orders,
            quantity        numeric NOT NULL CHECK (quantity > 0),
            price           numeric NOT NULL CHECK (price > 0),
            fee             numeric NOT NULL CHECK (fee >= 0),
            tax             numeric NOT NULL CHECK (tax >= 0),
            trade_date      date NOT NULL,
            settlement_date date NOT NULL,
            executed_at     timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX sim_executions_of_order ON sim_executions (client_key, sequence)")
    op.execute(
        """
        CREATE TABLE sim_quotes (
            symbol    text PRIMARY KEY,
            quoted_at timestamptz NOT NULL,
            bid_left  numeric NOT NULL CHECK (bid_left >= 0),
            ask_left  numeric NOT NULL CHECK (ask_left >= 0)
        )
        """
    )
    for table in ("sim_orders", "sim_executions", "sim_quotes"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {service()}_worker")
