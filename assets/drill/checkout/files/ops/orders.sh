#!/bin/sh
# Prints how many orders an environment took in the last minute, as JSON: ops/orders.sh ENV
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

[ $# -eq 1 ] || {
    echo 'usage: ops/orders.sh ENV' >&2
    exit 2
}
environment "$1"
get "$url/orders"
