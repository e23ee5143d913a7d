#!/bin/sh
# Starts a parameterised job of Jenkins, waits until it leaves the queue, and follows the build.
# Needs curl, jq, JENKINS_USER and JENKINS_TOKEN.
set -eu
job=https://jenkins.example.com/job/deploy-payments-api
ask() { curl --fail --silent --show-error --max-time 20 --user "$JENKINS_USER:$JENKINS_TOKEN" "$@"; }
case $1 in
    start)
        # The answer names the place in the queue; a build has its number once it leaves that.
        item=$(ask --dump-header - --output /dev/null --data-urlencode "COMMIT=$3" "$job/buildWithParameters" |
            sed -n 's/^[Ll]ocation: *\(.*[^\r]\)\r*$/\1/p')
        printf '%s\n' "$item" | sed 's|.*/item/\([0-9]*\).*|q\1|'
        ;;
    status)
        case $2 in
            q*)
                item=$(ask "https://jenkins.example.com/queue/item/${2#q}/api/json")
                number=$(printf '%s' "$item" | jq -r '.executable.number // empty')
                if [ -z "$number" ]; then
                    printf '%s' "$item" | jq -c --arg id "$2" '{ $id, state: (if .cancelled then "aborted" else "queued" end) }'
                    exit 0
                fi
                ;;
            '')
                # The newest build of the commit.
                number=$(ask --globoff "$job/api/json?tree=builds[number,actions[lastBuiltRevision[SHA1]]]" |
                    jq -r --arg commit "$FLIGHTDECK_COMMIT" \
                        '[.builds[] | select(any(.actions[]?; .lastBuiltRevision.SHA1? == $commit)) | .number][0] // empty')
                [ -n "$number" ] || exit 1
                ;;
            *) number=$2 ;;
        esac
        ask "$job/$number/api/json" | jq -c '{
            id: .number, url,
            state: (if .building then "running" else .result end),
            commit: ([.actions[]? | select(.lastBuiltRevision) | .lastBuiltRevision.SHA1][0] // "")
        }'
        ;;
    logs) case $2 in q*) ;; *) ask "$job/$2/consoleText" ;; esac ;;
    cancel)
        case $2 in
            q*) ask --request POST "https://jenkins.example.com/queue/cancelItem?id=${2#q}" > /dev/null ;;
            *) ask --request POST "$job/$2/stop" > /dev/null ;;
        esac
        ;;
esac
