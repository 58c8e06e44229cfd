"""What would let somebody do more waits for another admin, or for a day where there is none."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0006"
down_revision = "0005"

PROPOSALS = """
CREATE TABLE proposals (
    user_id      uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    proposed_by  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    proposed_at  timestamptz NOT NULL,
    effective_at timestamptz CHECK (effective_at > proposed_at),
    role         text NOT NULL CHECK (role IN ('admin', 'user', 'viewer')),
    permissions  jsonb NOT NULL
)
"""


def upgrade() -> None:
    """Create the table; only the worker role, which alone may write rights, sees it."""
    lock_timeout()
    op.execute(PROPOSALS)
    op.execute("CREATE INDEX proposals_due ON proposals (effective_at) WHERE effective_at IS NOT NULL")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON proposals TO auth_worker")


def downgrade() -> None:
    """Drop the table: what was proposed has to be proposed again."""
    lock_timeout()
    op.execute("DROP TABLE proposals")
