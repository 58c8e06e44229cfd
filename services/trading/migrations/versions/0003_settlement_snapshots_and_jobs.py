"""Unsettled books, entries of positions, daily snapshots, and the jobs that keep them."""

from alembic import op
from kit.migrations import lock_timeout, service, shared_table, tenant_table

revision = "0003"
down_revision = "0002"

OF_ACCOUNT = "FOREIGN KEY (owner_id, account_id) REFERENCES accounts (owner_id, id)"
BOOKS = (
    "'cash', 'held', 'receivable', 'payable', 'shares', 'fees', 'taxes', 'gains',"
    " 'dividends', 'withholding', 'corrections', 'deposits'"
)


def upgrade() -> None:
    lock_timeout()
    _balances_and_books()
    _unsettled()
    _positions()
    _snapshots()
    _jobs()


def _balances_and_books() -> None:
    op.execute("ALTER TABLE accounts ADD COLUMN reset_at timestamptz")
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_book")
    op.execute(f"ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_book CHECK (book IN ({BOOKS}))")
    op.execute(
        """
        ALTER TABLE balances
            ADD COLUMN unsettled_in numeric NOT NULL DEFAULT 0,
            ADD COLUMN unsettled_out numeric NOT NULL DEFAULT 0,
            ADD CONSTRAINT balances_unsettled CHECK (unsettled_in >= 0 AND unsettled_out >= 0),
            ADD CONSTRAINT balances_settled CHECK (available + held - unsettled_in + unsettled_out >= 0)
        """
    )


def _unsettled() -> None:
    op.execute(
        f"""
        CREATE TABLE unsettled (
            owner_id   uuid NOT NULL,
            account_id uuid NOT NULL,
            currency   text NOT NULL,
            settles_on date NOT NULL,
            opened_by  text NOT NULL,
            symbol     text NOT NULL,
            replayed   boolean NOT NULL,
            incoming   numeric NOT NULL,
            outgoing   numeric NOT NULL,
            PRIMARY KEY (owner_id, account_id, currency, settles_on),
            {OF_ACCOUNT},
            CONSTRAINT unsettled_amounts CHECK (incoming >= 0 AND outgoing >= 0 AND incoming + outgoing > 0)
        ) WITH (fillfactor = 70)
        """
    )
    op.execute("CREATE INDEX unsettled_by_date ON unsettled (settles_on, owner_id, account_id, currency)")
    tenant_table("unsettled")


def _positions() -> None:
    op.execute("CREATE SEQUENCE booking_numbers")
    op.execute(f"GRANT USAGE ON SEQUENCE booking_numbers TO {service()}_app, {service()}_worker")
    op.execute("ALTER TABLE executions ADD COLUMN booked bigint NOT NULL DEFAULT nextval('booking_numbers')")
    op.execute("CREATE INDEX executions_booked ON executions (owner_id, account_id, booked)")
    op.execute(
        f"""
        CREATE TABLE position_entries (
            owner_id        uuid NOT NULL,
            entry_id        text NOT NULL,
            account_id      uuid NOT NULL,
            symbol          text NOT NULL,
            market          text NOT NULL,
            currency        text NOT NULL,
            movement        text NOT NULL CONSTRAINT position_entries_movement
                            CHECK (movement IN ('split', 'cash_in_lieu', 'correction', 'reset')),
            quantity        numeric NOT NULL,
            cost            numeric NOT NULL,
            realized_profit numeric NOT NULL,
            ratio           numeric CONSTRAINT position_entries_ratio CHECK (ratio > 0),
            occurred_on     date NOT NULL,
            recorded_at     timestamptz NOT NULL,
            booked          bigint NOT NULL DEFAULT nextval('booking_numbers'),
            PRIMARY KEY (owner_id, entry_id),
            {OF_ACCOUNT}
        )
        """
    )
    op.execute("CREATE INDEX position_entries_booked ON position_entries (owner_id, account_id, booked)")
    # written once, like the ledger and the executions
    tenant_table("position_entries", app="SELECT, INSERT", worker="SELECT, INSERT")


def _snapshots() -> None:
    op.execute(
        f"""
        CREATE TABLE snapshots (
            owner_id     uuid NOT NULL,
            account_id   uuid NOT NULL,
            currency     text NOT NULL,
            session_date date NOT NULL,
            cash         numeric NOT NULL,
            market_value numeric NOT NULL,
            deposits     numeric NOT NULL,
            withdrawals  numeric NOT NULL,
            bought       numeric NOT NULL,
            sold         numeric NOT NULL,
            estimated    boolean NOT NULL,
            ledger_until bigint NOT NULL,
            taken_at     timestamptz NOT NULL,
            PRIMARY KEY (owner_id, account_id, currency, session_date),
            {OF_ACCOUNT},
            CONSTRAINT snapshots_flows CHECK (deposits >= 0 AND withdrawals >= 0 AND bought >= 0 AND sold >= 0)
        )
        """
    )
    tenant_table("snapshots")
    op.execute(
        "CREATE INDEX ledger_entries_flows ON ledger_entries (owner_id, account_id, position)"
        " WHERE book = 'deposits' OR movement = 'buy' OR movement = 'sell'"
    )


def _jobs() -> None:
    op.execute(
        """
        CREATE TABLE jobs (
            name        text PRIMARY KEY,
            started_at  timestamptz NOT NULL,
            finished_at timestamptz,
            outcome     text
        )
        """
    )
    shared_table("jobs", app="SELECT")
