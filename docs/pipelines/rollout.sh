#!/bin/sh
# Sets the image of a Kubernetes deployment, and follows the rollout. Needs kubectl. Images are tagged with the commit.
# A rollout prints nothing of its own: leave `logs` out.
set -eu
deployment=deployment/payments-api
ask() { kubectl --context production --namespace payments "$@"; }
case $1 in
    start)
        ask set image "$deployment" "app=registry.example.com/payments-api:$3" > /dev/null
        ask get "$deployment" --output 'jsonpath={.metadata.generation}'
        ;;
    status)
        image=$(ask get "$deployment" --output 'jsonpath={.spec.template.spec.containers[0].image}')
        id=${2:-$(ask get "$deployment" --output 'jsonpath={.metadata.generation}')}
        if [ "${image##*:}" != "$FLIGHTDECK_COMMIT" ]; then
            # Without an id: nobody rolls the commit out yet. Else undone, or somebody else's rollout took its place.
            [ -n "$2" ] || exit 1
            printf '{"id":"%s","state":"cancelled"}\n' "$2"
            exit 0
        fi
        state=progressing
        if said=$(ask rollout status "$deployment" --watch=false 2>&1); then
            case $said in *'successfully rolled out'*) state=complete ;; esac
        else
            case $said in
                *'exceeded its progress deadline'*) state=failed ;;
                *) printf '%s\n' "$said" >&2 && exit 1 ;;
            esac
        fi
        printf '{"id":"%s","state":"%s","commit":"%s"}\n' "$id" "$state" "${image##*:}"
        ;;
    cancel) ask rollout undo "$deployment" ;;
esac
