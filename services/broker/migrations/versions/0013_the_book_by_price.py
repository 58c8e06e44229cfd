"""The simulator finds in its book what a price reaches, and what another day has left, without reading the rest."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """The new index of open orders begins as the old one did, so that it serves the version before as well.

    The old one goes: by statistics of a time when few orders were open it looks no dearer than the new one, and a plan
    with it would stay.
    """
    lock_timeout()
    op.execute(
        """
        CREATE INDEX sim_orders_book ON sim_orders
               (symbol, side, coalesce(limit_price, CASE side WHEN 'buy' THEN 'Infinity'::numeric ELSE 0 END))
         WHERE state = 'open'
        """
    )
    op.execute("DROP INDEX sim_orders_open")
    op.execute(
        """
        CREATE INDEX sim_orders_ending ON sim_orders
               (symbol, (CASE WHEN state = 'open' AND time_in_force IN ('day', 'at_close') THEN trading_date END))
         WHERE CASE WHEN state = 'open' AND time_in_force IN ('day', 'at_close') THEN trading_date END IS NOT NULL
        """
    )
