#!/bin/sh
# Posts a message to the chat of the drill, a file that nobody else reads: ops/chat.sh < TEXT
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

{
    printf '%s  to %s\n\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${FLIGHTDECK_AUDIENCE:-everybody}"
    cat
    printf '\n'
} >> "$DEPLOY_ROOT/chat.log"
