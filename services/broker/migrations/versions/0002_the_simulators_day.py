"""The simulator's orders can be changed and wait for auctions; its quotes remember how far the day had come."""

from alembic import op
from kit.migrations import lock_timeout, service

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    lock_timeout()
    op.execute("CREATE SEQUENCE sim_orders_line")
    op.execute(f"GRANT USAGE ON SEQUENCE sim_orders_line TO {service()}_worker")
    op.execute("ALTER TABLE sim_orders ADD COLUMN priority bigint, ADD COLUMN account text NOT NULL DEFAULT ''")
    op.execute("UPDATE sim_orders SET priority = sequence")
    op.execute("SELECT setval('sim_orders_line', greatest(1, (SELECT max(sequence) FROM sim_orders)))")
    op.execute("ALTER TABLE sim_orders ALTER COLUMN priority SET NOT NULL")
    op.execute("ALTER TABLE sim_orders ALTER COLUMN priority SET DEFAULT nextval('sim_orders_line')")
    op.execute("ALTER TABLE sim_orders DROP CONSTRAINT sim_orders_time_in_force_check")
    op.execute(
        "ALTER TABLE sim_orders ADD CHECK (time_in_force IN ('day', 'ioc', 'fok', 'gtc', 'at_open', 'at_close'))"
    )
    op.execute(
        """
        ALTER TABLE sim_quotes
            ADD COLUMN phase text
                CHECK (phase IN ('closed', 'opening', 'continuous', 'closing', 'volatility', 'halted')),
            ADD COLUMN trading_date date,
            ADD CHECK ((phase IS NULL) = (trading_date IS NULL))
        """
    )
