#!/bin/sh
# Prints the commit that an environment serves now: ops/deployed.sh ENV
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

[ $# -eq 1 ] || {
    echo 'usage: ops/deployed.sh ENV' >&2
    exit 2
}
environment "$1"
commit=$(get "$url/version" | field commit)
[ -n "$commit" ] || die "$1 does not say which commit it serves."
printf '%s\n' "$commit"
