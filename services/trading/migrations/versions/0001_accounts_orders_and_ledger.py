"""Accounts, balances, orders, executions, positions and the ledger, with the tables of events."""

from alembic import op
from kit.migrations import create_events_tables, lock_timeout, tenant_table

revision = "0001"
down_revision = None

OF_ACCOUNT = "FOREIGN KEY (owner_id, account_id) REFERENCES accounts (owner_id, id)"


def upgrade() -> None:
    lock_timeout()
    create_events_tables()
    _accounts()
    _orders()
    _executions()
    _positions()
    _ledger()


def _accounts() -> None:
    op.execute(
        """
        CREATE TABLE accounts (
            owner_id       uuid NOT NULL,
            id             uuid NOT NULL,
            name           text NOT NULL,
            kind           text NOT NULL CONSTRAINT accounts_kind CHECK (kind IN ('paper', 'live')),
            currency       text NOT NULL CONSTRAINT accounts_currency CHECK (currency IN ('KRW', 'USD')),
            trading_halted boolean NOT NULL,
            created_at     timestamptz NOT NULL,
            PRIMARY KEY (owner_id, id)
        )
        """
    )
    tenant_table("accounts")
    op.execute(
        f"""
        CREATE TABLE balances (
            owner_id   uuid NOT NULL,
            account_id uuid NOT NULL,
            currency   text NOT NULL CONSTRAINT balances_currency CHECK (currency IN ('KRW', 'USD')),
            available  numeric NOT NULL CONSTRAINT balances_available CHECK (available >= 0),
            held       numeric NOT NULL CONSTRAINT balances_held CHECK (held >= 0),
            PRIMARY KEY (owner_id, account_id, currency),
            {OF_ACCOUNT}
        ) WITH (fillfactor = 70)
        """
    )
    tenant_table("balances")


def _orders() -> None:
    op.execute(
        f"""
        CREATE TABLE orders (
            owner_id        uuid NOT NULL,
            id              uuid NOT NULL,
            account_id      uuid NOT NULL,
            client_order_id text NOT NULL,
            symbol          text NOT NULL,
            market          text NOT NULL,
            venue           text NOT NULL,
            currency        text NOT NULL,
            side            text NOT NULL CONSTRAINT orders_side CHECK (side IN ('buy', 'sell')),
            order_type      text NOT NULL,
            quantity        numeric NOT NULL CONSTRAINT orders_quantity CHECK (quantity > 0),
            limit_price     numeric,
            stop_price      numeric,
            time_in_force   text NOT NULL,
            board           text,
            kind            text,
            status          text NOT NULL,
            filled_quantity numeric NOT NULL,
            filled_value    numeric NOT NULL,
            fee             numeric NOT NULL,
            tax             numeric NOT NULL,
            reserve_price   numeric,
            held            numeric NOT NULL,
            reason          text,
            detail          text,
            created_at      timestamptz NOT NULL,
            updated_at      timestamptz NOT NULL,
            PRIMARY KEY (owner_id, id),
            CONSTRAINT orders_client_order_id UNIQUE (owner_id, client_order_id),
            {OF_ACCOUNT},
            CONSTRAINT orders_filled_quantity CHECK (filled_quantity BETWEEN 0 AND quantity),
            CONSTRAINT orders_filled CHECK ((status = 'filled') = (filled_quantity = quantity)),
            CONSTRAINT orders_denied_reason CHECK (status <> 'denied' OR reason IS NOT NULL),
            CONSTRAINT orders_held CHECK (
                held = 0 OR (held > 0 AND status IN
                             ('submitted', 'accepted', 'partially_filled', 'pending_cancel', 'unknown'))
            )
        ) WITH (fillfactor = 80)
        """
    )
    op.execute(
        """
        CREATE INDEX orders_open ON orders (owner_id, account_id)
         WHERE status IN ('accepted', 'partially_filled', 'pending_cancel', 'submitted', 'unknown')
        """
    )
    tenant_table("orders")


