#!/bin/sh
# Brings the database of an environment to a schema, one migration at a time:
#
#   ops/migrate.sh ENV          prints the schema that it has
#   ops/migrate.sh ENV SCHEMA   goes up or down to that one
#
# Each step works on a copy, which takes the place of the database at once.
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

call='ops/migrate.sh ENV [SCHEMA]'
[ $# -eq 1 ] || [ $# -eq 2 ] || usage "$call"
environment "$1"
has=$(cat "$root/db/schema" 2> /dev/null || echo 0)
if [ $# -eq 1 ]; then
    printf '%s\n' "$has"
    exit 0
fi
case $2 in '' | *[!0-9]*) usage "$call" ;; esac

mkdir -p "$root/databases"
while [ "$has" -ne "$2" ]; do
    if [ "$has" -lt "$2" ]; then
        next=$((has + 1))
        script=$(echo migrations/"$next"_*.up.sh)
    else
        next=$((has - 1))
        script=$(echo migrations/"$has"_*.down.sh)
    fi
    [ -r "$script" ] || die "There is no migration from schema $has to $next. Nothing was changed."
    copy=databases/$next.$$
    rm -rf "${root:?}/$copy"
    if [ "$has" -eq 0 ]; then mkdir "$root/$copy"; else cp -R "$root/db/." "$root/$copy"; fi
    sh "$script" "$root/$copy"
    printf '%s\n' "$next" > "$root/$copy/schema"
    point db "$copy"
    printf 'database of %s: schema %s -> %s (%s)\n' "$1" "$has" "$next" "$(basename "$script")"
    has=$next
done
