#!/bin/sh
# Starts a deployment of AWS CodeDeploy from a commit at GitHub, and follows it. Needs the aws command.
set -eu
case $1 in
    start)
        aws deploy create-deployment --application-name payments-api --deployment-group-name production \
            --github-location "repository=shop/payments-api,commitId=$3" --query deploymentId --output text
        ;;
    status)
        aws deploy get-deployment --deployment-id "$2" --output json --query 'deploymentInfo.{
            id: deploymentId, state: status, commit: revision.gitHubLocation.commitId }'
        ;;
    logs)
        aws deploy get-deployment --deployment-id "$2" --output text --query 'deploymentInfo.[deploymentOverview, errorInformation.message]'
        ;;
    cancel) aws deploy stop-deployment --deployment-id "$2" --output text > /dev/null ;;
esac
