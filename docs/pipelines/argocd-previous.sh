#!/bin/sh
# Prints the commit that `argocd app rollback` goes back to, or with `live` the one that was synced last.
# Needs the argocd command, logged in (ARGOCD_SERVER and ARGOCD_AUTH_TOKEN), and jq.
set -eu
app=payments-api
case ${1-} in
    live) argocd app get "$app" --output json | jq -r '.status.operationState.syncResult.revision' ;;
    *) argocd app get "$app" --output json | jq -er '.status.history[-2].revision' ;;
esac
