"""What people are given of theirs, collected from every service, and who asked to be forgotten."""

from alembic import op
from kit.migrations import lock_timeout, tenant_table

revision = "0005"
down_revision = "0004"

EXPORTS = """
CREATE TABLE exports (
    owner_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id         uuid NOT NULL,
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > asked_at),
    PRIMARY KEY (owner_id, id)
)
"""
PARTS = """
CREATE TABLE export_parts (
    owner_id  uuid NOT NULL,
    export_id uuid NOT NULL,
    service   text NOT NULL,
    due_at    timestamptz NOT NULL,
    tries     integer NOT NULL DEFAULT 0,
    failure   text,
    done_at   timestamptz,
    body      bytea,
    PRIMARY KEY (owner_id, export_id, service),
    FOREIGN KEY (owner_id, export_id) REFERENCES exports (owner_id, id) ON DELETE CASCADE,
    CHECK ((done_at IS NULL) = (body IS NULL))
)
"""
# Nobody owns these: who is named here is gone, and only a bare id is left.
ERASURES = """
CREATE TABLE erasures (
    id       uuid PRIMARY KEY,
    user_id  uuid NOT NULL UNIQUE,
    asked_at timestamptz NOT NULL
)
"""
ERASURE_PARTS = """
CREATE TABLE erasure_parts (
    erasure_id uuid NOT NULL REFERENCES erasures (id) ON DELETE CASCADE,
    service    text NOT NULL,
    done_at    timestamptz,
    PRIMARY KEY (erasure_id, service)
)
"""


def upgrade() -> None:
    """Create the tables; let the worker role take a person's facts out of the history."""
    lock_timeout()
    for statement in (EXPORTS, PARTS, ERASURES, ERASURE_PARTS):
        op.execute(statement)
    op.execute("CREATE INDEX export_parts_due ON export_parts (due_at) WHERE done_at IS NULL")
    op.execute("CREATE INDEX exports_by_end ON exports (expires_at)")
    tenant_table("exports", app="SELECT, INSERT, DELETE")
    tenant_table("export_parts", app="SELECT, INSERT")
    for table in ("erasures", "erasure_parts"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO auth_worker")
    op.execute("GRANT DELETE ON events TO auth_worker")


def downgrade() -> None:
    """Drop the tables; an erasure under way would lose its list of who has answered."""
    lock_timeout()
    op.execute("REVOKE DELETE ON events FROM auth_worker")
    for table in ("erasure_parts", "erasures", "export_parts", "exports"):
        op.execute(f"DROP TABLE {table}")
