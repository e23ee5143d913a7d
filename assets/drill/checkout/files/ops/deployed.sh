#!/bin/sh
# Prints the commit that an environment serves now, or that of its canary:
# ops/deployed.sh ENV [canary]
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

[ $# -eq 1 ] || [ "$#-${2:-}" = 2-canary ] || usage 'ops/deployed.sh ENV [canary]'
environment "$1"
if [ $# -eq 2 ]; then
    canary=$(readlink "$root/canary") || die "$1 has no canary."
    printf '%s\n' "${canary#releases/}"
    exit 0
fi
commit=$(get "$url/version" | field commit)
[ -n "$commit" ] || die "$1 does not say which commit it serves."
printf '%s\n' "$commit"
