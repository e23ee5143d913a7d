#!/bin/sh
# Goes back to the last release that was found good, the database first:
#
#   ops/back.sh ENV           migrates down to what that release reads, and deploys it
#   ops/back.sh ENV --which   prints its commit
#
# Between the two the release that is live reads nothing: for some seconds every order fails.
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

[ $# -eq 1 ] || [ "$#-${2:-}" = 2---which ] || usage 'ops/back.sh ENV [--which]'
environment "$1"
good=$(awk '$5 == "passed" { good = $2 " " $4 } END { print good }' "$root/deploys.log")
commit=${good% *}
[ -n "$commit" ] || die "No release of $1 was found good."
if [ $# -eq 2 ]; then
    printf '%s\n' "$commit"
    exit 0
fi
reads=$(git ls-tree --name-only "$commit" migrations/ | sed -n 's|.*/\([0-9]*\)_.*\.up\.sh$|\1|p' | sort -n | tail -n 1)
./ops/migrate.sh "$1" "${reads:?}"
exec ./deploy.sh "${good#* }" "$1"
