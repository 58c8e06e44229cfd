"""Who bought and who sold, and what companies filed: each with the day since when anybody could know."""

from alembic import op
from kit.migrations import lock_timeout, shared_table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE investor_flows (
            symbol      text COLLATE "C" NOT NULL,
            day         date NOT NULL,
            known_since date NOT NULL CHECK (known_since >= day),
            individual  numeric NOT NULL,
            institution numeric NOT NULL,
            foreigner   numeric NOT NULL,
            corporation numeric NOT NULL,
            source      text NOT NULL,
            PRIMARY KEY (symbol, day)
        )
        """
    )
    shared_table("investor_flows", worker="SELECT, INSERT, UPDATE")
    op.execute(
        """
        CREATE TABLE disclosures (
            receipt_no  text PRIMARY KEY CHECK (receipt_no ~ '^[0-9]{14}$'),
            symbol      text COLLATE "C" NOT NULL,
            company     text NOT NULL,
            title       text NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
            known_since date NOT NULL,
            source      text NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX disclosures_by_symbol ON disclosures (symbol, known_since DESC)")
    shared_table("disclosures", worker="SELECT, INSERT, UPDATE")
