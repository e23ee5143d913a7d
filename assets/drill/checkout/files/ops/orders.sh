#!/bin/sh
# Prints how many orders an environment took in the last minute, as JSON: ops/orders.sh ENV
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

[ $# -eq 1 ] || usage ops/orders.sh ENV
environment "$1"
get "$url/orders"
