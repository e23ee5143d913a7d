#!/bin/sh
# Syncs an application of Argo CD to a commit, and follows the operation.
# Needs the argocd command, logged in (ARGOCD_SERVER and ARGOCD_AUTH_TOKEN), and jq.
set -eu
app=payments-api
case $1 in
    start)
        argocd app sync "$app" --revision "$3" --async > /dev/null
        # An application has one operation at a time: it is known by when it began.
        argocd app get "$app" --output json | jq -r '.status.operationState.startedAt'
        ;;
    status)
        # Without an id: the operation that brings the commit, whoever began it. That may be an automated sync.
        argocd app get "$app" --output json | jq -c --arg id "$2" --arg commit "$FLIGHTDECK_COMMIT" '.status |
            .operationState as $now | select($id != "" or $now.syncResult.revision == $commit) | {
            id: (if $id == "" then $now.startedAt else $id end),
            commit: $now.syncResult.revision,
            state: (if $id != "" and $now.startedAt != $id then "unknown"
                elif $now.phase != "Succeeded" then $now.phase
                else .health.status end)
        }'
        ;;
    logs) argocd app get "$app" --output json | jq -r '.status.operationState.syncResult.resources[]? | "\(.kind)/\(.name) \(.message)"' ;;
    cancel) argocd app terminate-op "$app" ;;
esac
