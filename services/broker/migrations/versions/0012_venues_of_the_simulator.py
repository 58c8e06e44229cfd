"""The simulator keeps a book for NXT besides that of KRX, and knows a market behind the regular session."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0012"
down_revision = "0011"

_PHASES = "('closed', 'opening', 'continuous', 'closing', 'volatility', 'halted', 'after')"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        "ALTER TABLE sim_orders"
        " ADD COLUMN venue text NOT NULL DEFAULT 'KRX' CHECK (venue IN ('KRX', 'NXT', 'SOR', 'US'))"
    )
    op.execute("UPDATE sim_orders SET venue = market WHERE market <> venue")
    op.execute("ALTER TABLE sim_quotes DROP CONSTRAINT sim_quotes_phase_check")
    op.execute(
        f"""
        ALTER TABLE sim_quotes
            ADD CONSTRAINT sim_quotes_phase_check CHECK (phase IN {_PHASES}),
            ADD COLUMN nxt_phase text NOT NULL DEFAULT 'closed' CHECK (nxt_phase IN {_PHASES})
        """
    )
