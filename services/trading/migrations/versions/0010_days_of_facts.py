"""Facts and inbox by day: what is old goes as a whole partition, and the tables of a year are as small as a week's.

Rows lie where their id says (UUIDv7 begins with its time), so an id stays unique over all days. What was there becomes
one partition. Partitions are made and dropped by functions of the owner's: no running process may change tables.
"""

from alembic import op
from kit.migrations import lock_timeout

revision = "0010"
down_revision = "0009"

# The first partition holds everything until the second midnight from now: nobody writes beyond it while this runs.
FIRST_END = "(date_trunc('day', now() AT TIME ZONE 'UTC') + interval '2 days') AT TIME ZONE 'UTC'"
MINE = "CASE WHEN owner_id IS NULL THEN true ELSE owner_id = current_setting('app.owner_id')::uuid END"
FUNCTIONS = ("make_day(text, date)", "drop_day(text, date)")


def upgrade() -> None:
    lock_timeout()
    _functions()
    _events()
    _inbox()
    for name in ("events", "inbox"):
        for day in range(2, 5):
            op.execute(f"SELECT make_day('{name}', (now() AT TIME ZONE 'UTC')::date + {day})")


def _functions() -> None:
    op.execute(
        """
        CREATE FUNCTION first_id(at timestamptz) RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
            SELECT rpad(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
        $$
        """
    )
    # Attached and not created in place: that would lock out everybody who writes. A wait is given up soon, since
    # others wait behind it; whoever asked comes again.
    op.execute(
        """
        CREATE FUNCTION make_day(parent text, day date) RETURNS boolean
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '500ms' AS $$
        DECLARE
            name text := parent || '_' || to_char(day, 'YYYYMMDD');
        BEGIN
            IF parent NOT IN ('events', 'inbox') THEN
                RAISE EXCEPTION '% is not kept by day', parent;
            END IF;
            IF to_regclass('public.' || name) IS NOT NULL THEN
                RETURN false;
            END IF;
            EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                           name, parent);
            PERFORM public.keep_apart(parent, name);
            EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, name, public.first_id(day::timestamp AT TIME ZONE 'UTC'),
                           public.first_id((day + 1)::timestamp AT TIME ZONE 'UTC'));
            RETURN true;
        EXCEPTION
            WHEN invalid_object_definition THEN RETURN false;  -- a partition has this day already, under another name
            WHEN check_violation THEN RETURN false;  -- the day has begun without one: its rows are with the others
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION drop_day(parent text, day date) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '500ms' AS $$
        BEGIN
            IF parent NOT IN ('events', 'inbox') OR day > (now() AT TIME ZONE 'UTC')::date - 2 THEN
                RAISE EXCEPTION 'the % of % stay', parent, day;
            END IF;
            EXECUTE format('DROP TABLE public.%I', parent || '_' || to_char(day, 'YYYYMMDD'));
        END $$
        """
    )
    op.execute(
        f"""
        CREATE FUNCTION keep_apart(parent text, name text) RETURNS void
        LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            IF parent <> 'events' THEN
                RETURN;
            END IF;
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
            EXECUTE format('CREATE POLICY %I ON public.%I FOR INSERT TO trading_app WITH CHECK (%s)',
                           name || '_append', name, $check${MINE}$check$);
            EXECUTE format('CREATE POLICY %I ON public.%I TO trading_worker USING (true) WITH CHECK (true)',
                           name || '_worker', name);
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION keep_apart(text, text) FROM PUBLIC")
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO trading_worker")


def _events() -> None:
    op.execute("ALTER TABLE events RENAME TO events_before")
    op.execute("ALTER TABLE events_before ALTER position DROP IDENTITY, DROP CONSTRAINT events_pkey")
    op.execute("ALTER TABLE events_before RENAME CONSTRAINT events_id_key TO events_before_id_key")
    op.execute("ALTER INDEX events_unsent RENAME TO events_before_unsent")
    op.execute(
        """
        CREATE TABLE events (
            position       bigint GENERATED ALWAYS AS IDENTITY,
            id             uuid NOT NULL CONSTRAINT events_id_key UNIQUE,
            type           text NOT NULL,
            subject        text NOT NULL,
            owner_id       uuid,
            correlation_id uuid NOT NULL,
            causation_id   uuid,
            data           jsonb NOT NULL,
            must_reach     boolean NOT NULL,
            occurred_at    timestamptz NOT NULL,
            published_at   timestamptz,
            retry_at       timestamptz
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX events_unsent ON events (position) WHERE published_at IS NULL")
    op.execute("ALTER TABLE events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY events_append ON events FOR INSERT TO trading_app WITH CHECK ({MINE})")
    op.execute("CREATE POLICY events_worker ON events TO trading_worker USING (true) WITH CHECK (true)")
    op.execute("GRANT INSERT ON events TO trading_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON events TO trading_worker")
    op.execute("GRANT UPDATE (published_at, retry_at) ON events TO trading_worker")
    # the owner is under the policies too: for this moment it must see what it moves
    op.execute("ALTER TABLE events_before NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "SELECT setval(pg_get_serial_sequence('events', 'position'), greatest(max(position), 1),"
        " max(position) IS NOT NULL) FROM events_before"
    )
    _attach("events")
    op.execute("ALTER TABLE events_before FORCE ROW LEVEL SECURITY")
    op.execute("REVOKE ALL ON events_before FROM trading_app, trading_worker")
    op.execute("SELECT keep_apart('events', 'events_other')")


def _inbox() -> None:
    op.execute("ALTER TABLE inbox RENAME TO inbox_before")
    op.execute("ALTER TABLE inbox_before RENAME CONSTRAINT inbox_pkey TO inbox_before_pkey")
    op.execute("DROP INDEX inbox_by_age")
    op.execute(
        """
        CREATE TABLE inbox (
            consumer    text NOT NULL,
            message_id  uuid NOT NULL,
            received_at timestamptz NOT NULL,
            PRIMARY KEY (consumer, message_id)
        ) PARTITION BY RANGE (message_id)
        """
    )
    op.execute("GRANT SELECT, INSERT ON inbox TO trading_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON inbox TO trading_worker")
    _attach("inbox")
    op.execute("REVOKE ALL ON inbox_before FROM trading_app, trading_worker")


def _attach(name: str) -> None:
    """Let the old table be the first partition; what lies beyond (ids that tell no time) is in one of its own."""
    key = {"events": "id", "inbox": "message_id"}[name]
    op.execute(
        f"""
        DO $$
        DECLARE
            until uuid := first_id({FIRST_END});
        BEGIN
            CREATE TABLE {name}_other (LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
            WITH moved AS (DELETE FROM {name}_before WHERE {key} >= until RETURNING *)
            INSERT INTO {name}_other SELECT * FROM moved;
            EXECUTE format('ALTER TABLE {name} ATTACH PARTITION {name}_before'
                           ' FOR VALUES FROM (MINVALUE) TO (%L)', until);
            ALTER TABLE {name} ATTACH PARTITION {name}_other DEFAULT;
        END $$
        """
    )
