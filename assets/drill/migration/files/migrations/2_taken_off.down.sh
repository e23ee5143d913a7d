#!/bin/sh
# Goes back to what is left to pay. Nothing is lost: one follows from the other. $1 is the database.
set -eu
awk 'BEGIN { FS = OFS = "\t" } { print $1, 100 - $2 }' "$1/discounts" > "$1/discounts.next"
mv "$1/discounts.next" "$1/discounts"
