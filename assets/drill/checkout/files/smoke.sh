#!/bin/sh
# Tries the main paths of an environment over HTTP: ./smoke.sh ENV
set -eu
cd "$(dirname "$0")"
. ./ops/lib.sh

[ $# -eq 1 ] || usage './smoke.sh ENV      ENV: staging, production'
environment "$1"
failed=0

# expect WHAT PATH FIELD VALUE
expect() {
    answer=$(get "$url$2") || answer=
    got=$(printf '%s' "$answer" | field "$3")
    if [ "$got" = "$4" ]; then
        printf '  ok    %s\n' "$1"
    else
        failed=$((failed + 1))
        printf '  FAIL  %s\n          %s%s\n          %s: expected %s, got %s\n' \
            "$1" "$url" "$2" "$3" "$4" "${got:-nothing}"
        [ -z "$answer" ] || printf '          %s\n' "$answer"
    fi
}

served=$(get "$url/version" | field commit) || served=
printf 'smoke test of %s, which serves %.12s\n\n' "$1" "${served:-nothing}"
expect 'the database answers' /database status ok
expect 'an order with a card is paid' '/checkout?card=silver&lines=tea:2:1245' status 200
expect 'an order with a coupon is paid' '/checkout?card=gold&coupon=TEA20&lines=mug:3:990' status 200
expect 'an order without a card is paid' '/checkout?lines=tea:2:1245' status 200
expect 'an order without a card costs the full price' '/checkout?lines=tea:2:1245' cents 2980
expect 'an order without lines is refused' '/checkout?card=silver' status 422

if [ "$failed" -eq 0 ]; then
    printf '\nall 6 passed\n'
else
    printf '\n%d of 6 failed\n' "$failed"
    exit 1
fi
