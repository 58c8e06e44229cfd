"""Waiting stops and pending replacements of orders, risk limits, halts, and answers by Idempotency-Key."""

from alembic import op
from kit.migrations import lock_timeout, shared_table, tenant_table

revision = "0002"
down_revision = "0001"

OPEN = "'accepted', 'held', 'partially_filled', 'pending_cancel', 'pending_replace', 'submitted', 'unknown'"


def upgrade() -> None:
    lock_timeout()
    _idempotency_keys()
    _orders()
    _risk_limits()
    _halts()


def _idempotency_keys() -> None:
    op.execute(
        """
        CREATE TABLE idempotency_keys (
            owner_id    uuid NOT NULL,
            route       text NOT NULL,
            key         text NOT NULL,
            fingerprint bytea NOT NULL,
            status      smallint NOT NULL,
            media_type  text,
            body        bytea NOT NULL,
            created_at  timestamptz NOT NULL,
            PRIMARY KEY (owner_id, route, key)
        )
        """
    )
    op.execute("CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)")
    tenant_table("idempotency_keys", app="SELECT, INSERT", worker="SELECT, DELETE")


def _orders() -> None:
    op.execute(
        """
        ALTER TABLE orders
          ADD COLUMN trail_amount          numeric,
          ADD COLUMN trail_percent         numeric,
          ADD COLUMN take_profit_price     numeric,
          ADD COLUMN stop_loss_price       numeric,
          ADD COLUMN stop_loss_limit_price numeric,
          ADD COLUMN group_id              uuid,
          ADD COLUMN trading_date          date,
          ADD COLUMN watched_price         numeric,
          ADD COLUMN triggered_at          timestamptz,
          ADD COLUMN replace_id            uuid,
          ADD COLUMN replace_quantity      numeric,
          ADD COLUMN replace_limit_price   numeric,
          ADD COLUMN replace_held          numeric NOT NULL DEFAULT 0,
          ADD COLUMN original_quantity     numeric,
          ADD COLUMN original_limit_price  numeric,
          ADD COLUMN original_stop_price   numeric,
          DROP CONSTRAINT orders_held
        """
    )
    op.execute(
        f"""
        ALTER TABLE orders
          ADD CONSTRAINT orders_held CHECK (held = 0 OR (held > 0 AND status IN ({OPEN}))),
          ADD CONSTRAINT orders_replace_held CHECK (replace_held >= 0 AND replace_held <= held),
          ADD CONSTRAINT orders_replacement CHECK ((replace_id IS NULL) = (replace_quantity IS NULL))
        """
    )
    op.execute("DROP INDEX orders_open")
    op.execute(f"CREATE INDEX orders_open ON orders (owner_id, account_id) WHERE status IN ({OPEN})")
    op.execute("CREATE INDEX orders_newest ON orders (owner_id, account_id, created_at)")
    op.execute("CREATE INDEX orders_waiting ON orders (symbol) WHERE status = 'held'")
    op.execute("CREATE INDEX orders_of_group ON orders (owner_id, group_id) WHERE group_id IS NOT NULL")
    op.execute("CREATE INDEX executions_of_account ON executions (owner_id, account_id, recorded_at)")


def _risk_limits() -> None:
    op.execute(
        """
        CREATE TABLE risk_limits (
            owner_id                    uuid NOT NULL,
            scope                       text NOT NULL CONSTRAINT risk_limits_scope
                                        CHECK (scope IN ('user', 'account', 'strategy')),
            scope_id                    uuid NOT NULL,
            currency                    text NOT NULL CONSTRAINT risk_limits_currency
                                        CHECK (currency IN ('KRW', 'USD')),
            effective_at                timestamptz NOT NULL,
            order_quantity_max          numeric,
            order_value_max             numeric,
            price_distance_max_percent  numeric,
            position_value_max          numeric,
            position_weight_max_percent numeric,
            leverage_max                numeric,
            daily_loss_max              numeric,
            daily_trades_max            numeric,
            open_orders_max             numeric,
            open_value_max              numeric,
            orders_per_second_max       numeric,
            duplicate_seconds           numeric,
            restricted_symbols          text[] NOT NULL,
            PRIMARY KEY (owner_id, scope, scope_id, currency, effective_at)
        )
        """
    )
    # a change is a new row; only what has not come into force yet may be withdrawn
    tenant_table("risk_limits", app="SELECT, INSERT, DELETE", worker="SELECT, INSERT, DELETE")


def _halts() -> None:
    op.execute(
        """
        CREATE TABLE halts (
            owner_id  uuid NOT NULL,
            scope     text NOT NULL CONSTRAINT halts_scope CHECK (scope IN ('user', 'account', 'strategy')),
            scope_id  uuid NOT NULL,
            mode      text NOT NULL CONSTRAINT halts_mode CHECK (mode IN ('halted', 'reduce_only')),
            reason    text,
            halted_at timestamptz NOT NULL,
            PRIMARY KEY (owner_id, scope, scope_id)
        )
        """
    )
    tenant_table("halts")
    op.execute(
        """
        CREATE TABLE platform_halt (
            only_one  boolean PRIMARY KEY DEFAULT true CONSTRAINT platform_halt_only_one CHECK (only_one),
            mode      text NOT NULL CONSTRAINT platform_halt_mode CHECK (mode IN ('halted', 'reduce_only')),
            reason    text,
            halted_by uuid NOT NULL,
            halted_at timestamptz NOT NULL
        )
        """
    )
    shared_table("platform_halt")
