"""Brokers' tokens, one for each key whichever process needs it: sealed, and asked for by one at a time."""

from alembic import op
from kit.migrations import lock_timeout, shared_table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE broker_tokens (
            key_print bytea PRIMARY KEY,
            asked_at  timestamptz NOT NULL,
            until     timestamptz,
            box       bytea,
            CHECK ((box IS NULL) = (until IS NULL))
        )
        """
    )
    shared_table("broker_tokens", app="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
