#!/bin/sh
# Keeps what is taken off in place of what is left to pay: it is what people ask for. $1 is the database.
set -eu
awk 'BEGIN { FS = OFS = "\t" } { print $1, 100 - $2 }' "$1/discounts" > "$1/discounts.next"
mv "$1/discounts.next" "$1/discounts"
