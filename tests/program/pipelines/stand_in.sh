#!/bin/sh
# Stands in for curl, aws, argocd and kubectl, and for what they ask: one run, whose state is the word in the file `state`
# beside this. It answers in the shapes of the documentation, and keeps what it was asked in `calls`.
here=$(dirname "$0")
me=$(basename "$0")
printf '%s %s\n' "$me" "$*" >> "$here/calls"
state=$(cat "$here/state")
commit=$(cat "$here/commit" 2> /dev/null)
begin() { # STATE COMMIT
    printf '%s' "$1" > "$here/state"
    printf '%s' "$2" > "$here/commit"
    echo "$2" >> "$here/history"
    echo started >> "$here/starts"
}
cancelled() {
    cat "$here/when_cancelled" > "$here/state"
    echo cancelled >> "$here/cancels"
}
refuse() {
    echo "the stand-in for $me does not know: $*" >&2
    exit 22
}

case "$me $*" in
    'argocd app sync payments-api --revision '*' --async') begin Running "$5" && exit ;;
    'argocd app rollback payments-api --timeout 300')
        # Without an id it goes back to the version before, and waits for it.
        back=$(tail -n 2 "$here/history" | head -n 1)
        begin Succeeded "$back" && exit
        ;;
    'argocd app terminate-op payments-api') cancelled && exit ;;
    'argocd app get payments-api --output json')
        # https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml: status
        health=Healthy phase=$state
        [ "$state" != Progressing ] || { health=Progressing && phase=Succeeded; }
        history=$(sed 's/.*/{"id":0,"revision":"&","deployedAt":"2026-11-30T09:00:09Z"}/' "$here/history" | paste -sd, -)
        cat << JSON
{"metadata":{"name":"payments-api","namespace":"argocd"},"status":{"history":[$history],"health":{"status":"$health"},"sync":{"status":"Synced",
"revision":"$commit"},"operationState":{"phase":"$phase","message":"","startedAt":"2026-11-30T09:00:05Z","syncResult":{
"revision":"$commit","resources":[{"group":"apps","kind":"Deployment","name":"payments-api","namespace":"payments",
"status":"Synced","message":"deployed by the tool"}]}}}}
JSON
        exit
        ;;
    'aws deploy create-deployment '*)
        commit=${*#*commitId=}
        begin Created "${commit%% *}"
        echo d-7QBJY0A1B
        exit
        ;;
    'aws deploy get-deployment --deployment-id d-7QBJY0A1B --output json --query '*)
        # https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html, after --query
        printf '{\n    "id": "d-7QBJY0A1B",\n    "state": "%s",\n    "commit": "%s"\n}\n' "$state" "$commit"
        exit
        ;;
    'aws deploy get-deployment --deployment-id d-7QBJY0A1B --output text --query '*) echo 'deployed by the tool' && exit ;;
    'aws deploy stop-deployment --deployment-id d-7QBJY0A1B '*) cancelled && exit ;;
    'kubectl --context production --namespace payments '*)
        shift 4
        case $* in
            'set image deployment/payments-api app=registry.example.com/payments-api:'*) begin waiting "${4##*:}" ;;
            *'jsonpath={.metadata.generation}') printf 7 ;;
            *'jsonpath={.spec.template.spec.containers[0].image}') printf 'registry.example.com/payments-api:%s' "$commit" ;;
            'rollout status deployment/payments-api --watch=false')
                # https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_status/
                case $state in
                    done) echo 'deployment "payments-api" successfully rolled out' ;;
                    late) echo 'error: deployment "payments-api" exceeded its progress deadline' >&2 && exit 1 ;;
                    *) echo 'Waiting for deployment "payments-api" rollout to finish: 1 out of 3 new replicas have been updated...' ;;
                esac
                ;;
            'rollout undo deployment/payments-api') cancelled && printf before > "$here/commit" ;;
            *) refuse "$@" ;;
        esac
        exit
        ;;
esac
[ "$me" = curl ] || refuse "$@"

method=GET data='' headers=no
for word; do
    case ${last:-} in
        --request) method=$word ;;
        --data) method=POST data=$(cat) ;;
        --data-urlencode) method=POST data=$word ;;
        --dump-header) headers=yes ;;
        --user | --header)
            case $word in 'maya:s3cret' | *s3cret | Content-Type:*) ;; *) refuse "$word" ;; esac
            ;;
    esac
    last=$word
