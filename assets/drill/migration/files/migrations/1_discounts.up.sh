#!/bin/sh
# Makes the table of discounts: a card, and what is left to pay of a hundred. $1 is the database.
set -eu
printf '%s\t%s\n' - 100 silver 97 gold 94 platinum 90 > "$1/discounts"
