#!/bin/sh
# Stands where the keeper of backups looks for PostgreSQL's programs: has the container beside it run the one whose name this
# goes by (deploy/keeper/hands.sh), and ends as that does.
set -eu
umask 077
job=${EXODUS_DESK:-/stack/scratch/desk}/$(date +%s)-$$
mkdir "$job"
mkfifo "$job/out" "$job/err"
printf '%s\n' "${PGPASSWORD:-}" >"$job/password"
for word in "${0##*/}" "$@"; do
    case $word in *"
"*) echo "a word with a line break cannot be handed on" >&2 && exit 2 ;; esac
    printf '%s\n' "$word"
done >"$job/words"
trap ': >"$job/stop"' TERM INT
cat "$job/err" >&2 &
cat "$job/out" &
: >"$job/asked"
while [ ! -e "$job/status" ]; do sleep 0.1; done
wait
status=$(cat "$job/status")
rm -r "$job"
exit "$status"
