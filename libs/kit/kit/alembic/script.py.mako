"""${message}."""

from alembic import op
from kit.migrations import lock_timeout

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    lock_timeout()
