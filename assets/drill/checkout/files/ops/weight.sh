#!/bin/sh
# The share of orders that the canary of an environment takes, in percent.
#
#   ops/weight.sh ENV          prints it; 0 where there is no canary
#   ops/weight.sh ENV PERCENT  sets it; 100 makes the canary current, less takes it back
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

call='ops/weight.sh ENV [PERCENT]'
[ $# -eq 1 ] || [ $# -eq 2 ] || usage "$call"
environment "$1"
now=$(cat "$root/weight" 2> /dev/null || echo 0)
if [ $# -eq 1 ]; then
    printf '%s\n' "$now"
    exit 0
fi
case $2 in '' | *[!0-9]*) usage "$call" ;; esac
[ "$2" -le 100 ] || usage "$call"
[ -h "$root/canary" ] || die "$1 has no canary: deploy one first."

canary=$(readlink "$root/canary")
if [ "$2" -eq 100 ]; then
    if [ "$(readlink "$root/current")" != "$canary" ]; then
        point before "$(readlink "$root/current")"
        point current "$canary"
        read -r version ref < "$root/canary.of"
        logged "${canary#releases/}" "$version" "$ref"
    fi
elif [ -h "$root/before" ]; then
    before=$(readlink "$root/before")
    point current "$before"
    # It is what everybody gets again, as good as it was.
    grep "  ${before#releases/}  " "$root/deploys.log" | tail -n 1 | while read -r _ commit version ref word; do
        logged "$commit" "$version" "$ref" "$word"
    done
    rm -f "$root/before"
fi
printf '%s\n' "$2" > "$root/weight.next"
mv -f "$root/weight.next" "$root/weight"
printf 'The canary %.12s of %s takes %s %% of the orders, was %s %%.\n' "${canary#releases/}" "$1" "$2" "$now"
