#!/bin/sh
# Prices every order of tests/cases.txt with app/checkout.awk and compares. The database is made anew by the
# migrations, as that of an environment is.
set -eu
cd "$(dirname "$0")/.."
LC_ALL=C
export LC_ALL

db=$(mktemp -d)
trap 'rm -rf "$db"' EXIT
for script in migrations/*.up.sh; do
    sh "$script" "$db"
    number=${script#migrations/}
    printf '%s\n' "${number%%_*}" > "$db/schema"
done

printf 'payments-api %s, %s, schema %s\n\n' "$(cat VERSION)" tests/cases.txt "$(cat "$db/schema")"
passed=0
failed=0
id=5000
while read -r status cents card coupon bank lines about; do
    case $status in
        '') continue ;;
        '#') continue ;;
    esac
    id=$((id + 1))
    got=$(printf '%s\t%s\t%s\t%s\t%s\n' "$id" "$card" "$coupon" "$bank" "$lines" |
        awk -v db="$db" -f app/checkout.awk) || got="$id	none	none	0	app/checkout.awk stopped"
    if printf '%s\n' "$got" | awk -F '\t' -v s="$status" -v c="$cents" '{ exit !($2 == s && $3 == c) }'; then
        passed=$((passed + 1))
        printf '  ok    %s\n' "$about"
    else
        failed=$((failed + 1))
        printf '  FAIL  %s\n' "$about"
        printf '          order     card %s, coupon %s, %s\n' "$card" "$coupon" "$lines"
        printf '          expected  %s, %s cents\n' "$status" "$cents"
        printf '%s\n' "$got" | awk -F '\t' '{ printf "          got       %s, %s cents: %s\n", $2, $3, $5 }'
    fi
done < tests/cases.txt

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
