"""What the exchange tells of an instrument: other names, sector, ISIN, and the days it came and went."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        ALTER TABLE instruments
            ADD COLUMN name_en     text,
            ADD COLUMN initials    text NOT NULL DEFAULT '',
            ADD COLUMN sector      text,
            ADD COLUMN isin        text CHECK (isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'),
            ADD COLUMN listed_on   date,
            ADD COLUMN delisted_on date CHECK (delisted_on >= listed_on)
        """
    )
    op.execute("CREATE INDEX instruments_by_sector ON instruments (sector) WHERE sector IS NOT NULL")
