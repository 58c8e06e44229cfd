#!/bin/sh
# Makes the cluster at the first start, then becomes the command. A start that was interrupted begins anew.
set -eu
if [ ! -d "$PGDATA" ]; then
    rm -rf "$PGDATA.new"
    # shellcheck disable=SC2086 # the arguments are words
    initdb --pgdata "$PGDATA.new" --username postgres --pwfile "$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-}
    echo "host all all all scram-sha-256" >>"$PGDATA.new/pg_hba.conf"
    mv "$PGDATA.new" "$PGDATA"
fi
exec "$@"
