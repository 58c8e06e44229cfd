"""Saved screens and watchlists of each user, fundamentals by the day they became known, and a revision of the bars."""

from alembic import op
from kit.migrations import lock_timeout, shared_table, tenant_table

revision = "0002"
down_revision = "0001"

RATIOS = ("per", "pbr", "eps", "bps", "roe", "roa", "dividend_yield", "debt_ratio", "current_ratio")


def upgrade() -> None:
    lock_timeout()
    op.execute(
        """
        CREATE TABLE screens (
            owner_id   uuid NOT NULL,
            id         uuid NOT NULL,
            name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
            rule       text NOT NULL CHECK (length(rule) BETWEEN 1 AND 1000),
            universe   jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (owner_id, id)
        )
        """
    )
    tenant_table("screens")
    op.execute(
        """
        CREATE TABLE watchlists (
            owner_id   uuid NOT NULL,
            id         uuid NOT NULL,
            name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
            symbols    text[] NOT NULL CHECK (cardinality(symbols) <= 200),
            created_at timestamptz NOT NULL,
            PRIMARY KEY (owner_id, id)
        )
        """
    )
    tenant_table("watchlists")
    ratios = ", ".join(f"{name} numeric" for name in RATIOS)
    op.execute(
        f"""
        CREATE TABLE fundamentals (
            symbol      text COLLATE "C" NOT NULL,
            known_since date NOT NULL,
            {ratios},
            source      text NOT NULL,
            PRIMARY KEY (symbol, known_since)
        )
        """
    )
    shared_table("fundamentals", worker="SELECT, INSERT, UPDATE")
    # Raised by whatever changes bars or fundamentals: who keeps a copy of a market asks for this number only.
    op.execute("CREATE TABLE revisions (market text PRIMARY KEY, revision bigint NOT NULL)")
    op.execute("INSERT INTO revisions SELECT DISTINCT market, 1 FROM instruments")
    shared_table("revisions", worker="SELECT, INSERT, UPDATE")
