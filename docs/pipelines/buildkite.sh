#!/bin/sh
# Starts a build of Buildkite, and follows it. Needs curl, jq, and BUILDKITE_API_TOKEN (read_builds, write_builds,
# read_build_logs).
set -eu
builds=https://api.buildkite.com/v2/organizations/shop/pipelines/deploy-payments-api/builds
ask() { curl --fail --silent --show-error --max-time 20 --header "Authorization: Bearer $BUILDKITE_API_TOKEN" "$@"; }
read='{ id: .number, commit, url: .web_url, state: (if .blocked then "blocked" else .state end) }'
case $1 in
    start)
        jq -n --arg branch "$2" --arg commit "$3" '{ $branch, $commit, message: "Deploy by flightdeck" }' |
            ask --header 'Content-Type: application/json' --data @- "$builds" | jq -c "$read"
        ;;
    status)
        # Without an id: the newest build of the commit.
        if [ -n "$2" ]; then ask "$builds/$2"; else ask "$builds?commit=$FLIGHTDECK_COMMIT" | jq '.[0] // empty'; fi |
            jq -c "$read"
        ;;
    logs)
        ask "$builds/$2" | jq -r '.jobs[] | select(.raw_log_url and .finished_at) | .raw_log_url' |
            while read -r url; do ask "$url"; done
        ;;
    cancel) ask --request PUT "$builds/$2/cancel" > /dev/null ;;
esac
