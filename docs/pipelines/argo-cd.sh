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
        argocd app get "$app" --output json | jq -c --arg id "$2" '.status | {
            id: $id,
            commit: .operationState.syncResult.revision,
            state: (if .operationState.startedAt != $id then "unknown"
                elif .operationState.phase != "Succeeded" then .operationState.phase
                else .health.status end)
        }'
        ;;
    logs) argocd app get "$app" --output json | jq -r '.status.operationState.syncResult.resources[]? | "\(.kind)/\(.name) \(.message)"' ;;
    cancel) argocd app terminate-op "$app" ;;
esac
