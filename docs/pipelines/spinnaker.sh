#!/bin/sh
# Starts a pipeline of Spinnaker by Gate, and follows the execution. Needs curl, jq, and SPINNAKER_TOKEN.
set -eu
gate=https://gate.example.com
ask() { curl --fail --silent --show-error --max-time 20 --header "Authorization: Bearer $SPINNAKER_TOKEN" "$@"; }
case $1 in
    start)
        jq -n --arg sha "$3" '{ type: "manual", parameters: { sha: $sha } }' |
            ask --header 'Content-Type: application/json' --data @- "$gate/pipelines/v2/payments-api/deploy" |
            jq -r '.ref | sub(".*/"; "")'
        ;;
    status)
        # A manual judgment is a stage that runs until somebody decides.
        ask "$gate/pipelines/$2" | jq -c --arg url "https://deck.example.com/#/applications/payments-api/executions/$2" '{
            id, $url, commit: (.trigger.parameters.sha // ""),
            state: (if .status == "RUNNING" and any(.stages[]?; .type == "manualJudgment" and .status == "RUNNING")
                then "waiting" else .status end)
        }'
        ;;
    logs) ask "$gate/pipelines/$2" | jq -r '.stages[] | "\(.name) \(.status)"' ;;
    cancel) ask --request PUT "$gate/pipelines/$2/cancel" > /dev/null ;;
esac
