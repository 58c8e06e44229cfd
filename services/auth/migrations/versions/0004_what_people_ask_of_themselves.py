"""A passkey beside the password, settings, and figures of rights that can be left open.

Figures nobody ever set were never enforced before, so they are left open. Calls a minute come in steps, because the
gateway counts them, and each step is one of its counters.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0004"
down_revision = "0003"

USERS = """
ALTER TABLE users
    ADD COLUMN passkey_wanted boolean NOT NULL DEFAULT false,
    ADD COLUMN settings jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(settings::text) <= 4096),
    ALTER COLUMN daily_trades_max DROP NOT NULL,
    ALTER COLUMN daily_trades_max DROP DEFAULT,
    ALTER COLUMN calls_per_minute_max SET DEFAULT 60000
"""
STEPS = """
ALTER TABLE users
    DROP CONSTRAINT users_calls_per_minute_max_check,
    ADD CONSTRAINT users_calls_per_minute_max_check CHECK (calls_per_minute_max IN (60, 600, 6000, 60000))
"""
MAILS = """
ALTER TABLE mails
    DROP CONSTRAINT mails_kind_check,
    ADD CONSTRAINT mails_kind_check CHECK (kind ~ '^[a-z_]{3,32}$')
"""
NEAREST_STEP = """
UPDATE users SET calls_per_minute_max = CASE
    WHEN calls_per_minute_max < 600 THEN 60
    WHEN calls_per_minute_max < 6000 THEN 600
    WHEN calls_per_minute_max = 6000 THEN 60000
    WHEN calls_per_minute_max < 60000 THEN 6000
    ELSE 60000
END
"""


def upgrade() -> None:
    lock_timeout()
    op.execute(USERS)
    op.execute("UPDATE users SET daily_trades_max = NULL WHERE daily_trades_max = 1000")
    op.execute(NEAREST_STEP)
    op.execute(STEPS)
    op.execute(MAILS)  # which kinds there are is the domain's to say
    op.execute("GRANT SELECT (passkey_wanted, settings), UPDATE (settings) ON users TO auth_app")