done
url=$last
sent() { printf '%s' "$data" | jq -r "$1"; }
case "$method $url" in
    # https://buildkite.com/docs/apis/rest-api/builds
    POST*buildkite.com/*/builds)
        begin scheduled "$(sent .commit)"
        state=scheduled commit=$(sent .commit)
        ;;
    PUT*buildkite.com/*/builds/42/cancel) cancelled ;;
    GET*buildkite.com/*/builds/42) ;;
    GET*buildkite.com/*/builds\?commit=*)
        [ "${url#*commit=}" = "$commit" ] || { echo '[]' && exit; }
        listed=yes
        ;;
    *buildkite.com/*/log.txt) echo 'deployed by the tool' && exit ;;
    # https://www.jenkins.io/doc/book/using/remote-access-api/
    POST*/job/deploy-payments-api/buildWithParameters)
        begin queue "${data#COMMIT=}"
        [ $headers = no ] || printf 'HTTP/1.1 201 Created\r\nLocation: https://jenkins.example.com/queue/item/7/\r\n\r\n'
        exit
        ;;
    GET*/queue/item/7/api/json)
        executable=',"executable":{"number":42,"url":"https://jenkins.example.com/job/deploy-payments-api/42/"}'
        [ "$state" != queue ] || executable=
        echo "{\"_class\":\"hudson.model.Queue\$LeftItem\",\"id\":7,\"cancelled\":false,\"why\":null$executable}"
        exit
        ;;
    GET*/job/deploy-payments-api/42/api/json)
        building=false result="\"$state\""
        [ "$state" != building ] || { building=true && result=null; }
        cat << JSON
{"_class":"org.jenkinsci.plugins.workflow.job.WorkflowRun","actions":[{},{"_class":"hudson.plugins.git.util.BuildData",
"lastBuiltRevision":{"SHA1":"$commit","branch":[{"SHA1":"$commit","name":"detached"}]}}],"building":$building,
"number":42,"result":$result,"url":"https://jenkins.example.com/job/deploy-payments-api/42/"}
JSON
        exit
        ;;
    GET*/job/deploy-payments-api/api/json\?tree=builds*)
        builds="{\"number\":42,\"actions\":[{},{\"lastBuiltRevision\":{\"SHA1\":\"$commit\"}}]},{\"number\":41,\"actions\":[]}"
        echo "{\"builds\":[$builds]}"
        exit
        ;;
    GET*/job/deploy-payments-api/42/consoleText) echo 'deployed by the tool' && exit ;;
    POST*/job/deploy-payments-api/42/stop) cancelled && exit ;;
    # https://circleci.com/docs/api/v2/
    POST*circleci.com/*/project/gh/shop/payments-api/pipeline)
        begin created "$(sent .parameters.sha)"
        echo '{"id":"5034460f","number":25,"state":"pending","created_at":"2026-11-30T09:00:05Z"}'
        exit
        ;;
    GET*circleci.com/*/project/gh/shop/payments-api/pipeline)
        echo "{\"items\":[{\"id\":\"5034460f\",\"number\":25,\"vcs\":{\"revision\":\"$commit\"}}],\"next_page_token\":null}"
        exit
        ;;
    GET*circleci.com/*/pipeline/5034460f)
        echo "{\"id\":\"5034460f\",\"number\":25,\"state\":\"created\",\"vcs\":{\"revision\":\"$commit\",\"branch\":\"main\"}}"
        exit
        ;;
    GET*circleci.com/*/pipeline/5034460f/workflow)
        item="{\"id\":\"fda08377\",\"pipeline_id\":\"5034460f\",\"name\":\"deploy\",\"status\":\"$state\",\"pipeline_number\":25}"
        [ "$state" != created ] || item=
        echo "{\"items\":[$item],\"next_page_token\":null}"
        exit
        ;;
    GET*circleci.com/*/workflow/fda08377/job)
        echo '{"items":[{"id":"1","name":"deployed by the tool","status":"success","type":"build"}],"next_page_token":null}'
        exit
        ;;
    POST*circleci.com/*/workflow/fda08377/cancel) cancelled && exit ;;
    # https://spinnaker.io/docs/reference/api/
    POST*/pipelines/v2/payments-api/deploy)
        begin NOT_STARTED "$(sent .parameters.sha)"
        echo '{"ref":"/pipelines/01HF7YAT"}'
        exit
        ;;
    GET*/pipelines/01HF7YAT)
        cat << JSON
{"id":"01HF7YAT","type":"PIPELINE","application":"payments-api","name":"deploy","status":"$state","trigger":{"type":"manual",
"parameters":{"sha":"$commit"}},"stages":[{"id":"1","type":"deployManifest","name":"deployed by the tool","status":"RUNNING"}]}
JSON
        exit
        ;;
    PUT*/pipelines/01HF7YAT/cancel) cancelled && exit ;;
    *) refuse "$method $url" ;;
esac
# What is left asks for a build of Buildkite.
web=https://buildkite.com/shop/deploy-payments-api/builds/42
[ "${listed:-}" != yes ] || printf '['
cat << JSON
{"id":"f62a1b4d-10f9-4790-bc1c-e2c3a0c80983","number":42,"state":"$state","blocked":false,"web_url":"$web",
"commit":"$commit","branch":"main","jobs":[{"id":"b63254c0","type":"script","state":"passed",
"finished_at":"2026-11-30T09:04:39Z","raw_log_url":"https://api.buildkite.com/v2/organizations/shop/pipelines/deploy/builds/42/jobs/b63254c0/log.txt"}]}
JSON
[ "${listed:-}" != yes ] || printf ']'
