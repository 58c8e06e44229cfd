"""Whether somebody may trade with real money: asked for when nobody with a token is there to be asked."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE rights (
            owner_id uuid NOT NULL,
            live     boolean NOT NULL,
            told_at  timestamptz NOT NULL,
            PRIMARY KEY (owner_id)
        )
        """
    )
    tenant_table("rights", app="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE, DELETE")
