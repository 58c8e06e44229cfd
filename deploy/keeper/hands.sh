#!/bin/sh
# Runs PostgreSQL's own programs for the keeper of backups, which has none: copies of a cluster and the server that a copy is
# tried on are then always of the version that wrote it. What is asked for lies on a desk in a folder that both have
# (deploy/keeper/ask.sh); one file for each word, so that no word can be taken for a command.
set -u
umask 077
desk=${1:?the desk}
# TimescaleDB's tables can only be opened by a server that has loaded it.
timescale=$(find /usr/local/lib/postgresql -name timescaledb.so 2>/dev/null | head -n 1)

run() {
    job=$1
    set --
    while IFS= read -r word; do set -- "$@" "$word"; done <"$job/words"
    program=$1
    shift
    case $program in
    postgres) [ -z "$timescale" ] || set -- "$@" -c shared_preload_libraries=timescaledb ;;
    pg_basebackup) ;;
    *) program=false ;; # nothing else is run
    esac
    PGPASSWORD=$(cat "$job/password") "$program" "$@" >"$job/out" 2>"$job/err" &
    echo $! >"$job/pid"
    wait $!
    echo $? >"$job/.status"
    mv "$job/.status" "$job/status"
}

rm -rf "$desk"
mkdir "$desk"
trap 'exit 0' TERM
while :; do
    for asked in "$desk"/*/asked; do
        [ -e "$asked" ] || continue
        rm "$asked"
        run "${asked%/asked}" &
    done
    for stop in "$desk"/*/stop; do
        [ -e "$stop" ] && [ -e "${stop%/stop}/pid" ] || continue
        rm "$stop"
        kill -TERM "$(cat "${stop%/stop}/pid")"
    done
    sleep 0.2
done
