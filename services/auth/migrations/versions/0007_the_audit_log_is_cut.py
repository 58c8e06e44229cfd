"""What the audit log has kept long enough may be cut off: by one function, whole and never what is younger."""

from alembic import op
from kit.migrations import lock_timeout

revision = "0007"
down_revision = "0006"

# It runs as the tables' owner, so that no role that serves or works may delete an entry. Nothing is cut off in part:
# an entry that is too young among those asked for means that somebody's clock, or somebody, is wrong.
CUT = """
CREATE FUNCTION cut_audit_log(last bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    removed bigint;
BEGIN
    IF EXISTS (SELECT FROM audit_log WHERE position <= last AND occurred_at > now() - interval '5 years') THEN
        RAISE EXCEPTION 'the audit log keeps entries for five years' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF last >= (SELECT max(position) FROM audit_log) THEN
        RAISE EXCEPTION 'the audit log keeps its last entry' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM audit_log WHERE position <= last;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$
"""


def upgrade() -> None:
    lock_timeout()
    op.execute(CUT)
    op.execute("REVOKE ALL ON FUNCTION cut_audit_log FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION cut_audit_log TO auth_worker")


def downgrade() -> None:
    """Drop the function: the log only grows again."""
    lock_timeout()
    op.execute("DROP FUNCTION cut_audit_log")
