#!/bin/sh
# Triggers a pipeline of CircleCI, and follows its workflow. Needs curl, jq, and CIRCLE_TOKEN.
set -eu
api=https://circleci.com/api/v2
ask() { curl --fail --silent --show-error --max-time 20 --header "Circle-Token: $CIRCLE_TOKEN" "$@"; }
workflow() { ask "$api/pipeline/$1/workflow" | jq -c '.items[0] // empty'; }
case $1 in
    start)
        jq -n --arg branch "$2" --arg sha "$3" '{ $branch, parameters: { deploy: true, sha: $sha } }' |
            ask --header 'Content-Type: application/json' --data @- "$api/project/gh/shop/payments-api/pipeline" |
            jq -c '{ id, state: "created" }'
        ;;
    status)
        id=$2
        # Without an id: the newest pipeline of the commit.
        [ -n "$id" ] || id=$(ask "$api/project/gh/shop/payments-api/pipeline" | jq -r --arg commit "$FLIGHTDECK_COMMIT" \
            '[.items[] | select(.vcs.revision == $commit)][0].id // empty')
        [ -n "$id" ] || exit 1
        commit=$(ask "$api/pipeline/$id" | jq -r '.vcs.revision')
        flow=$(workflow "$id")
        [ -n "$flow" ] || flow='{ "status": "created" }'
        printf '%s' "$flow" | jq -c --arg id "$id" --arg commit "$commit" '{
            $id, $commit, state: .status,
            url: (if .id then "https://app.circleci.com/pipelines/workflows/\(.id)" else "" end)
        }'
        ;;
    logs)
        flow=$(workflow "$2" | jq -r .id)
        [ -z "$flow" ] || ask "$api/workflow/$flow/job" | jq -r '.items[] | "\(.name) \(.status)"'
        ;;
    cancel) ask --request POST "$api/workflow/$(workflow "$2" | jq -r .id)/cancel" > /dev/null ;;
esac
