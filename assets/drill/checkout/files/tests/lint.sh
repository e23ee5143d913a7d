#!/bin/sh
# Every script parses, and VERSION is a version.
set -eu
cd "$(dirname "$0")/.."

for script in deploy.sh smoke.sh ops/*.sh tests/*.sh; do
    sh -n "$script"
    printf 'ok  %s\n' "$script"
done
awk -f app/checkout.awk < /dev/null
printf 'ok  app/checkout.awk\n'
grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+' VERSION || {
    printf 'VERSION is not a version: %s\n' "$(cat VERSION)" >&2
    exit 1
}
printf 'ok  VERSION %s\n' "$(cat VERSION)"