def _executions() -> None:
    op.execute(
        """
        CREATE TABLE executions (
            owner_id        uuid NOT NULL,
            execution_id    text NOT NULL,
            order_id        uuid NOT NULL,
            account_id      uuid NOT NULL,
            symbol          text NOT NULL,
            side            text NOT NULL,
            quantity        numeric NOT NULL,
            price           numeric NOT NULL,
            fee             numeric NOT NULL,
            tax             numeric NOT NULL,
            realized_profit numeric NOT NULL,
            currency        text NOT NULL,
            trade_date      date NOT NULL,
            settlement_date date NOT NULL,
            executed_at     timestamptz NOT NULL,
            recorded_at     timestamptz NOT NULL,
            PRIMARY KEY (owner_id, execution_id),
            FOREIGN KEY (owner_id, order_id) REFERENCES orders (owner_id, id),
            CONSTRAINT executions_amounts CHECK (quantity > 0 AND price > 0 AND fee >= 0 AND tax >= 0)
        )
        """
    )
    op.execute("CREATE INDEX executions_newest ON executions (owner_id, recorded_at, execution_id)")
    op.execute("CREATE INDEX executions_of_order ON executions (owner_id, order_id)")
    tenant_table("executions", app="SELECT, INSERT", worker="SELECT, INSERT")


def _positions() -> None:
    op.execute(
        f"""
        CREATE TABLE positions (
            owner_id        uuid NOT NULL,
            account_id      uuid NOT NULL,
            symbol          text NOT NULL,
            market          text NOT NULL,
            currency        text NOT NULL,
            quantity        numeric NOT NULL,
            held            numeric NOT NULL,
            cost            numeric NOT NULL,
            realized_profit numeric NOT NULL,
            PRIMARY KEY (owner_id, account_id, symbol),
            {OF_ACCOUNT},
            CONSTRAINT positions_held CHECK (held >= 0 AND quantity >= held),
            CONSTRAINT positions_cost CHECK (cost >= 0 AND (quantity > 0 OR cost = 0))
        ) WITH (fillfactor = 70)
        """
    )
    tenant_table("positions")


def _ledger() -> None:
    op.execute(
        f"""
        CREATE TABLE ledger_entries (
            owner_id        uuid NOT NULL,
            transaction_key text NOT NULL,
            currency        text NOT NULL,
            book            text NOT NULL CONSTRAINT ledger_entries_book
                            CHECK (book IN ('cash', 'held', 'shares', 'fees', 'taxes', 'gains', 'deposits')),
            position        bigint GENERATED ALWAYS AS IDENTITY,
            account_id      uuid NOT NULL,
            movement        text NOT NULL,
            amount          numeric NOT NULL CONSTRAINT ledger_entries_amount CHECK (amount <> 0),
            occurred_at     timestamptz NOT NULL,
            PRIMARY KEY (owner_id, transaction_key, currency, book),
            {OF_ACCOUNT}
        )
        """
    )
    op.execute("CREATE INDEX ledger_entries_newest ON ledger_entries (owner_id, account_id, position)")
    # written once: a correction is a new entry
    tenant_table("ledger_entries", app="SELECT, INSERT", worker="SELECT, INSERT")
    op.execute(
        """
        CREATE FUNCTION ledger_sums_to_zero() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
        BEGIN
            IF (SELECT sum(amount) FROM ledger_entries
                 WHERE owner_id = NEW.owner_id AND transaction_key = NEW.transaction_key
                   AND currency = NEW.currency) IS DISTINCT FROM 0 THEN
                RAISE EXCEPTION 'ledger transaction % does not sum to zero in %', NEW.transaction_key, NEW.currency
                      USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER ledger_entries_sum_to_zero AFTER INSERT OR UPDATE ON ledger_entries
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_sums_to_zero()
        """
    )
